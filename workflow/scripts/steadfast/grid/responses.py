"""Wiring of ``workflow/rules/responses.smk``: which variants of which models respond to which prompts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from steadfast.core.names import ORIGINAL
from steadfast.generation.engine_choice import in_process_engine, possible_engines, runs_in_process
from steadfast.grid import paths
from steadfast.grid.attack_selection import AttackSelection
from steadfast.grid.data import ForModel, ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import ModelJobs, digest, model_groups
from steadfast.grid.judged_pairs import runnable
from steadfast.grid.paths import Split


@dataclass(frozen=True)
class ResponseJobs(ModelJobs):
    """Jobs in which a model responds to the prompts of one split in several variants.

    Attributes:
        in_process: whether all variants run with transformers, in the job's process.
        aim: the rest of the rule's message.
    """

    in_process: bool
    aim: str

    @property
    def outputs(self) -> list[str]:
        """The responses of a job."""
        return [paths.responses(self.split).at(model="{model}", variant=variant) for variant in self.variants]

    @property
    def first_outputs(self) -> list[str]:
        """One file of every job."""
        return [paths.responses(self.split).at(model=model, variant=self.variants[0]) for model in self.models]

    @property
    def log(self) -> str:
        """Name of the log of a job."""
        return paths.of_split(self.split, f"responses/{{model}}/{self.rule}")

    @property
    def environment(self) -> str:
        """Conda environment of the possible engines."""
        special = {kind.environment for kind in possible_engines(self.engine).values()} - {"base"}
        return special.pop() if special else "base"

    @property
    def engine(self) -> str:
        """The engine, or settings for its selection."""
        engine = str(self.grid.config["generation"]["engine"])
        return in_process_engine() if self.in_process and not runs_in_process(engine) else engine

    @property
    def message(self) -> str:
        """Message of a job."""
        return f"{{wildcards.model}}, {self.count}: {self.aim}"

    def variant_fields(self, job: ForModel) -> list[dict[str, Any]]:
        """Fields of ``steadfast.generation.variants.VariantResponses`` of each pair, except for the outputs."""
        return [self.fields_of(pair) for pair in self.pairs(job)]

    def fields_of(self, pair: ModelVariant) -> dict[str, Any]:
        """The same for one pair."""
        hooked = self.grid.variants[pair.variant].is_hooked
        return {
            "variant": pair.variant,
            "checkpoint": self.grid.checkpoint(pair),
            "kind": "intervention" if hooked else "checkpoint",
            "settings": self.settings(pair),
            "direction": paths.DIRECTION.at(model=pair.model, variant=pair.variant) if hooked else None,
            "first": AttackSelection(self.grid).prompts_for(pair.variant) if self.split == "attack_selection" else None,
            "code": self.digest(pair),
        }

    def settings(self, pair: ModelVariant) -> dict[str, Any]:
        """Settings of the intervention, or of engine and decoding."""
        variant = self.grid.variants[pair.variant].settings
        if "intervention" in variant:
            return {"hook": dict(variant["intervention"])}
        return {"engine": self.engine, "decoding": variant.get("decoding")}

    def digest(self, pair: ModelVariant) -> str:
        """Digest of the code that the responses depend on; ``engine: auto`` includes all built-in engines."""
        variant = self.grid.variants[pair.variant].settings
        if "intervention" in variant:
            method = f"attacks.interventions.methods.{variant['intervention']['method']}"
            return digest("generate_responses.py", "generation.variant_kinds.intervention", method)
        engines = possible_engines(self.engine)
        loaded = ["generation.variant_kinds.checkpoint", *(f"generation.engines.{name}" for name in engines)]
        if variant.get("decoding"):
            loaded.append(f"attacks.decoding.methods.{variant['decoding']['method']}")
        return digest("generate_responses.py", *loaded)

    def responses(self, job: ForModel) -> int:
        """Number of responses of a job."""
        if self.split == "attack_selection":
            selection, samples = AttackSelection(self.grid), int(self.grid.config["generation"]["samples"])
            return sum(selection.prompts_for(variant) * samples for variant in self.variants)
        return len(self.variants) * 2 * self.grid.responses_per_label(self.split)


def response_jobs(grid: Grid) -> list[ResponseJobs]:
    """All rules that generate responses.

    Interventions run with transformers. If the engine is another one, they have separate jobs, so that no GPU has to
    hold two engines.
    """
    in_process = runs_in_process(grid.config["generation"]["engine"])
    selection = AttackSelection(grid)
    originals = [ModelVariant(model, ORIGINAL) for model in runnable(grid)]
    hooked = [] if in_process else [pair for pair in grid.pairs if grid.variants[pair.variant].is_hooked]
    evaluated = [pair for pair in grid.pairs if pair not in hooked]
    aim = "generate responses"
    steered, calibrating, selecting = (
        f"{aim} {how}" for how in ("with interventions", "to the calibration prompts", "to the attack-selection set")
    )
    return [
        *_jobs(grid, "responses", "evaluation", evaluated, in_process, aim),
        *_jobs(grid, "intervention_responses", "evaluation", hooked, True, steered),
        *_jobs(grid, "calibration_responses", "calibration", originals, in_process, calibrating),
        *_jobs(grid, "attack_selection_responses", "attack_selection", selection.pairs(), in_process, selecting),
    ]


def _jobs(
    grid: Grid, rule: str, split: Split, pairs: Iterable[ModelVariant], in_process: bool, aim: str
) -> list[ResponseJobs]:
    return [
        ResponseJobs(grid, name, split, models, variants, in_process, aim)
        for name, models, variants in model_groups(grid, rule, pairs)
    ]


def sampling(grid: Grid) -> dict[str, Any]:
    """Sampling parameters."""
    keys = ("max_new_tokens", "samples", "temperature", "top_p")
    return {**{key: grid.config["generation"][key] for key in keys}, "seed": grid.config["seed"]}
