"""What the jobs of several rules are given: digests of their code, GPUs, and how they use the machine."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from steadfast.config.sweeps import variants_of
from steadfast.core.code_digest import code_digest
from steadfast.core.gpus import visible_gpus
from steadfast.core.locations import SCRIPTS
from steadfast.grid.data import ForModel, ForPair, ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.paths import Template

# settings of the runtime that no engine knows
OF_THE_WORKFLOW = ("keep_checkpoints", "checkpoints", "variants_per_job")


def digest(script: str, *modules: str) -> str:
    """Digest of a script's code and of the modules that it loads by name."""
    return code_digest(SCRIPTS / script, *(f"steadfast.{module}" for module in modules))


def either(names: Iterable[str]) -> str:
    """A regular expression that matches one of ``names``, or nothing at all if there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def rule_name(text: str) -> str:
    """A name of the configuration as part of a rule's name."""
    return text.replace("-", "_")


def numbered(rule: str, number: int) -> str:
    """The name of a rule, with a number behind it unless it is the first of its kind."""
    return f"{rule}_{number + 1}" if number else rule


def by_variants(pairs: Iterable[ModelVariant], size: int | None) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Models by the variants in which they are to run in one job.

    Args:
        pairs: the model–variant pairs.
        size: variants of one job, at most; None for all variants of a model.

    Returns:
        The models of each group of variants, both in the order of ``pairs``. Most grids have one group; one with
        variants of some models only has more.
    """
    by_model: dict[str, list[str]] = {}
    for pair in pairs:
        by_model.setdefault(pair.model, []).append(pair.variant)
    found: dict[tuple[str, ...], list[str]] = {}
    for model, variants in by_model.items():
        for start in range(0, len(variants), size or len(variants)):
            found.setdefault(tuple(variants[start : start + (size or len(variants))]), []).append(model)
    return {variants: tuple(models) for variants, models in found.items()}


def sweeps_of(grid: Grid) -> dict[str, tuple[str, ...]]:
    """The variants that each sweep made, by its name."""
    return {name: tuple(variants_of(sweep)) for name, sweep in grid.config["sweeps"].items()}


def of_variants(template: Template, variants: Sequence[str] | None, **further: str) -> list[str]:
    """The files of some variants for any model, or the one of any variant where there is no list of them."""
    if variants is None:
        return [template]
    return [template.at(model="{model}", variant=variant, **further) for variant in variants]


def pairs_of(job: ForModel, variants: Sequence[str] | None) -> list[ModelVariant]:
    """The pairs of a job of some variants, or of the one variant among its wildcards where there is no list of them."""
    if variants is None:
        return [ModelVariant(job.model, cast(ForPair, job).variant)]
    return [ModelVariant(job.model, variant) for variant in variants]


@dataclass(frozen=True)
class Jobs:
    """Jobs that run a model.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def on_gpus(self) -> bool:
        """Whether the jobs of this machine run models on its GPUs."""
        return self.grid.config["runtime"]["device"] != "cpu" and bool(visible_gpus())

    def gpus(self, job: ForModel) -> int:
        """GPUs that a job asks for."""
        return self.grid.models[job.model].gpus

    def chat(self, job: ForModel) -> dict[str, Any]:
        """How a model is spoken to: system prompt, template variables, number format."""
        settings = self.grid.models[job.model].settings
        return {
            "system_prompt": self.grid.config["generation"]["system_prompt"],
            "template_arguments": settings["template_arguments"],
            "dtype": settings["dtype"],
        }

    def machine(self, job: ForModel, threads: int = 1) -> str:
        """How a job that generates uses the machine, as JSON; see ``serving``."""
        return self.serving(self.gpus(job), threads)

    def serving(self, gpus: int, threads: int = 1) -> str:
        """How generation uses the machine, as JSON: fields of ``steadfast.generation.interface.Runtime``.

        It goes to jobs as a resource, since Snakemake takes no change of a resource for a reason to run a job again.
        """
        settings = {key: value for key, value in self.grid.config["runtime"].items() if key not in OF_THE_WORKFLOW}
        return json.dumps({**settings, "threads": threads, "tensor_parallel_size": max(gpus, 1)})

    def forward_passes(self) -> str:
        """How a job that only reads with a model uses the machine, as JSON."""
        return json.dumps({key: self.grid.config["runtime"][key] for key in ("device", "batch_tokens")})
