"""Elements of a grid: models, variants, their pairs, and judges."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from steadfast.config.attack_checks import CHANGES, CHOICE, SEARCH
from steadfast.config.judge_facts import reads_responses
from steadfast.core.names import ORIGINAL
from steadfast.models.sources import source_of


@dataclass(frozen=True)
class Entry:
    """A named entry of the configuration.

    Attributes:
        name: its name in the configuration.
        label: its name in tables and figures.
        settings: the complete entry.
    """

    name: str
    label: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Model(Entry):
    """A model of the configuration."""

    @property
    def is_studied(self) -> bool:
        """Whether it is under test, and not only a judge or the base of another model."""
        return bool(self.settings["role"] == "study")

    @property
    def source(self) -> str:
        """Name of its model source."""
        return str(self.settings["source"])

    @property
    def given(self) -> list[str] | None:
        """Variants with imported responses, for a model without weights; None for a model with weights."""
        return source_of(self.settings).variants(self.settings)

    @property
    def group(self) -> str | None:
        """Its group of replicates."""
        return self.settings["group"] or None

    @property
    def gpus(self) -> int:
        """Number of GPUs per job."""
        return int(self.settings["gpus"])


@dataclass(frozen=True)
class Variant(Entry):
    """A variant of the configuration: a modification of a model."""

    @property
    def is_control(self) -> bool:
        """Whether it is a control."""
        return bool(self.settings["role"] == "control")

    @property
    def is_edited(self) -> bool:
        """Whether it has its own checkpoint, from a configured edit or one selected by the workflow."""
        return "edit" in self.settings or self.is_chosen

    @property
    def is_chosen(self) -> bool:
        """Whether the workflow selects its direction and edit, by a comparison or a search."""
        return self.is_compared or self.is_searched

    @property
    def is_compared(self) -> bool:
        """Whether it is the best attack of some sweeps."""
        return CHOICE in self.settings

    @property
    def is_searched(self) -> bool:
        """Whether it is the best attack found by a search."""
        return SEARCH in self.settings

    @property
    def is_hooked(self) -> bool:
        """Whether it is an inference-time intervention."""
        return "intervention" in self.settings

    @property
    def is_swept(self) -> bool:
        """Whether it belongs to a sweep: it is in the tables and the figures by scale, but not in the main figures."""
        return "attack" in self.settings

    @property
    def is_only_given(self) -> bool:
        """Whether it only has imported responses."""
        return self.name != ORIGINAL and not CHANGES & set(self.settings)

    def applies_to(self, model: str) -> bool:
        """Whether it applies to a model; it may be limited to some models."""
        return model in self.settings.get("models", [model])


@dataclass(frozen=True)
class Judge(Entry):
    """A judge of the configuration, or a rubric."""

    @property
    def kind(self) -> str:
        """Name of its module in ``steadfast.judges.kinds``."""
        return str(self.settings["kind"])

    @property
    def is_baseline(self) -> bool:
        """Whether it does not read the response."""
        return not reads_responses(self.settings)


@dataclass(frozen=True)
class ModelVariant:
    """A model–variant pair, by name: the model under test.

    Wildcards with a model and a variant can be used instead.
    """

    model: str
    variant: str


class ForModel(Protocol):
    """Wildcards of a job with a model; a model–variant pair also fits."""

    @property
    def model(self) -> str:
        """Name of the model."""


class ForPair(ForModel, Protocol):
    """Wildcards of a job with a model and a variant."""

    @property
    def variant(self) -> str:
        """Name of the variant."""


class ForJudge(ForModel, Protocol):
    """Wildcards of a job in which a model judges itself."""

    @property
    def judge(self) -> str:
        """Name of the judge."""
