"""Wiring of ``workflow/rules/side_effects.smk``: measures of every pair, grouped into jobs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from steadfast.analysis.side_effects import RESPONSES, WEIGHTS
from steadfast.config.effect_checks import is_taken, measure_settings
from steadfast.config.settings.side_effects import OWN
from steadfast.core.names import ORIGINAL
from steadfast.core.registry import names
from steadfast.grid import paths
from steadfast.grid.data import ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import Jobs, digest, rule_name
from steadfast.models.sources import is_trained_here

ORGANISMS = "organisms"
PARTS = ("edit", "intervention", "decoding")
MODULES = {"edit": "attacks.edits.methods", "intervention": "attacks.interventions.methods"}


@dataclass(frozen=True)
class MeasuringJob:
    """Pairs that are measured by one job.

    Attributes:
        grid: the grid.
        name: suffix of the job's name.
        pairs: the pairs, grouped by model.
    """

    grid: Grid
    name: str
    pairs: tuple[ModelVariant, ...]

    @property
    def rule(self) -> str:
        """Name of the job's rule."""
        return rule_name(f"measure_{self.name}")

    @property
    def models(self) -> list[str]:
        """Names of the models, without duplicates."""
        return list(dict.fromkeys(pair.model for pair in self.pairs))

    @property
    def originals(self) -> list[str]:
        """Directories of the original models."""
        return [paths.MODEL.at(model=model) for model in self.models]

    @property
    def checkpoints(self) -> list[str]:
        """Edited checkpoints."""
        return self.grid.checkpoints(self._among(self.grid.edited_pairs))

    @property
    def directions(self) -> list[str]:
        """Directions along which the pairs were edited or are steered."""
        return paths.DIRECTION.of(self._among(self.grid.changed_pairs))

    @property
    def edits(self) -> list[str]:
        """Edits that the workflow has selected."""
        return paths.CHOSEN_EDIT.of(self._among(self.grid.pairs_where(lambda variant: variant.is_chosen)))

    @property
    def responses(self) -> list[str]:
        """Responses of the originals, and of the variants if they are checked against the weights."""
        originals = [ModelVariant(model, ORIGINAL) for model in self.models]
        return paths.responses().of(dict.fromkeys([*originals, *(self.pairs if self._is_greedy else ())]))

    @property
    def scores(self) -> list[str]:
        """Output of the job."""
        return paths.SCORES.of(self.pairs)

    @property
    def gpus(self) -> int:
        """Number of GPUs of the job."""
        return max(self.grid.models[model].gpus for model in self.models)

    @property
    def measured(self) -> list[dict[str, Any]]:
        """Fields of ``steadfast.analysis.side_effects.measuring.MeasuredVariant``, one mapping per pair."""
        return [self._measured(pair) for pair in self.pairs]

    @property
    def _is_greedy(self) -> bool:
        return float(self.grid.config["generation"]["temperature"]) == 0

    def _among(self, pairs: list[ModelVariant]) -> list[ModelVariant]:
        """The job's pairs among the given ones, in the job's order."""
        wanted = set(pairs)
        return [pair for pair in self.pairs if pair in wanted]

    def _measured(self, pair: ModelVariant) -> dict[str, Any]:
        variant = self.grid.variants[pair.variant]
        where = {"model": pair.model, "variant": pair.variant}
        described = {
            **where,
            "original": paths.MODEL.at(model=pair.model),
            "checkpoint": self.grid.checkpoint(pair),
            "responses": paths.responses().at(model=pair.model, variant=ORIGINAL),
            "chat": Jobs(self.grid).chat(pair),
        }
        if variant.is_edited or variant.is_hooked:
            described["direction"] = paths.DIRECTION.at(**where)
        if self._is_greedy and "decoding" not in variant.settings:
            described["greedy_responses"] = paths.responses().at(**where)
        if variant.is_chosen:
            described["edit_file"] = paths.CHOSEN_EDIT.at(**where)
        return described | {part: dict(variant.settings[part]) for part in PARTS if part in variant.settings}


def batches(grid: Grid) -> list[MeasuringJob]:
    """All measuring jobs.

    The tiny models share one job, since starting a process costs more than measuring them; any other model has its own.
    """
    found: dict[str, list[ModelVariant]] = {}
    for pair in grid.pairs:
        name = ORGANISMS if is_trained_here(grid.models[pair.model].source) else f"model_{pair.model}"
        found.setdefault(name, []).append(pair)
    return [MeasuringJob(grid, name, tuple(pairs)) for name, pairs in found.items()]


@dataclass(frozen=True)
class Measures:
    """The configured measures, with their settings.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @cached_property
    def chosen(self) -> dict[str, Any]:
        """The ``Settings`` of each configured measure, completed by the workflow."""
        named = self.grid.config["side_effects"]["measures"] or ()
        known = dict.fromkeys((*OWN, *named))
        return {name: measure_settings(self.grid.config, name) for name in known if is_taken(self.grid.config, name)}

    @property
    def of_weights(self) -> dict[str, dict[str, Any]]:
        """Settings of the chosen measures that need the weights, by name."""
        return self._of(WEIGHTS)

    @property
    def of_responses(self) -> dict[str, dict[str, Any]]:
        """Settings of the chosen measures that read responses, by name."""
        return self._of(RESPONSES)

    @property
    def files(self) -> list[str]:
        """Local files that the chosen measures of the weights read."""
        return [file for name in self.of_weights for file in self.chosen[name].files()]

    @property
    def worlds(self) -> list[str]:
        """Local files that the chosen measures of responses read, such as the synthetic world."""
        return sorted({file for name in self.of_responses for file in self.chosen[name].files()})

    @property
    def environment(self) -> str:
        """Conda environment of the jobs that measure."""
        special = {self.chosen[name].environment for name in self.of_weights} - {"base"}
        return special.pop() if special else "base"

    @property
    def missing_packages(self) -> list[str]:
        """Packages that are missing for the configured measures; each message begins with the key."""
        found = (
            f"{settings.section}.{text}" for settings in self.chosen.values() if (text := settings.missing_package())
        )
        return list(found)

    def tokens(self, prompts: float, prompt_tokens: float) -> tuple[float, float]:
        """Approximate number of tokens that one pair reads and generates for the measures of the weights.

        Args:
            prompts: evaluation prompts of both labels.
            prompt_tokens: tokens of each.
        """
        each = [self.chosen[name].tokens(prompts, prompt_tokens) for name in self.of_weights]
        return sum(read for read, _ in each), sum(written for _, written in each)

    @property
    def weights_digest(self) -> str:
        """Digest of the code that the scores of the weights depend on."""
        measures = [f"analysis.side_effects.weights.{name}" for name in self.of_weights]
        methods = {
            f"{MODULES[part]}.{variant.settings[part]['method']}"
            for variant in self.grid.variants.values()
            for part in MODULES
            if part in variant.settings
        }
        return digest("measure_side_effects.py", *measures, *sorted(methods))

    @property
    def responses_digest(self) -> str:
        """Digest of the code that the table of side effects depends on."""
        return digest(
            "collect_side_effects.py", *(f"analysis.side_effects.responses.{name}" for name in self.of_responses)
        )

    def _of(self, package: str) -> dict[str, dict[str, Any]]:
        known = names(package)
        return {name: settings.as_dict() for name, settings in self.chosen.items() if name in known}
