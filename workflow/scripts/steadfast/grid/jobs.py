"""Parameters shared by jobs of several rules: code digests, GPUs, and machine settings."""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from steadfast.config.sweeps import variants_of
from steadfast.core.code_digest import code_digest
from steadfast.core.gpus import visible_gpus
from steadfast.core.locations import SCRIPTS
from steadfast.grid import paths
from steadfast.grid.data import ForModel, ForPair, ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.paths import PathTemplate, Split

# runtime settings that engines do not receive
OF_THE_WORKFLOW = ("keep_checkpoints", "checkpoints", "variants_per_job")


def digest(script: str, *modules: str) -> str:
    """Digest of a script's code and of the modules that it loads by name."""
    return code_digest(SCRIPTS / script, *(f"steadfast.{module}" for module in modules))


def either(names: Iterable[str]) -> str:
    """A regular expression that matches any of ``names``, or nothing if there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def rule_name(text: str) -> str:
    """A name from the configuration as part of a rule's name."""
    return text.replace("-", "_")


def numbered(rule: str, number: int) -> str:
    """The name of a rule, followed by a number unless it is the first of its kind."""
    return f"{rule}_{number + 1}" if number else rule


def by_variants(pairs: Iterable[ModelVariant], size: int | None) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Models grouped by the variants of one job.

    Args:
        pairs: the model–variant pairs.
        size: maximum number of variants per job; None for all variants of a model.

    Returns:
        The models of each group of variants, both in the order of ``pairs``. Most grids have one group; grids with
        variants limited to some models have more.
    """
    by_model: dict[str, list[str]] = {}
    for pair in pairs:
        by_model.setdefault(pair.model, []).append(pair.variant)
    found: dict[tuple[str, ...], list[str]] = {}
    for model, variants in by_model.items():
        for start in range(0, len(variants), size or len(variants)):
            found.setdefault(tuple(variants[start : start + (size or len(variants))]), []).append(model)
    return {variants: tuple(models) for variants, models in found.items()}


@dataclass(frozen=True)
class ModelJobs:
    """The jobs of one rule. Each runs several variants of one model, and loads its weights once.

    Attributes:
        grid: the grid.
        rule: name of the rule.
        split: the split whose prompts are answered, or whose responses are read.
        models: the models.
        variants: the variants of each model.
    """

    grid: Grid
    rule: str
    split: Split
    models: tuple[str, ...]
    variants: tuple[str, ...]

    @property
    def count(self) -> str:
        """Short description of the variants."""
        return f"{len(self.variants)} variants" if len(self.variants) > 1 else self.variants[0]

    def pairs(self, job: ForModel) -> list[ModelVariant]:
        """The model–variant pairs of a job."""
        return [ModelVariant(job.model, variant) for variant in self.variants]

    def checkpoints(self, job: ForModel) -> list[str]:
        """The checkpoints of a job, without duplicates."""
        return list(dict.fromkeys(self.grid.checkpoints(self.pairs(job))))

    def directions(self, job: ForModel) -> list[str]:
        """The directions of the pairs' interventions."""
        return paths.DIRECTION.of(pair for pair in self.pairs(job) if self.grid.variants[pair.variant].is_hooked)


def model_groups(
    grid: Grid, rule: str, pairs: Iterable[ModelVariant]
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Names of the rules that run the pairs, with their models and variants."""
    groups = by_variants(pairs, grid.config["runtime"]["variants_per_job"])
    for number, (variants, models) in enumerate(groups.items()):
        yield numbered(rule, number), models, variants


@dataclass(frozen=True)
class VariantJobs:
    """The jobs of one rule: one per variant, or one for all variants of a sweep.

    Attributes:
        grid: the grid.
        variants: the variants.
        sweep: their sweep; None if each variant has its own job.
    """

    grid: Grid
    variants: tuple[str, ...]
    sweep: str | None = None

    @property
    def first_of_each(self) -> tuple[str, ...]:
        """One variant of every job of a model."""
        return self.variants[:1] if self.sweep else self.variants

    @property
    def variant_label(self) -> str:
        """Description of a job's variants, for messages."""
        return f"sweep {self.sweep}" if self.sweep else "{wildcards.variant}"

    def files(self, template: PathTemplate) -> list[str]:
        """The files of a job: for all its variants, or for the variant in its wildcards."""
        if self.sweep is None:
            return [template]
        return [template.at(model="{model}", variant=variant) for variant in self.variants]

    def pairs(self, job: ForModel) -> list[ModelVariant]:
        """The model–variant pairs of a job."""
        variants = (cast(ForPair, job).variant,) if self.sweep is None else self.variants
        return [ModelVariant(job.model, variant) for variant in variants]


def by_sweep(grid: Grid, names: Collection[str]) -> list[tuple[tuple[str, ...], str | None]]:
    """Variants with their own jobs, without a sweep; then the variants of every sweep, with its name."""
    swept = {sweep: variants_of(entry) for sweep, entry in grid.config["sweeps"].items()}
    chosen = {sweep: tuple(name for name in variants if name in names) for sweep, variants in swept.items()}
    single = tuple(name for name in names if not any(name in variants for variants in swept.values()))
    return [(single, None), *((variants, sweep) for sweep, variants in chosen.items() if variants)]


@dataclass(frozen=True)
class Jobs:
    """Jobs that run a model.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def on_gpus(self) -> bool:
        """Whether jobs on this machine run models on its GPUs."""
        return self.grid.config["runtime"]["device"] != "cpu" and bool(visible_gpus())

    def gpus(self, job: ForModel) -> int:
        """Number of GPUs of a job."""
        return self.grid.models[job.model].gpus

    def chat(self, job: ForModel) -> dict[str, Any]:
        """Chat settings of a model: system prompt, template variables, number format."""
        settings = self.grid.models[job.model].settings
        return {
            "system_prompt": self.grid.config["generation"]["system_prompt"],
            "template_arguments": settings["template_arguments"],
            "dtype": settings["dtype"],
        }

    def machine(self, job: ForModel, threads: int = 1) -> str:
        """Machine settings of a generating job, as JSON; see ``serving``."""
        return self.serving(self.gpus(job), threads)

    def serving(self, gpus: int, threads: int = 1) -> str:
        """Machine settings of generation, as JSON: fields of ``steadfast.generation.interface.Runtime``.

        It is passed as a resource, since Snakemake does not rerun a job if a resource changes.
        """
        settings = {key: value for key, value in self.grid.config["runtime"].items() if key not in OF_THE_WORKFLOW}
        return json.dumps({**settings, "threads": threads, "tensor_parallel_size": max(gpus, 1)})

    def forward_passes(self) -> str:
        """Machine settings of a job that only runs forward passes, as JSON."""
        return json.dumps({key: self.grid.config["runtime"][key] for key in ("device", "batch_tokens")})
