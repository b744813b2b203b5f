"""The number of blocks of a model, as far as it is known without loading or downloading it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steadfast.errors import ConfigError, DataError
from steadfast.files import read_json
from steadfast.organisms.settings import OrganismSettings


def known_depth(stanza: Mapping[str, Any], organism_training: Mapping[str, Any]) -> int | None:
    """Number of blocks of the model that a config stanza describes; None for a hub model.

    Args:
        stanza: an entry of ``models``.
        organism_training: the config's ``organisms.training``.

    Raises:
        ConfigError: a local checkpoint's ``config.json`` does not say.
    """
    if stanza["source"] == "organism":
        return OrganismSettings.read(organism_training).layers
    if stanza["source"] == "local":
        return _stated_depth(Path(stanza["path"]) / "config.json")
    return None


def _stated_depth(file: Path) -> int:
    try:
        settings = read_json(file)
        return int(settings.get("text_config", settings)["num_hidden_layers"])
    except FileNotFoundError:
        raise ConfigError(f"{file.parent} is no checkpoint: {file.name} is missing") from None
    except (DataError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{file} does not state `num_hidden_layers`") from error
