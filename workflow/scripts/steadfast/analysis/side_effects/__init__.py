"""Side effects: what a variant changes other than refusals, and whether its edit reached what it should.

A measure is a module, found by name, of the package ``weights`` (it needs the model: forward passes or generation) or
``responses`` (it reads the responses of the model–variant pair and the judges' verdicts). It has

* ``ABOUT``: name, unit and aggregation of its values;
* ``Settings``: its keys and capabilities (``steadfast.analysis.side_effects.settings``);
* ``build(settings)``: the measure, a ``ModelMeasure`` or a ``ResponseMeasure``.

Every measure gives one value per item (a prompt, a document, a task) for the variant and for its original, so that
intervals and paired differences are computed in one place (``steadfast.analysis.tables.side_effects``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from steadfast.core.registry import load, own_names

if TYPE_CHECKING:
    from steadfast.analysis.side_effects.model_under_test import ModelUnderTest
    from steadfast.analysis.side_effects.pair_responses import PairResponses
    from steadfast.analysis.side_effects.settings import Criterion

WEIGHTS, RESPONSES = "steadfast.analysis.side_effects.weights", "steadfast.analysis.side_effects.responses"
Summary = Literal["mean", "exponential_of_mean"]
Worse = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class About:
    """Name, unit and aggregation of a measure.

    Attributes:
        title: what figures and reports call it.
        unit: unit of the summed-up value.
        worse: which values mean a degraded capability: ``higher``, ``lower`` or ``neither`` values.
        summary: weighted mean of the items' values, or its exponential.
        proportion: whether the values are shares between 0 and 1.
    """

    title: str
    unit: str
    worse: Worse
    summary: Summary = "mean"
    proportion: bool = False


@dataclass(frozen=True)
class Score:
    """One item of a measure.

    Attributes:
        item: what was measured on: a prompt's id, a document's number, ...
        value: of the model–variant pair.
        original: of the original model on the same item.
        weight: how much the item counts (tokens of a document, for a value per token).
        scope: which part of the measure it belongs to; each scope is summed up by itself.
        stratum: resampling keeps the number of items per stratum.
    """

    item: str
    value: float
    original: float
    weight: float = 1.0
    scope: str = ""
    stratum: str = ""


class ModelMeasure(Protocol):
    """A measure that needs the weights. Models are loaded one after the other, the original first."""

    def reference(self, original: "ModelUnderTest", variants: "Sequence[ModelUnderTest]") -> Any:
        """Reference values of the original, kept while the variants are measured.

        Args:
            original: the original model, which may be run.
            variants: what will be measured against it; their weights are not there yet.
        """
        ...

    def score(self, model: "ModelUnderTest", reference: Any) -> list[Score]:
        """Scores of one loaded model–variant pair; none if the measure does not apply to it."""
        ...


class ResponseMeasure(Protocol):
    """A measure of the responses of a model–variant pair."""

    def score(self, pair: "PairResponses", original: "PairResponses") -> list[Score]:
        """Scores of one model–variant pair and its original."""
        ...


def load_measure(package: str, name: str) -> Any:
    """The module of a measure.

    Raises:
        UnknownNameError: there is none of that name; the message lists the known ones.
    """
    return load(package, name, "measure of side effects")


def build_measure(package: str, name: str, settings: Mapping[str, Any]) -> Any:
    """A measure from its settings.

    Raises:
        ConfigError: there is none of that name, or the settings cannot be used.
    """
    module = load_measure(package, name)
    return module.build(module.Settings.read(settings))


def criteria() -> "dict[str, Criterion]":
    """Measures that the robustness assessment uses, by name; those with a bound come first."""
    found = {name: settings.criterion for name, settings in _own_settings() if settings.criterion is not None}
    return dict(sorted(found.items(), key=lambda item: (item[1].bound is None, item[0])))


def measures_of_gates() -> dict[str, str]:
    """The measure that decides each gate of an edit, by gate."""
    return {settings.gate: name for name, settings in _own_settings() if settings.gate}


def benchmarks() -> list[str]:
    """Measures whose scopes are benchmark tasks."""
    return [name for name, settings in _own_settings() if settings.is_benchmark]


def _own_settings() -> Iterator[tuple[str, Any]]:
    """Names and ``Settings`` of the measures of this package."""
    for package in (WEIGHTS, RESPONSES):
        for name in own_names(package):
            yield name, load_measure(package, name).Settings
