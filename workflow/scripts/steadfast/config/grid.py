"""The grid that a configuration spans: which systems there are, who judges them, and what each stage is told.

The workflow's rules ask the grid for paths and for the slice of the configuration that a job depends on, so
that a change of one stanza makes stale what reads it and nothing else.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from steadfast.annotation.annotators import human_judges
from steadfast.annotation.assembly import ASSETS
from steadfast.codedigest import code_digest
from steadfast.config.checks import BASELINES
from steadfast.registry import load, names

SCRIPTS = Path(__file__).parents[2]


@dataclass(frozen=True)
class System:
    """One model in one variant: what is tested."""

    model: str
    variant: str


@dataclass(frozen=True)
class Grid:
    """Everything the rules need to know about a complete configuration."""

    config: Mapping[str, Any]

    @property
    def models(self) -> list[str]:
        """Models under test, in the order of the configuration."""
        return [name for name, model in self.config["models"].items() if model["role"] == "study"]

    @property
    def variants(self) -> list[str]:
        """Variants, in the order of the configuration."""
        return list(self.config["variants"])

    @property
    def systems(self) -> list[System]:
        """Every model in every variant."""
        return [System(model, variant) for model in self.models for variant in self.variants]

    @property
    def judges(self) -> list[str]:
        """All judges: those of the configuration in its order, then people."""
        return [*self.config["judges"], *self.human_judges]

    @cached_property
    def human_judges(self) -> list[str]:
        """The majority of the annotators and each of them, where there are annotation files."""
        return human_judges(self.config["annotations"])

    @property
    def baselines(self) -> list[str]:
        """Judges that do not read the response."""
        return [name for name, judge in self.config["judges"].items() if judge["kind"] in BASELINES]

    @property
    def machine_reference(self) -> str:
        """The judge of the configuration that stands for the truth where people have labelled nothing."""
        chosen = self.config["statistics"]["reference"]
        return str(chosen or next(name for name in self.config["judges"] if name not in self.baselines))

    @property
    def reference(self) -> str:
        """The judge that the others are compared with: people, where there are labels."""
        return self.human_judges[0] if self.human_judges else self.machine_reference

    def models_from(self, source: str) -> list[str]:
        """All models, judges among them, that come from ``source``."""
        return [name for name, model in self.config["models"].items() if model["source"] == source]

    def edited_variants(self) -> list[str]:
        """Variants that have a checkpoint of their own."""
        return [name for name, variant in self.config["variants"].items() if "edit" in variant]

    def judges_with_scope(self, scope: str) -> list[str]:
        """Judges whose work is one job for the whole grid (``grid``) or one job per system (``system``)."""
        return [name for name, judge in self.config["judges"].items() if judge_module(judge["kind"]).SCOPE == scope]

    def checkpoint(self, model: str, variant: str) -> str:
        """Directory of a system's checkpoint: the edited one, or the model itself where nothing was edited."""
        if "edit" in self.config["variants"][variant]:
            return f"results/checkpoints/{model}/{variant}"
        return self.model_directory(model)

    @staticmethod
    def model_directory(model: str) -> str:
        """Directory of a model, trained here or pointed to."""
        return f"results/models/{model}"

    def annotation_key(self) -> list[str]:
        """The key of the annotation page, which holds how many responses a label stands for; none without labels."""
        return ["results/annotation/key.parquet"] if self.human_judges else []

    def annotation_settings(self) -> dict[str, Any]:
        """What decides the annotation page, apart from the responses and the definition."""
        settings = {key: value for key, value in self.config["annotation"].items() if key != "definition"}
        return {**settings, "seed": self.config["seed"]}

    @staticmethod
    def annotation_assets() -> tuple[str, ...]:
        """File names of the page's template, style and scripts."""
        return ASSETS

    def edited_systems(self) -> list[list[str]]:
        """Model and variant of every system with a checkpoint of its own."""
        return [[model, variant] for model in self.models for variant in self.edited_variants()]

    def edited_checkpoints(self) -> list[str]:
        """Their checkpoints, in the same order."""
        return [self.checkpoint(model, variant) for model, variant in self.edited_systems()]

    def annotated_judgments(self) -> list[str]:
        """Judgments whose disagreement decides what people are asked to label; none for the human subset."""
        if self.config["annotation"]["mode"] != "sampled":
            return []
        return self.judgments(name for name in self.config["judges"] if name not in self.baselines)

    def responses(self) -> list[str]:
        """Response files of all systems."""
        return [f"results/responses/{system.model}/{system.variant}.parquet" for system in self.systems]

    def judgments(self, judges: Iterable[str] | None = None) -> list[str]:
        """Judgment files of the given judges (all by default) on all systems."""
        return [
            f"results/judgments/{judge}/{system.model}/{system.variant}.parquet"
            for judge in (self.judges if judges is None else judges)
            for system in self.systems
        ]

    def labels(self, section: str) -> dict[str, str]:
        """Display labels of the models, variants or judges."""
        named = {name: stanza.get("label", name) for name, stanza in self.config[section].items()}
        if section != "judges":
            return named
        return {**named, **{name: name.replace("-", ": ", 1).capitalize() for name in self.human_judges}}

    def controls(self) -> list[str]:
        """Variants that check the method and do not belong to the study."""
        return [name for name, variant in self.config["variants"].items() if variant["role"] == "control"]

    def model_settings(self, model: str) -> dict[str, Any]:
        """What decides a model's content (not its label, nor its role)."""
        stanza = self.config["models"][model]
        display = ("label", "group", "role", "gpus", "template_arguments", "dtype")
        return {key: value for key, value in stanza.items() if key not in display}

    def chat_settings(self, model: str) -> dict[str, Any]:
        """How a model is spoken to: system prompt, template variables, number format."""
        stanza = self.config["models"][model]
        return {
            "system_prompt": self.config["generation"]["system_prompt"],
            "template_arguments": stanza["template_arguments"],
            "dtype": stanza["dtype"],
        }

    def direction(self, variant: str) -> dict[str, Any]:
        """The direction stanza of a variant."""
        return dict(self.config["variants"][variant]["direction"])

    def edit(self, variant: str) -> dict[str, Any]:
        """The edit stanza of a variant."""
        return dict(self.config["variants"][variant]["edit"])

    def sampling(self) -> dict[str, Any]:
        """What decides which responses are drawn."""
        keys = ("max_new_tokens", "samples", "temperature", "top_p")
        return {**{key: self.config["generation"][key] for key in keys}, "seed": self.config["seed"]}

    def judge_settings(self, judge: str) -> dict[str, Any]:
        """A judge's stanza without its display label and without what can change no verdict."""
        stanza = self.config["judges"][judge]
        idle = {"label", "gpus", *getattr(judge_module(stanza["kind"]), "RUNTIME_KEYS", ())}
        return {key: value for key, value in stanza.items() if key not in idle}

    def judge_files(self, judge: str) -> list[str]:
        """Resource files that a judge reads, and the checkpoint it runs on."""
        settings = self.judge_settings(judge)
        own = list(judge_module(settings.pop("kind")).files(settings))
        weights = self.judge_checkpoint(judge)
        return [*own, weights] if weights else own

    def judge_checkpoint(self, judge: str) -> str | None:
        """Checkpoint that a judge runs on wherever it judges, if it has one."""
        settings = self.config["judges"][judge]
        served = {"model": settings["model"]} if settings["kind"] == "local" else settings.get("serve")
        return self.checkpoint(served["model"], served.get("variant", "original")) if served else None

    def judge_arguments(self, judge: str, model: str | None = None, variant: str | None = None) -> dict[str, Any]:
        """Arguments of a judge's ``build``, with the kind: names replaced by the paths that they stand for.

        Args:
            judge: name of the judge.
            model: the system under test, for judges that run on its own checkpoint.
            variant: the same.
        """
        arguments = self.judge_settings(judge)
        kind = arguments["kind"]
        weights = self.judge_checkpoint(judge)
        if kind == "chat":
            arguments.pop("serve")
            arguments["accepted_models"] = tuple(arguments["accepted_models"])
            return {**arguments, "checkpoint": weights}
        if kind == "local":
            name = str(arguments.pop("model"))
            return {**arguments, **self._speaking(name), "checkpoint": weights}
        if model is not None and variant is not None:
            return {**arguments, **self._speaking(model), "checkpoint": self.checkpoint(model, variant)}
        return arguments

    def _speaking(self, model: str) -> dict[str, Any]:
        stanza = self.config["models"][model]
        return {"template_arguments": stanza["template_arguments"], "dtype": stanza["dtype"]}

    def judge_machine(self, judge: str) -> str:
        """How a judge uses the machine, as JSON: arguments of its ``build`` that are no part of a verdict."""
        stanza = self.config["judges"][judge]
        kind = stanza["kind"]
        if kind == "chat":
            runtime = {key: stanza[key] for key in judge_module(kind).RUNTIME_KEYS if key in stanza}
            server = json.loads(self.machine(gpus=stanza["gpus"]))
            return json.dumps({**runtime, "server": server})
        knobs = ("device", "batch_tokens") if kind in ("local", "self") else ()
        return json.dumps({key: self.config["runtime"][key] for key in knobs})

    def engine_environment(self) -> str:
        """Conda environment of the jobs that generate."""
        return "base" if self.config["generation"]["engine"] == "transformers" else "vllm"

    def judge_environment(self, judge: str) -> str:
        """Conda environment of a judge's job: one with vLLM if it serves its model."""
        return "vllm" if self.config["judges"][judge].get("serve") else "base"

    def judge_gpus(self, judge: str) -> int:
        """GPUs that a judge's job asks for."""
        stanza = self.config["judges"][judge]
        return self.gpus(stanza["model"]) if stanza["kind"] == "local" else int(stanza.get("gpus", 0))

    def gpus(self, model: str) -> int:
        """GPUs that a model's jobs ask for."""
        return int(self.config["models"][model]["gpus"])

    def machine(self, model: str | None = None, *, gpus: int | None = None) -> str:
        """How generation uses the machine, as JSON: fields of ``steadfast.generation.Runtime``.

        It goes to jobs as a resource, since Snakemake takes no change of a resource for a reason to run a job again.
        """
        spread = self.gpus(model) if model is not None else gpus or 0
        settings = {key: value for key, value in self.config["runtime"].items() if key != "keep_checkpoints"}
        return json.dumps({**settings, "tensor_parallel_size": max(spread, 1)})

    def extraction_machine(self) -> str:
        """How extraction uses the machine, as JSON."""
        return json.dumps({key: self.config["runtime"][key] for key in ("device", "batch_tokens")})

    def paid_judges(self) -> dict[str, dict[str, Any]]:
        """Arguments of the judges that send requests, by name."""
        return {
            name: {**self.judge_arguments(name), **json.loads(self.judge_machine(name))}
            for name, judge in self.config["judges"].items()
            if judge["kind"] == "chat"
        }

    def planned_work(self) -> dict[str, Any]:
        """What there is to judge, as arguments of ``steadfast.plan.work_of``."""
        generation = self.config["generation"]
        return {
            "responses": self.responses(),
            "prompts": "results/prompts/prompts.parquet",
            "cases_per_system": 2 * self.config["prompts"]["evaluation"] * generation["samples"],
            "max_new_tokens": generation["max_new_tokens"],
        }

    def judge_digest(self, judge: str) -> str:
        """Digest of the code that a judge's verdicts depend on."""
        return self.digest("judge_responses.py", f"judges.{self.config['judges'][judge]['kind']}")

    def responses_digest(self) -> str:
        """Digest of the code that the responses depend on; ``auto`` may take any engine."""
        engine = self.config["generation"]["engine"]
        engines = names("steadfast.engines") if engine == "auto" else [engine]
        return self.digest("generate_responses.py", *(f"engines.{name}" for name in engines))

    def direction_digest(self, variant: str) -> str:
        """Digest of the code that a variant's direction depends on."""
        return self.digest("find_direction.py", f"directions.{self.direction(variant)['method']}")

    def edit_digest(self, variant: str) -> str:
        """Digest of the code that a variant's edit depends on."""
        return self.digest("bake_checkpoint.py", f"edits.{self.edit(variant)['method']}")

    def prompt_files(self) -> list[str]:
        """Local files that the prompts are read from."""
        from steadfast.prompts.sources import source_files

        sources = [*self.config["prompts"]["harmful"], *self.config["prompts"]["harmless"]]
        return list(dict.fromkeys(file for source in sources for file in source_files(source)))

    def prompt_modules(self) -> list[str]:
        """Registry modules of the prompt sources."""
        sources = [*self.config["prompts"]["harmful"], *self.config["prompts"]["harmless"]]
        return sorted({f"prompts.sources.{source['kind']}" for source in sources})

    def positions(self) -> list[int] | str:
        """Template positions that any variant's direction may use, the last one always among them."""
        directions = (variant.get("direction", {}) for variant in self.config["variants"].values())
        used = {direction["position"] for direction in directions if "position" in direction}
        return "post_instruction" if "auto" in used else sorted({-1, *used})

    def cells(self) -> list[list[str]]:
        """Judge, model and variant of every judgment file, in the order of ``judgments``."""
        return [[judge, system.model, system.variant] for judge in self.judges for system in self.systems]

    def all_labels(self) -> dict[str, dict[str, str]]:
        """Display labels of models, variants and judges."""
        return {section: self.labels(section) for section in ("models", "variants", "judges")}

    def study_figures(self) -> list[str]:
        """Names of the figures that the study's tables are drawn as."""
        names = ["refusal_counts", "judge_correlation", "refusal_heatmap_harmful", "refusal_heatmap_harmless"]
        return [*names, "controls"] if self.controls() else names

    def inference(self) -> dict[str, Any]:
        """Fields of ``steadfast.statistics.settings.Inference``."""
        statistics = self.config["statistics"]
        settings = {key: statistics[key] for key in ("confidence", "power")}
        return {**settings, "resamples": statistics["bootstrap"], "seed": self.config["seed"]}

    def further_tables(self) -> list[str]:
        """Tables that only some grids have: of several annotators, and of replicates."""
        annotators = ["results/tables/annotators.csv"] if len(self.human_judges) > 2 else []
        return [*annotators, "results/tables/groups.csv"] if self.groups() else annotators

    def groups(self) -> dict[str, str]:
        """Group of every model that is a replicate."""
        named = {name: self.config["models"][name]["group"] for name in self.models}
        return {name: group for name, group in named.items() if group is not None}

    def system_names(self) -> list[list[str]]:
        """Model and variant of every system, in the order of ``responses``."""
        return [[system.model, system.variant] for system in self.systems]

    @staticmethod
    def either(names: Iterable[str]) -> str:
        """A regular expression that matches one of ``names``, or nothing at all if there are none."""
        return "|".join(map(re.escape, names)) or "(?!)"

    def digest(self, script: str, *modules: str) -> str:
        """Digest of a script's code and of the modules that it loads by name."""
        return code_digest(SCRIPTS / script, *(f"steadfast.{module}" for module in modules))


def judge_module(kind: str) -> Any:
    """The registry module of a kind of judge."""
    return load("steadfast.judges", kind)
