"""Models, variants and judges of a grid, and where their files lie."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from steadfast.config.attack_checks import BASELINES, CHOICE
from steadfast.config.depth import wanted_blocks
from steadfast.config.speaking import uses_of_template
from steadfast.core.code_digest import code_digest
from steadfast.core.gpus import visible_gpus
from steadfast.core.locations import SCRIPTS
from steadfast.grid.data import ModelVariant
from steadfast.judges.annotation.annotators import human_judges
from steadfast.models.sources import source_of


@dataclass(frozen=True)
class Systems:
    """What is tested and by whom it is judged; the part of a grid that every stage needs."""

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
    def systems(self) -> list[ModelVariant]:
        """Every model in every variant that is not limited to other models."""
        stanzas = self.config["variants"].items()
        return [
            ModelVariant(model, name)
            for model in self.models
            for name, variant in stanzas
            if model in variant.get("models", [model])
        ]

    @property
    def judges(self) -> list[str]:
        """All judges: those of the configuration in its order, then people."""
        return [*self.config["judges"], *self.human_judges]

    @cached_property
    def human_judges(self) -> list[str]:
        """The majority of the annotators and each of them, where there are annotation files."""
        return human_judges(self.config["annotations"])

    def in_words(self) -> str:
        """The grid in a line."""
        sizes = ((self.models, "model"), (self.variants, "variant"), (self.judges, "judge"))
        return " × ".join(f"{len(names)} {what}{'' if len(names) == 1 else 's'}" for names, what in sizes)

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
        return [name for name in self.variants if self.is_edited(name)]

    def is_edited(self, variant: str) -> bool:
        """Whether a variant has an edit, its own or one that the workflow chooses."""
        return not {"edit", CHOICE}.isdisjoint(self.config["variants"][variant])

    def chosen_variants(self) -> list[str]:
        """Those among them whose direction and edit the workflow chooses: the strongest attack of some sweeps."""
        return [name for name, variant in self.config["variants"].items() if CHOICE in variant]

    def hooked_variants(self) -> list[str]:
        """Variants that intervene while the model runs."""
        return [name for name, variant in self.config["variants"].items() if "hook" in variant]

    def unhooked_variants(self) -> list[str]:
        """All other variants."""
        return [name for name in self.variants if name not in self.hooked_variants()]

    def hook_direction(self, model: str, variant: str) -> list[str]:
        """The direction file that a variant's hook reads; none without a hook."""
        return [self.direction_file(model, variant)] if variant in self.hooked_variants() else []

    @staticmethod
    def direction_file(model: str, variant: str) -> str:
        """Path of a direction."""
        return f"results/directions/{model}/{variant}.safetensors"

    def hook(self, variant: str) -> dict[str, Any]:
        """The hook stanza of a variant."""
        return dict(self.config["variants"][variant]["hook"])

    def checkpoint(self, model: str, variant: str) -> str:
        """Directory of a system's checkpoint: the edited one, or the model itself where nothing was edited."""
        if self.is_edited(variant):
            return f"results/checkpoints/{model}/{variant}"
        return self.model_directory(model)

    @staticmethod
    def model_directory(model: str) -> str:
        """Directory of a model, trained here or pointed to."""
        return f"results/models/{model}"

    def edited_systems(self) -> list[ModelVariant]:
        """Systems with a checkpoint of their own."""
        return [system for system in self.systems if system.variant in self.edited_variants()]

    def chosen_systems(self) -> list[ModelVariant]:
        """Systems whose direction and edit the workflow chooses."""
        return [system for system in self.systems if system.variant in self.chosen_variants()]

    def swept_variants(self) -> list[str]:
        """Variants that a sweep made: they stand in the tables and in the figures of strength, not in the study's."""
        return [name for name, variant in self.config["variants"].items() if "attack" in variant]

    def changed_systems(self) -> list[ModelVariant]:
        """Edited systems, and behind them those that are changed while they run."""
        hooked = [system for system in self.systems if system.variant in self.hooked_variants()]
        return [*self.edited_systems(), *hooked]

    def checkpoints(self, systems: Iterable[ModelVariant]) -> list[str]:
        """Directories of the systems' checkpoints."""
        return [self.checkpoint(system.model, system.variant) for system in systems]

    def direction_files(self, systems: Iterable[ModelVariant]) -> list[str]:
        """The systems' directions."""
        return [self.direction_file(system.model, system.variant) for system in systems]

    @staticmethod
    def models_of(systems: Iterable[ModelVariant]) -> list[str]:
        """Models of systems, each once."""
        return list(dict.fromkeys(system.model for system in systems))

    def model_directories(self, source: str) -> list[str]:
        """Directories of the models that come from ``source``."""
        return [self.model_directory(name) for name in self.models_from(source)]

    @staticmethod
    def pairs(systems: Iterable[ModelVariant]) -> list[list[str]]:
        """Model and variant of each system."""
        return [[system.model, system.variant] for system in systems]

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

    def cells(self) -> list[list[str]]:
        """Judge, model and variant of every judgment file, in the order of ``judgments``."""
        return [[judge, system.model, system.variant] for judge in self.judges for system in self.systems]

    def system_names(self) -> list[list[str]]:
        """Model and variant of every system, in the order of ``responses``."""
        return self.pairs(self.systems)

    def controls(self) -> list[str]:
        """Variants that check the method and do not belong to the study."""
        return [name for name, variant in self.config["variants"].items() if variant["role"] == "control"]

    def labels(self, section: str) -> dict[str, str]:
        """Display labels of the models, variants or judges."""
        named = {name: stanza.get("label", name) for name, stanza in self.config[section].items()}
        if section != "judges":
            return named
        return {**named, **{name: name.replace("-", ": ", 1).capitalize() for name in self.human_judges}}

    def all_labels(self) -> dict[str, dict[str, str]]:
        """Display labels of models, variants and judges."""
        return {section: self.labels(section) for section in ("models", "variants", "judges")}

    def groups(self) -> dict[str, str]:
        """Group of every model that is a replicate."""
        named = {name: self.config["models"][name]["group"] for name in self.models}
        return {name: group for name, group in named.items() if group is not None}

    def group_labels(self) -> dict[str, str]:
        """Display label of every group."""
        models = self.config["models"]
        return {group: models[name].get("group_label", group) for name, group in self.groups().items()}

    def model_settings(self, model: str) -> dict[str, Any]:
        """What decides a model's content (not its label, nor its role)."""
        stanza = self.config["models"][model]
        return source_of(stanza).settings(stanza)

    def model_files(self, model: str) -> list[str]:
        """Files of this machine that a model is made from."""
        stanza = self.config["models"][model]
        return source_of(stanza).files(stanza)

    def base_model(self, model: str) -> str:
        """Directory of the model that an adapter builds on."""
        return self.model_directory(self.config["models"][model]["base"])

    def chat_wishes(self, model: str) -> dict[str, Any]:
        """The chat template that the configuration asks for, and the day that it sees."""
        stanza = self.config["models"][model]
        return {"template": stanza.get("chat_template"), "date": stanza.get("template_date")}

    def trial(self, model: str) -> str:
        """What a model is tried for where it is checked, as JSON: arguments of ``steadfast.models.check.settle``.

        It goes to the job as a resource: another system prompt or one more edit is no reason to fetch a model again.
        """
        uses = uses_of_template(model, self.config)
        if model in self.models:
            blocks = list(wanted_blocks(model, self.config["variants"]))
            uses |= {"layout": self._needs_layout(model), "blocks": blocks}
        return json.dumps(uses)

    def _needs_layout(self, model: str) -> bool:
        """Whether a variant of a model edits or projects what its modules write, or is found by doing so."""
        from steadfast.attacks.directions.selection import CAUSAL

        variants = [self.config["variants"][system.variant] for system in self.systems if system.model == model]
        return any(
            not {"edit", CHOICE}.isdisjoint(variant)
            or variant.get("hook", {}).get("kind") == "projection"
            or variant.get("direction", {}).get("layer") == CAUSAL
            for variant in variants
        )

    def template_file(self, model: str) -> list[str]:
        """The file of a model's chat template, if the configuration names one."""
        template = self.config["models"][model].get("chat_template")
        return [template] if template and Path(template).is_file() else []

    def model_digest(self, model: str, script: str) -> str:
        """Digest of the code that puts a model in its place."""
        written_out = self.config["models"][model]["dequantise"]
        return self.digest(script, *(["models.checkpoint_files.quantisation"] if written_out else []))

    def chat_settings(self, model: str) -> dict[str, Any]:
        """How a model is spoken to: system prompt, template variables, number format."""
        stanza = self.config["models"][model]
        return {
            "system_prompt": self.config["generation"]["system_prompt"],
            "template_arguments": stanza["template_arguments"],
            "dtype": stanza["dtype"],
        }

    def runs_on_gpus(self) -> bool:
        """Whether the jobs of this machine run models on its GPUs."""
        return self.config["runtime"]["device"] != "cpu" and bool(visible_gpus())

    def gpus(self, model: str) -> int:
        """GPUs that a model's jobs ask for."""
        return int(self.config["models"][model]["gpus"])

    def machine(self, model: str | None = None, threads: int = 1, *, gpus: int | None = None) -> str:
        """How generation uses the machine, as JSON: fields of ``steadfast.generation.interface.Runtime``.

        It goes to jobs as a resource, since Snakemake takes no change of a resource for a reason to run a job again.
        """
        spread = self.gpus(model) if model is not None else gpus or 0
        settings = {key: value for key, value in self.config["runtime"].items() if key != "keep_checkpoints"}
        return json.dumps({**settings, "threads": threads, "tensor_parallel_size": max(spread, 1)})

    @staticmethod
    def either(names: Iterable[str]) -> str:
        """A regular expression that matches one of ``names``, or nothing at all if there are none."""
        return "|".join(map(re.escape, names)) or "(?!)"

    def digest(self, script: str, *modules: str) -> str:
        """Digest of a script's code and of the modules that it loads by name."""
        return code_digest(SCRIPTS / script, *(f"steadfast.{module}" for module in modules))
