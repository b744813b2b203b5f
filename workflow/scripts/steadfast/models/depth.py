"""The number of blocks of a model, as far as it is known without loading or downloading it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steadfast.files import read_json


def known_depth(stanza: Mapping[str, Any], organism_training: Mapping[str, Any]) -> int | None:
    """Number of blocks of the model that a config stanza describes; None for a hub model.

    Args:
        stanza: an entry of ``models``.
        organism_training: the config's ``organisms.training``.
    """
    if stanza["source"] == "organism":
        from steadfast.organisms.settings import OrganismSettings

        return OrganismSettings(**organism_training).layers
    if stanza["source"] == "local":
        settings = read_json(Path(stanza["path"]) / "config.json")
        return int(settings.get("text_config", settings)["num_hidden_layers"])
    return None
