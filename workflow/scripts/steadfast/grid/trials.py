"""What the stage that chooses the strongest attack is told: which attacks are tried, on what, and by whose verdicts."""

from collections.abc import Iterable
from typing import Any

from steadfast.config.attack_checks import CHOICE
from steadfast.config.sweeps import edits_of
from steadfast.core.names import ORIGINAL
from steadfast.grid.data import ModelVariant
from steadfast.grid.judging import Judging

PROMPTS = 50


class Trials(Judging):
    """Attacks that are tried on calibration prompts, so that one of them is chosen."""

    def tried_attacks(self, variant: str) -> dict[str, dict[str, Any]]:
        """The attacks from which a variant is chosen: their edit stanzas by their names, in the sweeps' order."""
        sweeps = (self.config["sweeps"][name] for name in self._choice(variant)["sweeps"])
        return {name: edit for sweep in sweeps for name, edit in edits_of(sweep).items()}

    def choosing_judge(self, variant: str) -> str:
        """Judge whose verdicts decide which attack a variant is."""
        return str(self._choice(variant)["judge"] or self.machine_reference)

    def choosing_judges(self) -> list[str]:
        """All of them, in the order of the configuration."""
        asked = {self.choosing_judge(variant) for variant in self.chosen_variants()}
        return [name for name in self.config["judges"] if name in asked]

    def choosing_prompts(self, variant: str) -> int:
        """Number of prompts that a variant is chosen by."""
        return int(self._choice(variant)["prompts"] or min(PROMPTS, self.config["prompts"]["calibration"]))

    def tried_prompts(self, attack: str) -> int:
        """Number of prompts that an attack, or the original, answers: as many as any choice among them goes by."""
        return max(self.choosing_prompts(name) for name in self.chosen_variants() if attack in self._compared(name))

    def tried_variants(self) -> list[str]:
        """The original and every attack that is tried, once each."""
        return list(dict.fromkeys(name for variant in self.chosen_variants() for name in self._compared(variant)))

    def trial_systems(self, judge: str) -> list[ModelVariant]:
        """Systems whose trial responses a judge reads, each once."""
        compared = (
            ModelVariant(system.model, name)
            for system in self.chosen_systems()
            if self.choosing_judge(system.variant) == judge
            for name in self._compared(system.variant)
        )
        return list(dict.fromkeys(compared))

    def judged_sets(self) -> list[dict[str, Any]]:
        """What the judges that send requests read, what attacks answer on trial among it."""
        samples = int(self.config["generation"]["samples"])
        trials = [
            {
                "judges": [judge],
                "responses": self.trial_responses([system]),
                "cases_each": self.tried_prompts(system.variant) * samples,
            }
            for judge in self.choosing_judges()
            if judge in self.paid_judges()
            for system in self.trial_systems(judge)
        ]
        return [*super().judged_sets(), *trials]

    @staticmethod
    def trial_responses(systems: Iterable[ModelVariant]) -> list[str]:
        """What systems answer on trial."""
        return [f"results/trials/responses/{system.model}/{system.variant}.parquet" for system in systems]

    def all_trial_responses(self) -> list[str]:
        """What all models answer on trial."""
        tried = (
            ModelVariant(system.model, name)
            for system in self.chosen_systems()
            for name in self._compared(system.variant)
        )
        return self.trial_responses(dict.fromkeys(tried))

    def trial_judgments(self, judge: str, systems: Iterable[ModelVariant] | None = None) -> list[str]:
        """A judge's verdicts on the trial responses of systems, by default of all that it reads."""
        return [
            f"results/trials/judgments/{judge}/{system.model}/{system.variant}.parquet"
            for system in (self.trial_systems(judge) if systems is None else systems)
        ]

    def all_judgments(self, judge: str) -> list[str]:
        """A judge's verdicts on whatever it may read, trials among it."""
        return [*super().all_judgments(judge), *self.trial_judgments(judge)]

    def choice_inputs(self, model: str, variant: str) -> dict[str, list[str]]:
        """Files by which a variant is chosen for a model: of every attack, of trials the original's before them."""
        attacks = [ModelVariant(model, name) for name in self.tried_attacks(variant)]
        compared = [ModelVariant(model, ORIGINAL), *attacks]
        return {
            "directions": self.direction_files(attacks),
            "checkpoints": self.checkpoints(attacks),
            "responses": self.trial_responses(compared),
            "judgments": self.trial_judgments(self.choosing_judge(variant), compared),
        }

    def _choice(self, variant: str) -> dict[str, Any]:
        return dict(self.config["variants"][variant][CHOICE])

    def _compared(self, variant: str) -> list[str]:
        return [ORIGINAL, *self.tried_attacks(variant)]
