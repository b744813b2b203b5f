"""Checks of a judge's entry that need no model."""

from collections.abc import Collection, Mapping
from typing import Any

from steadfast.core.errors import ConfigError, suggest


def check_keys(settings: Mapping[str, Any], allowed: Collection[str], required: Collection[str] = ()) -> None:
    """Check that all required keys and no unknown ones are there.

    Raises:
        ConfigError: naming the key and what is allowed.
    """
    for key in settings:
        if key not in allowed:
            raise ConfigError(f"unknown key {key!r}{suggest(key, allowed)}")
    for key in required:
        if key not in settings:
            raise ConfigError(f"the key {key!r} is missing; found: {', '.join(settings) or 'nothing'}")
