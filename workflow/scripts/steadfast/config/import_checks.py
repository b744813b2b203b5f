"""Checks of imported responses and labels: their files are read before any job."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from steadfast.core.errors import ConfigError, DataError


def _imported_responses_can_be_read(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.models.sources import source_of

    for name, model in config["models"].items():
        source = source_of(model)
        if source.variants(model) is None or list(source.problems(model, config)):
            continue
        from steadfast.generation.imports.imported import read_variant

        for variant in source.variants(model) or ():
            try:
                read_variant(model, variant)
            except (ConfigError, DataError) as error:
                yield f"models.{name}: {error}"


def _some_model_has_responses(config: Mapping[str, Any]) -> Iterator[str]:
    """A judge that is the model under test needs its weights."""
    from steadfast.core.plug_ins import JUDGES
    from steadfast.models.sources import source_of

    with_weights = [name for name, model in config["models"].items() if source_of(model).variants(model) is None]
    for name, judge in config["judges"].items():
        if not with_weights and JUDGES.settings(judge["kind"]).scope == "pair":
            yield f"judges.{name}: `{judge['kind']}` needs the weights of a model under test, and no model has any"


IMPORT_CHECKS: tuple[Callable[[Mapping[str, Any]], Iterator[str]], ...] = (
    _imported_responses_can_be_read,
    _some_model_has_responses,
)
