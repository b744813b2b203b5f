"""A tiny model that the workflow trains itself; that the recipes exist is checked for all of them at once."""

from steadfast.sources import Source

SOURCE = Source()
