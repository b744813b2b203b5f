"""What the stages from activations to edited checkpoints are told."""

import json
from collections.abc import Iterable
from typing import Any

from steadfast.config.strengths import attacks
from steadfast.grid.data import ModelVariant
from steadfast.grid.trials import Trials


class Attacks(Trials):
    """Directions and edits."""

    def direction(self, variant: str) -> dict[str, Any]:
        """The direction stanza of a variant; for a rank-one edit with the block whose keys it needs."""
        stanza = self.config["variants"][variant]
        direction = dict(stanza["direction"])
        if stanza.get("edit", {}).get("method") == "rank_one":
            direction["keys_layer"] = stanza["edit"]["layer"]
        return direction

    def edit(self, variant: str) -> dict[str, Any]:
        """The edit stanza of a variant; empty where the workflow chooses it, which the direction's file then tells."""
        return dict(self.config["variants"][variant].get("edit", {}))

    def matched_checkpoint(self, model: str, variant: str) -> list[str]:
        """The edited checkpoint whose change of the weights a variant's edit is scaled to; none if it is not."""
        other = self.config["variants"][variant].get("match_change")
        return [self.checkpoint(model, other)] if other else []

    def directed_variants(self, *, by_running: bool) -> list[str]:
        """Variants that have a direction, those whose search runs the model or the others."""
        from steadfast.attacks.direction_search.search import read_settings

        directed = [name for name, variant in self.config["variants"].items() if "direction" in variant]
        return [name for name in directed if read_settings(self.direction(name)).needs_model == by_running]

    def contrasted_judgments(self, model: str, variant: str) -> list[str]:
        """Verdicts by which a direction contrasts refused with answered prompts; none if it contrasts the labels."""
        judge = self.direction(variant).get("judge")
        return [self.calibration_judgment(judge, model)] if judge else []

    def attacks(self) -> dict[str, dict[str, Any]]:
        """Variants with an edit or a hook by what they consist of; see ``steadfast.config.strengths``."""
        return attacks(self.config["variants"])

    def strength_results(self) -> list[str]:
        """Table and figures of refusals against strength, where some attack comes in several strengths."""
        lines = [(attack["direction"], attack["change"]) for attack in self.attacks().values()]
        swept = len(lines) > len(set(lines))
        return ["results/tables/strength.csv", "results/figures/strength"] if swept else []

    def shown_directions(self) -> list[ModelVariant]:
        """Systems whose directions are drawn: of variants with equal direction stanzas the first; none at random."""
        seen: list[dict[str, Any]] = []
        shown = []
        for name, variant in self.config["variants"].items():
            stanza = variant.get("direction", {"method": "random"})
            if stanza["method"] != "random" and stanza not in seen:
                seen.append(stanza)
                shown.append(name)
        return [system for system in self.systems if system.variant in shown]

    def labels_of(self, systems: Iterable[ModelVariant]) -> dict[str, dict[str, str]]:
        """Display labels of the systems' models and variants."""
        models, variants = self.labels("models"), self.labels("variants")
        named = list(systems)
        return {
            "models": {system.model: models[system.model] for system in named},
            "variants": {system.variant: variants[system.variant] for system in named},
        }

    def direction_figures(self) -> list[str]:
        """Directory of the figures about directions; none where nothing is found in activations."""
        return ["results/figures/directions"] if self.shown_directions() else []

    @staticmethod
    def activation_files(systems: Iterable[ModelVariant]) -> list[str]:
        """Activations of the systems' models."""
        return [f"results/activations/{system.model}.safetensors" for system in systems]

    def directions_by_running(self) -> list[str]:
        """Directions whose search runs the model."""
        variants = self.directed_variants(by_running=True)
        return self.direction_files(system for system in self.systems if system.variant in variants)

    def positions(self) -> list[int] | str:
        """Template positions that any variant's direction may use, the last one always among them."""
        directions = (variant.get("direction", {}) for variant in self.config["variants"].values())
        used = {direction["position"] for direction in directions if "position" in direction}
        return "post_instruction" if "auto" in used else sorted({-1, *used})

    def extraction_machine(self) -> str:
        """How extraction uses the machine, as JSON."""
        return json.dumps({key: self.config["runtime"][key] for key in ("device", "batch_tokens")})

    def direction_digest(self, variant: str, script: str = "find_direction.py") -> str:
        """Digest of the code that a variant's direction depends on."""
        return self.digest(script, f"attacks.directions.methods.{self.direction(variant)['method']}")

    def edit_digest(self, variant: str) -> str:
        """Digest of the code that a variant's edit depends on; one that is chosen may be any of those tried."""
        edits = self.tried_attacks(variant).values() if variant in self.chosen_variants() else [self.edit(variant)]
        return self.digest("bake_checkpoint.py", *sorted({f"attacks.edits.methods.{edit['method']}" for edit in edits}))
