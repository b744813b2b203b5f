"""Wiring of ``workflow/rules/attack_selection.smk``: which attacks are compared, their inputs and judges."""

from dataclasses import dataclass
from typing import Any

from steadfast.config.attack_checks import CHOICE
from steadfast.config.sweeps import edits_of
from steadfast.core.names import ORIGINAL
from steadfast.grid import paths
from steadfast.grid.data import ForPair, Judge, ModelVariant
from steadfast.grid.grid import Grid

PROMPTS = 50


@dataclass(frozen=True)
class AttackSelection:
    """Attacks that are compared on calibration prompts to select the best one.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def chosen(self) -> list[str]:
        """Variants that are the best of several attacks."""
        return self.grid.variants_where(lambda variant: variant.is_compared)

    @property
    def chosen_pairs(self) -> list[ModelVariant]:
        """Pairs with those variants."""
        return self.grid.pairs_where(lambda variant: variant.is_compared)

    def attacks(self, variant: str) -> dict[str, dict[str, Any]]:
        """The candidate attacks of a variant: ``edit`` entries by name, in the order of the sweeps."""
        sweeps = (self.grid.config["sweeps"][name] for name in self._choice(variant)["sweeps"])
        return {name: edit for sweep in sweeps for name, edit in edits_of(sweep).items()}

    def judge(self, variant: str) -> Judge:
        """Judge whose verdicts select the attack of a variant."""
        return self.grid.judges[self._choice(variant)["judge"] or self.grid.reference]

    @property
    def judges(self) -> list[Judge]:
        """All judges that select attacks, in the order of the configuration."""
        used = {self.judge(variant).name for variant in self.chosen}
        return [judge for name, judge in self.grid.judges.items() if name in used]

    def prompts(self, variant: str) -> int:
        """Number of prompts on which a variant is selected."""
        return int(self._choice(variant)["prompts"] or min(PROMPTS, self.grid.config["prompts"]["calibration"]))

    def prompts_for(self, attack: str) -> int:
        """Number of prompts that an attack, or the original, responds to: the most that any selection needs."""
        return max(self.prompts(name) for name in self.chosen if attack in self._compared(name))

    @property
    def variants(self) -> list[str]:
        """The original and every compared attack, without duplicates."""
        return list(dict.fromkeys(name for variant in self.chosen for name in self._compared(variant)))

    def pairs(self, judge: Judge | None = None) -> list[ModelVariant]:
        """Pairs that generate responses, without duplicates: all, or those whose responses a judge reads."""
        compared = (
            ModelVariant(pair.model, name)
            for pair in self.chosen_pairs
            if judge is None or self.judge(pair.variant).name == judge.name
            for name in self._compared(pair.variant)
        )
        return list(dict.fromkeys(compared))

    def directions(self, job: ForPair) -> list[str]:
        """Directions of the candidate attacks of a pair."""
        return paths.DIRECTION.of(self._attacked(job))

    def checkpoints(self, job: ForPair) -> list[str]:
        """Checkpoints of those attacks."""
        return self.grid.checkpoints(self._attacked(job))

    def responses(self, job: ForPair) -> list[str]:
        """Responses of the original and of those attacks."""
        return paths.responses("attack_selection").of([ModelVariant(job.model, ORIGINAL), *self._attacked(job)])

    def judgments(self, job: ForPair) -> list[str]:
        """The judge's verdicts on these responses."""
        pairs = [ModelVariant(job.model, ORIGINAL), *self._attacked(job)]
        return paths.judgments("attack_selection").of(pairs, judge=self.judge(job.variant).name)

    def edits(self, job: ForPair) -> dict[str, dict[str, Any]]:
        """The value of ``attacks`` for a job's variant."""
        return self.attacks(job.variant)

    def counted(self, job: ForPair) -> int:
        """The value of ``prompts`` for a job's variant."""
        return self.prompts(job.variant)

    def _attacked(self, job: ForPair) -> list[ModelVariant]:
        return [ModelVariant(job.model, name) for name in self.attacks(job.variant)]

    def _choice(self, variant: str) -> dict[str, Any]:
        return dict(self.grid.variants[variant].settings[CHOICE])

    def _compared(self, variant: str) -> list[str]:
        return [ORIGINAL, *self.attacks(variant)]
