"""The grid of a configuration: its models, variants, pairs and judges, by name and in order."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from steadfast.grid import paths
from steadfast.grid.data import Judge, Model, ModelVariant, Variant
from steadfast.judges.annotation.annotators import human_judges, human_labels


@dataclass(frozen=True)
class Grid:
    """A complete configuration, as data.

    Attributes:
        config: the configuration, as ``steadfast.config.checks.prepare`` completes it.
    """

    config: Mapping[str, Any]

    @cached_property
    def models(self) -> dict[str, Model]:
        """All models, including judges and bases."""
        return {name: Model(name, _label(found, name), found) for name, found in self.config["models"].items()}

    @cached_property
    def variants(self) -> dict[str, Variant]:
        """All variants."""
        return {name: Variant(name, _label(found, name), found) for name, found in self.config["variants"].items()}

    @cached_property
    def judges(self) -> dict[str, Judge]:
        """The judges of the configuration, without human judges."""
        return {name: Judge(name, _label(found, name), found) for name, found in self.config["judges"].items()}

    @cached_property
    def rubrics(self) -> dict[str, Judge]:
        """Rubrics of the configuration."""
        return {name: Judge(name, _label(found, name), found) for name, found in self.config["rubrics"].items()}

    @cached_property
    def human_judges(self) -> list[str]:
        """Names of the human judges: a single annotator, or the majority and each annotator."""
        return human_judges(self.config["annotations"])

    @property
    def keeps_checkpoints(self) -> bool:
        """Whether edited models are kept after the measurements; with a search only if configured."""
        wanted = self.config["runtime"]["keep_checkpoints"]
        searched = any(variant.is_searched for variant in self.variants.values())
        return not searched if wanted is None else bool(wanted)

    @property
    def studied(self) -> list[str]:
        """Models under test."""
        return [name for name, model in self.models.items() if model.is_studied]

    @cached_property
    def pairs(self) -> list[ModelVariant]:
        """Every model under test with weights, with every variant that applies to it."""
        return [
            ModelVariant(model, name)
            for model in self.studied
            for name, variant in self.variants.items()
            if self.models[model].given is None and variant.applies_to(model) and not variant.is_only_given
        ]

    def variants_where(self, test: Callable[[Variant], bool]) -> list[str]:
        """Variants that pass a test."""
        return [name for name, variant in self.variants.items() if test(variant)]

    def pairs_where(self, test: Callable[[Variant], bool]) -> list[ModelVariant]:
        """Pairs whose variant passes a test."""
        return [pair for pair in self.pairs if test(self.variants[pair.variant])]

    @property
    def edited_pairs(self) -> list[ModelVariant]:
        """Pairs with their own checkpoint."""
        return self.pairs_where(lambda variant: variant.is_edited)

    @property
    def changed_pairs(self) -> list[ModelVariant]:
        """Edited pairs, followed by those with an intervention."""
        return [*self.edited_pairs, *self.pairs_where(lambda variant: variant.is_hooked)]

    @property
    def controls(self) -> list[str]:
        """Control variants."""
        return self.variants_where(lambda variant: variant.is_control)

    @property
    def hooked(self) -> list[str]:
        """Variants with an inference-time intervention."""
        return self.variants_where(lambda variant: variant.is_hooked)

    @property
    def swept(self) -> list[str]:
        """Variants of sweeps."""
        return self.variants_where(lambda variant: variant.is_swept)

    def checkpoint(self, pair: ModelVariant) -> str:
        """Directory of a pair's checkpoint: the edited one, or that of the model if it is not edited."""
        if self.variants[pair.variant].is_edited:
            return paths.CHECKPOINT.at(model=pair.model, variant=pair.variant)
        return paths.MODEL.at(model=pair.model)

    def checkpoints(self, pairs: Iterable[ModelVariant]) -> list[str]:
        """Directories of the pairs' checkpoints."""
        return [self.checkpoint(pair) for pair in pairs]

    @property
    def baselines(self) -> list[str]:
        """Baseline judges, which do not read the response."""
        return [name for name, judge in self.judges.items() if judge.is_baseline]

    @property
    def reference(self) -> str:
        """The reference judge: its verdicts decide conclusions, assessments and figures."""
        chosen = self.config["statistics"]["reference"]
        return str(chosen or next(name for name in self.judges if name not in self.baselines))

    @property
    def validity_reference(self) -> str:
        """Reference for judge validity: human labels if there are any, otherwise the reference judge."""
        return self.human_judges[0] if self.human_judges else self.reference

    @property
    def shown_judge(self) -> str:
        """The judge whose verdicts figures and report show."""
        return str(self.config["figures"]["judge"] or self.reference)

    @property
    def labels(self) -> dict[str, dict[str, str]]:
        """Names of models, variants and judges in tables and figures."""
        return {
            "models": {name: model.label for name, model in self.models.items()},
            "variants": {name: variant.label for name, variant in self.variants.items()},
            "judges": {name: judge.label for name, judge in self.judges.items()}
            | human_labels(self.config["annotations"]),
        }

    @property
    def inference(self) -> dict[str, Any]:
        """Fields of ``steadfast.analysis.statistics.settings.Inference``."""
        statistics = self.config["statistics"]
        settings = {key: statistics[key] for key in ("confidence", "power")}
        return {**settings, "resamples": statistics["bootstrap"], "seed": self.config["seed"]}

    def responses_per_label(self, split: Literal["evaluation", "calibration"]) -> int:
        """Responses of one pair to the prompts of one label in a split."""
        return int(self.config["prompts"][split] * self.config["generation"]["samples"])


def in_words(grid: Grid) -> str:
    """One-line description of a grid."""
    sizes = ((grid.studied, "model"), (grid.variants, "variant"), ([*grid.judges, *grid.human_judges], "judge"))
    return " × ".join(f"{len(names)} {what}{'' if len(names) == 1 else 's'}" for names, what in sizes)


def _label(settings: Mapping[str, Any], name: str) -> str:
    return str(settings.get("label", name))
