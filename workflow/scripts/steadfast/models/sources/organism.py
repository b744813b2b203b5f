"""A tiny model that the workflow trains itself; that the recipes exist is checked for all of them at once."""

from collections.abc import Mapping
from typing import Any

from steadfast.models.organism_settings import OrganismSettings
from steadfast.models.sources import Source, Stanza


def _depth(_stanza: Stanza, config: Mapping[str, Any]) -> int:
    return OrganismSettings.read(config["organisms"]["training"]).layers


SOURCE = Source(depth=_depth)
