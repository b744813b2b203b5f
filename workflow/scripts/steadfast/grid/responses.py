"""Wiring of ``workflow/rules/responses.smk``: who answers which prompts, and how."""

from dataclasses import dataclass
from typing import Any, Literal

from steadfast.core.names import ORIGINAL
from steadfast.core.registry import own_names
from steadfast.grid import paths
from steadfast.grid.attack_selection import AttackSelection
from steadfast.grid.data import ForPair, ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import digest
from steadfast.grid.paths import Split

Subject = Literal["checkpoint", "intervention"]
"""A module of ``steadfast.generation.subjects``: what answers."""


@dataclass(frozen=True)
class ResponseJobs:
    """The jobs of one rule: the responses of some variants to the prompts of one split.

    Attributes:
        grid: the grid.
        rule: name of the rule.
        split: whose prompts are answered.
        subject: what answers: a checkpoint, or one under an intervention.
        variants: the variants that do.
        pairs: all pairs that answer these prompts, those of other rules among them.
        aim: the rest of the rule's message.
    """

    grid: Grid
    rule: str
    split: Split
    subject: Subject
    variants: tuple[str, ...]
    pairs: tuple[ModelVariant, ...]
    aim: str

    @property
    def output(self) -> str:
        """The responses of a job."""
        return paths.responses(self.split)

    @property
    def outputs(self) -> list[str]:
        """All responses to these prompts."""
        return paths.responses(self.split).of(self.pairs)

    @property
    def log(self) -> str:
        """Name of the log of a job."""
        return paths.of_split(self.split, "responses/{model}/{variant}")

    @property
    def environment(self) -> str:
        """Conda environment: one with vLLM where that engine may answer."""
        engine = self.grid.config["generation"]["engine"]
        return "vllm" if self.subject == "checkpoint" and engine in ("auto", "vllm") else "base"

    def checkpoint(self, job: ForPair) -> str:
        """The checkpoint that answers."""
        return self.grid.checkpoint(ModelVariant(job.model, job.variant))

    def direction(self, job: ForPair) -> list[str]:
        """The direction that an intervention reads; none without one."""
        return [paths.DIRECTION.at(model=job.model, variant=job.variant)] if self.subject == "intervention" else []

    def first(self, job: ForPair) -> int | None:
        """How many prompts of the split are answered, from the first on; all where there is no number."""
        return AttackSelection(self.grid).prompts_for(job.variant) if self.split == "attack_selection" else None

    def settings(self, job: ForPair) -> dict[str, Any]:
        """Settings of what answers: its intervention, or its engine and decoding."""
        variant = self.grid.variants[job.variant].settings
        if self.subject == "intervention":
            return {"hook": dict(variant["intervention"])}
        return {"engine": self.grid.config["generation"]["engine"], "decoding": variant.get("decoding")}

    def digest(self, job: ForPair) -> str:
        """Digest of the code that the responses depend on; with ``engine: auto`` any engine of our own may answer."""
        variant = self.grid.variants[job.variant].settings
        loaded = [f"generation.subjects.{self.subject}"]
        if self.subject == "intervention":
            return digest(
                "generate_responses.py", *loaded, f"attacks.interventions.methods.{variant['intervention']['method']}"
            )
        engine = self.grid.config["generation"]["engine"]
        engines = own_names("steadfast.generation.engines") if engine == "auto" else [engine]
        loaded += [f"generation.engines.{name}" for name in engines]
        if variant.get("decoding"):
            loaded.append(f"attacks.decoding.methods.{variant['decoding']['method']}")
        return digest("generate_responses.py", *loaded)


def response_jobs(grid: Grid) -> list[ResponseJobs]:
    """All rules that generate responses."""
    hooked = tuple(grid.variants_where(lambda variant: variant.is_hooked))
    others = tuple(name for name in grid.variants if name not in hooked)
    evaluated, selection = tuple(grid.pairs), AttackSelection(grid)
    originals = tuple(ModelVariant(model, ORIGINAL) for model in grid.studied)
    compared = tuple(selection.variants), tuple(selection.pairs())
    aim = "generate responses"
    steered, calibrating, selecting = (
        f"{aim} {how}" for how in ("with the intervention", "to the calibration prompts", "to the attack-selection set")
    )
    return [
        ResponseJobs(grid, "responses", "evaluation", "checkpoint", others, evaluated, aim),
        ResponseJobs(grid, "hooked_responses", "evaluation", "intervention", hooked, evaluated, steered),
        ResponseJobs(grid, "calibration_responses", "calibration", "checkpoint", (ORIGINAL,), originals, calibrating),
        ResponseJobs(grid, "attack_selection_responses", "attack_selection", "checkpoint", *compared, selecting),
    ]


def sampling(grid: Grid) -> dict[str, Any]:
    """What decides which responses are drawn."""
    keys = ("max_new_tokens", "samples", "temperature", "top_p")
    return {**{key: grid.config["generation"][key] for key in keys}, "seed": grid.config["seed"]}
