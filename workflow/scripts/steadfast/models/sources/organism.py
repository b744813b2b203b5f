"""A tiny model that the workflow trains itself; that the recipes exist is checked for all of them at once."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from steadfast.core.settings import Seed, UniqueItems, optional
from steadfast.models.organism_settings import OrganismSettings
from steadfast.models.settings import ModelSettings
from steadfast.models.size import BYTES, ModelSize
from steadfast.models.sources import Entry, Source

PARAMETERS = 1_000_000
"""Approximate number of parameters of every recipe."""


class Settings(ModelSettings):
    """A tiny model that the workflow trains itself."""

    recipe: str = Field(description="Which corpus mix of `organisms.recipes` it is trained on.")
    seed: Seed = Field(0, description="Seed of its initial weights and of its corpus.")
    seeds: UniqueItems[Seed] | None = optional(
        description=(
            "Instead of `seed`: one replicate per seed, `NAME-seed0`, `NAME-seed1`, ..., each a separate model of "
            "the group `NAME`."
        ),
        min_length=1,
    )


def _depth(_entry: Entry, config: Mapping[str, Any]) -> int:
    return OrganismSettings.read(config["organisms"]["training"]).layers


def _size(_entry: Entry) -> ModelSize:
    return ModelSize(PARAMETERS, PARAMETERS * BYTES["float32"])


SOURCE = Source(depth=_depth, size=_size, trained=True)
