"""Wiring of ``workflow/rules/side_effects.smk``: what is measured of every pair, and in which job."""

from dataclasses import dataclass
from typing import Any

from steadfast.analysis.side_effects import ANSWERS, WEIGHTS, measure_names
from steadfast.config.effect_checks import GRAMMAR_MEASURES, synthetic_world
from steadfast.core.files import visible_files
from steadfast.core.names import HARMLESS, ORIGINAL
from steadfast.grid import paths
from steadfast.grid.data import ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import Jobs, digest, rule_name
from steadfast.models.sources import is_trained_here
from steadfast.prompts.benchmarks.catalog import OVER_REFUSAL

ORGANISMS = "organisms"
PARTS = ("edit", "intervention", "decoding")
MODULES = {"edit": "attacks.edits.methods", "intervention": "attacks.interventions.methods"}


@dataclass(frozen=True)
class Batch:
    """Pairs that are measured by one job.

    Attributes:
        grid: the grid.
        name: what the job is called after.
        pairs: the pairs, model by model.
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
        """Names of the models, each once."""
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
        """Edits that the workflow has chosen."""
        return paths.CHOSEN_EDIT.of(self._among(self.grid.chosen_pairs))

    @property
    def responses(self) -> list[str]:
        """Responses of the originals."""
        return paths.responses().of(ModelVariant(model, ORIGINAL) for model in self.models)

    @property
    def scores(self) -> list[str]:
        """What the job writes."""
        return paths.SCORES.of(self.pairs)

    @property
    def gpus(self) -> int:
        """GPUs that the job asks for."""
        return max(self.grid.models[model].gpus for model in self.models)

    @property
    def systems(self) -> list[dict[str, Any]]:
        """Fields of ``steadfast.analysis.side_effects.measuring.MeasuredSystem``, one mapping per pair."""
        return [self._system(pair) for pair in self.pairs]

    def _among(self, pairs: list[ModelVariant]) -> list[ModelVariant]:
        """The job's own among some pairs, in its order."""
        wanted = set(pairs)
        return [pair for pair in self.pairs if pair in wanted]

    def _system(self, pair: ModelVariant) -> dict[str, Any]:
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
        if variant.is_chosen:
            described["edit_file"] = paths.CHOSEN_EDIT.at(**where)
        return described | {part: dict(variant.settings[part]) for part in PARTS if part in variant.settings}


def batches(grid: Grid) -> list[Batch]:
    """All jobs that measure.

    The tiny models share one, since a process costs more than measuring them; any other model has its own.
    """
    found: dict[str, list[ModelVariant]] = {}
    for pair in grid.pairs:
        name = ORGANISMS if is_trained_here(grid.models[pair.model].source) else f"model_{pair.model}"
        found.setdefault(name, []).append(pair)
    return [Batch(grid, name, tuple(pairs)) for name, pairs in found.items()]


@dataclass(frozen=True)
class Measures:
    """The measures that the configuration chooses, with their settings.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def of_weights(self) -> dict[str, dict[str, Any]]:
        """Settings of the chosen measures that need the weights, by name."""
        tasks = self.grid.config["capability"]
        return self._chosen(measure_names(WEIGHTS)) | ({"capability": dict(tasks)} if tasks["tasks"] else {})

    @property
    def of_responses(self) -> dict[str, dict[str, Any]]:
        """Settings of the chosen measures that read responses, by name."""
        return self._chosen(measure_names(ANSWERS))

    @property
    def files(self) -> list[str]:
        """Local files that the chosen measures of the weights read."""
        from steadfast.prompts.sources import source_files

        chosen = self.of_weights
        text = self._text() if "perplexity" in chosen else None
        tasks = [chosen["instruction_following"]["tasks"]] if "instruction_following" in chosen else []
        return [*(source_files(text) if text else []), *tasks, *self._task_files()]

    @property
    def worlds(self) -> list[str]:
        """The world that responses are read by, where a chosen measure reads them by it."""
        return sorted({settings["world"] for settings in self.of_responses.values() if "world" in settings})

    @property
    def environment(self) -> str:
        """Conda environment of the jobs that measure."""
        return "capability" if self.grid.config["capability"]["tasks"] else "base"

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
            "collect_side_effects.py", *(f"analysis.side_effects.answers.{name}" for name in self.of_responses)
        )

    def _task_files(self) -> list[str]:
        """Files of the user's own folder of tasks."""
        settings = self.grid.config["capability"]
        folder = settings["include_path"] if settings["tasks"] else None
        return [str(file) for file in visible_files(folder)] if folder else []

    def _chosen(self, known: list[str]) -> dict[str, dict[str, Any]]:
        named = self.grid.config["side_effects"]["measures"]
        wanted = self._defaults() if named is None else named
        return {name: self._settings(name) for name in known if name in wanted}

    def _defaults(self) -> list[str]:
        text = ["perplexity"] if self._text() else []
        grammar = list(GRAMMAR_MEASURES) if synthetic_world(self.grid.config) else []
        checks = ["separation", "module_agreement", "hook_agreement"]
        return ["divergence", *checks, "over_refusal", "degenerate", "response_length", *text, *grammar]

    def _settings(self, name: str) -> dict[str, Any]:
        settings = self.grid.config["side_effects"]
        if name in GRAMMAR_MEASURES:
            return {"world": synthetic_world(self.grid.config)}
        return {
            "divergence": {"max_tokens": settings["answer_tokens"]},
            "perplexity": {
                "text": self._text(),
                "documents": settings["documents"],
                "max_tokens": settings["document_tokens"],
            },
            "module_agreement": {"prompts": settings["intervention_prompts"]},
            "hook_agreement": {"prompts": settings["intervention_prompts"]},
            "instruction_following": {
                "tasks": settings["instructions"],
                "max_new_tokens": settings["instruction_tokens"],
            },
            "over_refusal": {"categories": settings["over_refusal_categories"], **self._benchmarks()},
        }.get(name, {})

    def _benchmarks(self) -> dict[str, list[str]]:
        """Benchmarks with over-refusal prompts among the harmless prompts, where there are any."""
        named = {source.get("benchmark") for source in self.grid.config["prompts"][HARMLESS]}
        found = [name for name in OVER_REFUSAL if name in named]
        return {"benchmarks": found} if found else {}

    def _text(self) -> dict[str, Any] | None:
        """Source of the held-out text."""
        given: dict[str, Any] | None = self.grid.config["side_effects"]["text"]
        world = synthetic_world(self.grid.config)
        return given or ({"kind": "synthetic", "world": world} if world else None)
