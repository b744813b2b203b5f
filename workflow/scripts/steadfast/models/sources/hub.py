"""A checkpoint of the Hugging Face hub; without the hub nothing of it can be checked but what lies in its cache."""

from collections.abc import Mapping
from typing import Any

from steadfast.models.depth import depth_of_directory
from steadfast.models.sources import Source, Stanza
from steadfast.models.weights import CONFIG


def _depth(stanza: Stanza, _config: Mapping[str, Any]) -> int | None:
    from steadfast.models.download import cached_file

    file = cached_file(stanza["repo"], stanza.get("revision", "main"), CONFIG)
    return depth_of_directory(file.parent) if file else None


SOURCE = Source(depth=_depth)
