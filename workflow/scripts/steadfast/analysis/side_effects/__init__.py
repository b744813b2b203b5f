"""Side effects: what a variant changes other than refusals, and whether its edit had the intended effect.

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
        title: name in figures and reports.
        unit: unit of the aggregated value.
        worse: which values indicate a degraded capability: ``higher``, ``lower`` or ``neither``.
        summary: aggregation: weighted mean of the items' values, or its exponential.
        proportion: whether the values are shares between 0 and 1.
    """

    title: str
    unit: str
    worse: Worse
    summary: Summary = "mean"
    proportion: bool = False


@dataclass(frozen=True)
class Score:
    """The value of a measure on one item.

    Attributes:
        item: what was measured: a prompt's id, a document's number, ...
        value: value for the model–variant pair.
        original: value for the original model on the same item.
        weight: weight of the item (tokens of a document, for a value per token).
        scope: part of the measure that the item belongs to; each scope is aggregated separately.
        stratum: stratum of the item; resampling keeps the number of items per stratum.
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
            variants: the variants that will be compared with it; their weights are not loaded yet.
        """
        ...

    def score(self, model: "ModelUnderTest", reference: Any) -> list[Score]:
        """Scores of one loaded model–variant pair; empty if the measure does not apply."""
        ...


class ResponseMeasure(Protocol):
    """A measure of the responses of a model–variant pair."""

    def score(self, pair: "PairResponses", original: "PairResponses") -> list[Score]:
        """Scores of one model–variant pair and its original."""
        ...


def load_measure(package: str, name: str) -> Any:
    """The module of a measure.

    Raises:
        UnknownNameError: there is no measure of that name; the message lists the known names.
    """
    return load(package, name, "measure of side effects")


def build_measure(package: str, name: str, settings: Mapping[str, Any]) -> Any:
    """A measure from its settings.

    Raises:
        ConfigError: there is no measure of that name, or the settings are invalid.
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
    """Names of measures whose scopes are benchmark tasks."""
    return [name for name, settings in _own_settings() if settings.is_benchmark]


def _own_settings() -> Iterator[tuple[str, Any]]:
    """Names and ``Settings`` of the measures of this package."""
    for package in (WEIGHTS, RESPONSES):
        for name in own_names(package):
            yield name, load_measure(package, name).Settings
