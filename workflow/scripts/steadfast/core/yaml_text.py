"""YAML as plain values."""

from typing import Any

import yaml

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Loader of plain values; that of libyaml, where PyYAML has it, takes a tenth of the time."""


def parse_yaml(text: str) -> Any:
    """The values of one YAML document; None if it is empty.

    Raises:
        yaml.YAMLError: it is not valid.
    """
    return yaml.load(text, Loader=LOADER)
