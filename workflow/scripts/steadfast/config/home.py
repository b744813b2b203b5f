"""Paths of the configuration that begin with the home folder."""

import os
from collections.abc import Mapping
from typing import Any

from steadfast.config.schema import load_schema, matching_branches, resolve

# what the schema calls a text that is a path: of something that must be there, or that may be
PATHS = frozenset({"existing-file", "existing-directory", "path"})


def with_home(value: Any, schema: Mapping[str, Any] | None = None) -> Any:
    """A copy of a configuration, valid or not, in which paths that begin with ``~`` begin with that user's home.

    Other texts, such as labels and prompts, stay as they are.
    """
    rules = resolve(load_schema() if schema is None else schema)
    if isinstance(value, str):
        return os.path.expanduser(value) if rules.get("format") in PATHS else value
    if isinstance(value, list):
        return [with_home(item, rules["items"]) for item in value] if "items" in rules else value
    for option in rules.get("anyOf", []):
        value = with_home(value, option)
    if not isinstance(value, dict):
        return value
    for branch in matching_branches(value, rules):
        value = with_home(value, branch)
    properties, rest = rules.get("properties", {}), rules.get("additionalProperties")
    further = rest if isinstance(rest, Mapping) else {}
    return {key: with_home(item, properties.get(key, further)) for key, item in value.items()}
