"""Wiring of ``workflow/rules/self_evaluation.smk``: pairs that judge their own and control responses."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from steadfast.core.names import ORIGINAL
from steadfast.grid import paths
from steadfast.grid.data import ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.judged_pairs import runnable
from steadfast.grid.judging import Judging


@dataclass(frozen=True)
class SelfEvaluation:
    """Self-evaluating judges: their controls and results.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    def control(self, judge: str) -> dict[str, Any]:
        """Number of control responses of a self-evaluating pair, and settings for drawing them."""
        return {"size": self.grid.judges[judge].settings.get("control", 0), "seed": self.grid.config["seed"]}

    def source_models(self, judge: str, model: str) -> list[ModelVariant]:
        """Pairs from which the control responses of a model are drawn.

        They belong to the previous model (for the first model, to the next one): its original and its first variant. So
        every model judges one other model and is judged by one, and adding a model or variant at the end requires no
        new judgments of the others.
        """
        rank = runnable(self.grid).index(model)
        neighbors = runnable(self.grid)[rank - 1 : rank] if rank else runnable(self.grid)[1:2]
        wanted = self.control(judge)["size"] > 0
        return [
            ModelVariant(source_model, variant)
            for source_model in neighbors
            for variant in self._control_variants(source_model)
            if wanted
        ]

    def _control_variants(self, source_model: str) -> list[str]:
        own = [pair.variant for pair in self.grid.pairs if pair.model == source_model]
        studied = [variant for variant in own if not self.grid.variants[variant].is_control]
        return list(dict.fromkeys([ORIGINAL, *studied]))[:2]

    @property
    def judges(self) -> list[str]:
        """Self-evaluating judges that are compared with the reference."""
        own = Judging(self.grid).with_scope("pair")
        reference = self.grid.judges[self.grid.reference]
        related = {reference.name, *reference.settings.get("members", ())}
        return [judge.name for judge in own if judge.name not in related]

    def control_judgments(self, judges: Iterable[str]) -> list[str]:
        """Judgments of control responses."""
        return [path for judge in judges for path in paths.CONTROL_JUDGMENTS.of(self.grid.pairs, judge=judge)]

    @property
    def results(self) -> list[str]:
        """The table of self-evaluation; empty without a self-evaluating judge."""
        return [paths.table("self_evaluation")] if self.judges else []
