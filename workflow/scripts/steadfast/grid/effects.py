"""What the stage of side effects is told."""

import json
from typing import Any

from steadfast.analysis.side_effects import ANSWERS, WEIGHTS, measure_names
from steadfast.config.effect_checks import GRAMMAR_MEASURES, synthetic_world
from steadfast.core.files import visible_files
from steadfast.grid.data import ModelVariant
from steadfast.grid.judging import Judging

ORGANISMS = "organisms"
PARTS = ("edit", "hook", "decoding")
MODULES = {"edit": "attacks.edits.methods", "hook": "attacks.interventions.methods"}


class Rubrics(Judging):
    """A grid whose judges are the rubrics: what their jobs are told is what judges' jobs are told."""

    def judged_sets(self) -> list[dict[str, Any]]:
        """Rubrics read responses to harmless prompts only."""
        asked, answers = list(self.paid_judges()), self.answers_per_class("evaluation")
        return [{"judges": asked, "responses": self.responses(), "cases_each": answers, "label": "harmless"}]


class Effects(Judging):
    """Side effects and the assessment."""

    def measured_batches(self) -> dict[str, list[ModelVariant]]:
        """Systems that are measured by one job, by a name for it.

        The tiny models share one, since a process costs more than measuring them; any other model has its own.
        """
        batches: dict[str, list[ModelVariant]] = {}
        for system in self.systems:
            organism = self.config["models"][system.model]["source"] == "organism"
            batches.setdefault(ORGANISMS if organism else f"model_{system.model}", []).append(system)
        return batches

    @staticmethod
    def score_files(systems: list[ModelVariant]) -> list[str]:
        """Files with the scores of systems."""
        return [f"results/side_effects/{system.model}/{system.variant}.parquet" for system in systems]

    def measured_inputs(self, systems: list[ModelVariant]) -> dict[str, list[str]]:
        """Files that measuring systems reads."""
        models = list(dict.fromkeys(system.model for system in systems))
        hooked = self.hooked_variants()
        edited = [system for system in systems if self.is_edited(system.variant)]
        changed = [system for system in systems if self.is_edited(system.variant) or system.variant in hooked]
        return {
            "models": [self.model_directory(model) for model in models],
            "checkpoints": self.checkpoints(edited),
            "directions": self.direction_files(changed),
            "responses": [f"results/responses/{model}/original.parquet" for model in models],
            "files": self.measured_files(),
        }

    def measured_systems(self, systems: list[ModelVariant]) -> list[dict[str, Any]]:
        """Fields of ``steadfast.analysis.side_effects.measuring.MeasuredSystem``, one mapping per system."""
        return [self._measured_system(system) for system in systems]

    def weights_measures(self) -> dict[str, dict[str, Any]]:
        """Settings of the chosen measures that need the weights, by name."""
        tasks = self.config["capability"]
        return self._chosen(measure_names(WEIGHTS)) | ({"capability": dict(tasks)} if tasks["tasks"] else {})

    def answers_measures(self) -> dict[str, dict[str, Any]]:
        """Settings of the chosen measures that read responses, by name."""
        return self._chosen(measure_names(ANSWERS))

    def measured_files(self) -> list[str]:
        """Local files that the chosen measures of the weights read."""
        from steadfast.prompts.sources import source_files

        chosen = self.weights_measures()
        text = self._text() if "perplexity" in chosen else None
        tasks = [chosen["instruction_following"]["tasks"]] if "instruction_following" in chosen else []
        return [*(source_files(text) if text else []), *tasks, *self._task_files()]

    def world_files(self) -> list[str]:
        """The world that answers are read by, where a chosen measure reads them by it."""
        return sorted({settings["world"] for settings in self.answers_measures().values() if "world" in settings})

    def weights_digest(self) -> str:
        """Digest of the code that the scores of the weights depend on."""
        measures = [f"analysis.side_effects.weights.{name}" for name in self.weights_measures()]
        variants = self.config["variants"].values()
        methods = {
            f"{MODULES[part]}.{stanza[part]['method']}"
            for stanza in variants
            for part in ("edit", "hook")
            if part in stanza
        }
        return self.digest("measure_side_effects.py", *measures, *sorted(methods))

    def answers_digest(self) -> str:
        """Digest of the code that the table of side effects depends on."""
        return self.digest(
            "collect_side_effects.py", *(f"analysis.side_effects.answers.{name}" for name in self.answers_measures())
        )

    def batch_gpus(self, systems: list[ModelVariant]) -> int:
        """GPUs that measuring systems asks for."""
        return max(self.gpus(system.model) for system in systems)

    def measuring_machine(self) -> str:
        """How measuring uses the machine, as JSON."""
        return json.dumps({key: self.config["runtime"][key] for key in ("device", "batch_tokens")})

    @property
    def rubrics(self) -> Rubrics:
        """The grid whose judges are the rubrics."""
        return Rubrics({**self.config, "judges": self.config["rubrics"], "annotations": []})

    def rubric_labels(self) -> dict[str, str]:
        """Display labels of the rubrics."""
        return {name: str(stanza.get("label", name)) for name, stanza in self.config["rubrics"].items()}

    def asking_judges(self) -> dict[str, dict[str, Any]]:
        """Arguments of all judges that send requests, rubrics among them, by name."""
        return {**self.paid_judges(), **self.rubrics.paid_judges()}

    def asked_work(self) -> dict[str, Any]:
        """What those have to judge, as arguments of ``steadfast.judges.cost_estimate.work_of``."""
        return {**self.planned_work(), "sets": [*self.judged_sets(), *self.rubrics.judged_sets()]}

    def measuring_environment(self) -> str:
        """Conda environment of the jobs that measure."""
        return "capability" if self.config["capability"]["tasks"] else "base"

    def _task_files(self) -> list[str]:
        """Files of the folder with tasks of one's own."""
        settings = self.config["capability"]
        folder = settings["include_path"] if settings["tasks"] else None
        return [str(file) for file in visible_files(folder)] if folder else []

    def _measured_system(self, system: ModelVariant) -> dict[str, Any]:
        variant = self.config["variants"][system.variant]
        described = {
            "model": system.model,
            "variant": system.variant,
            "original": self.model_directory(system.model),
            "checkpoint": self.checkpoint(system.model, system.variant),
            "responses": f"results/responses/{system.model}/original.parquet",
            "chat": self.chat_settings(system.model),
        }
        if self.is_edited(system.variant) or "hook" in variant:
            described["direction"] = self.direction_file(system.model, system.variant)
        return described | {part: dict(variant[part]) for part in PARTS if part in variant}

    def _chosen(self, known: list[str]) -> dict[str, dict[str, Any]]:
        named = self.config["side_effects"]["measures"]
        wanted = self._default_measures() if named is None else named
        return {name: self._measure_settings(name) for name in known if name in wanted}

    def _default_measures(self) -> list[str]:
        text = ["perplexity"] if self._text() else []
        grammar = list(GRAMMAR_MEASURES) if synthetic_world(self.config) else []
        checks = ["separation", "module_agreement", "hook_agreement"]
        return ["divergence", *checks, "over_refusal", "degenerate", "response_length", *text, *grammar]

    def _measure_settings(self, name: str) -> dict[str, Any]:
        settings = self.config["side_effects"]
        if name in GRAMMAR_MEASURES:
            return {"world": synthetic_world(self.config)}
        return {
            "divergence": {"max_tokens": settings["answer_tokens"]},
            "perplexity": {
                "text": self._text(),
                "documents": settings["documents"],
                "max_tokens": settings["document_tokens"],
            },
            "module_agreement": {"prompts": settings["hook_prompts"]},
            "hook_agreement": {"prompts": settings["hook_prompts"]},
            "instruction_following": {
                "tasks": settings["instructions"],
                "max_new_tokens": settings["instruction_tokens"],
            },
            "over_refusal": {"categories": settings["borderline"]},
        }.get(name, {})

    def _text(self) -> dict[str, Any] | None:
        """Source of the held-out text."""
        given: dict[str, Any] | None = self.config["side_effects"]["text"]
        world = synthetic_world(self.config)
        return given or ({"kind": "synthetic", "world": world} if world else None)
