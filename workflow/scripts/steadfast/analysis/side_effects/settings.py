"""Settings and capabilities that all measures share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from steadfast.core.settings import SettingsModel

Sources = Mapping[str, Sequence[Mapping[str, Any]]]
Choice = Literal["by default", "where named", "where possible"]


@dataclass(frozen=True)
class Criterion:
    """How the robustness assessment uses a measure.

    Attributes:
        column: column in ``assessment.csv``.
        scopes: scopes of the measure; the largest of their numbers is used.
        compares: the change from the original, the ratio to the original, or the value alone.
        heading: name of the number in the report.
        help: description of the number in one sentence.
        bound: default bound beyond which capability is degraded; None for a number that is only reported. Its key in
            the section ``assessment`` is the name of the measure.
        least: smallest bound that can be set.
        most: largest bound that can be set.
        description: description of the bound.
        falls: whether a decrease, not an increase, is a degradation.
        text: sentence for a number beyond its bound; a share may be given as ``points``.
        brief: the same for a table cell, with ``points`` and ``ratio``.
        axis: axis label in the figures by scale of the attack; empty if they omit the number.
    """

    column: str
    scopes: tuple[str, ...]
    compares: Literal["change", "ratio", "value"]
    heading: str
    help: str
    bound: float | None = None
    least: float = 0.0
    most: float = 1.0
    description: str = ""
    falls: bool = False
    text: str = ""
    brief: str = ""
    axis: str = ""


class MeasureSettings(SettingsModel):
    """Settings of every measure.

    Attributes:
        section: the section of the configuration that holds its keys.
        taken: ``by default``: unless ``side_effects.measures`` excludes it; ``where named``: only if it is listed
            there; ``where possible``: whenever its requirements are met.
        filled: keys that the workflow sets, not the user.
        environment: conda environment of its jobs.
        is_benchmark: whether each of its scopes is a benchmark task.
        gate: gate of an edit that its scores decide (``steadfast.attacks.gates``).
        criterion: how the robustness assessment uses it.
        former_names: its names in earlier versions.
    """

    section: ClassVar[str] = "side_effects"
    taken: ClassVar[Choice] = "by default"
    filled: ClassVar[frozenset[str]] = frozenset()
    environment: ClassVar[str] = "base"
    is_benchmark: ClassVar[bool] = False
    gate: ClassVar[str] = ""
    criterion: ClassVar[Criterion | None] = None
    former_names: ClassVar[tuple[str, ...]] = ()

    def for_prompts(self, sources: Sources, world: Mapping[str, Any] | None) -> Self:
        """The settings completed with values that follow from the prompts.

        Args:
            sources: the prompt sources of each label.
            world: the source of the synthetic world that all prompts come from, with its ``world``; None if there is no
                such world.
        """
        del sources, world
        return self

    def lacking(self) -> str:
        """What the configuration lacks to compute it; empty if nothing is missing."""
        return ""

    def problems(self, *, taken: bool) -> Iterator[str]:
        """Errors in its settings, found before any job starts; each begins with the key.

        Args:
            taken: whether it is measured.
        """
        del taken
        yield from ()

    def missing_package(self) -> str:
        """Package that its jobs require and that is not installed; empty if none."""
        return ""

    def files(self) -> list[str]:
        """Local files that its scores depend on."""
        return []

    def tokens(self, prompts: float, prompt_tokens: float) -> tuple[float, float]:
        """Approximate number of tokens that a model reads and generates for it.

        Args:
            prompts: evaluation prompts of both labels.
            prompt_tokens: tokens of each.
        """
        del prompts, prompt_tokens
        return 0.0, 0.0


class HookedSettings(MeasureSettings):
    """Settings of a measure that compares the baked with the hooked model."""

    intervention_prompts: int = Field(
        8,
        ge=1,
        le=10000,
        description=(
            "Prompts of each label on which `module_agreement` and `hook_agreement` compare the baked with the "
            "hooked model, and `response_agreement` the responses with the weights."
        ),
    )


class WorldSettings(MeasureSettings):
    """Settings of a measure that reads responses by the grammar of the synthetic world."""

    filled: ClassVar[frozenset[str]] = frozenset({"world"})

    world: str | None = Field(None, description="The world that all prompts come from.")

    def for_prompts(self, sources: Sources, world: Mapping[str, Any] | None) -> Self:
        """The settings with the world."""
        del sources
        return self.model_copy(update={"world": world["world"] if world else None})

    def lacking(self) -> str:
        """A world."""
        return "" if self.world else "reads the synthetic world only, and not all prompts come from it"

    def files(self) -> list[str]:
        """The world."""
        return [self.world] if self.world else []
