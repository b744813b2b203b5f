"""Entries of a configuration that are given from Python."""

from collections.abc import Mapping
from typing import Any

from steadfast.core.errors import ConfigError
from steadfast.core.locations import project_file
from steadfast.core.registry import names

SHIPPED = "resources/"


def with_shipped_files(settings: Mapping[str, Any]) -> dict[str, Any]:
    """An entry whose paths ``resources/...`` are those of shipped files, where the working directory has none."""
    return {
        key: str(project_file(value)) if isinstance(value, str) and value.startswith(SHIPPED) else value
        for key, value in settings.items()
    }


def of_registry(settings: Mapping[str, Any], key: str, package: str, what: str) -> tuple[str, dict[str, Any]]:
    """The name of a module in an entry, and the rest of it.

    Raises:
        ConfigError: the key that names it is missing.
    """
    rest = dict(settings)
    name = rest.pop(key, None)
    if not isinstance(name, str):
        raise ConfigError(f"a {what} needs the key {key!r}; known: {', '.join(names(package))}")
    return name, rest
