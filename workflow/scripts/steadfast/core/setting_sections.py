"""Sections of the configuration with the keys of plug-ins: each key is declared by one plug-in."""

from collections.abc import Mapping
from typing import Any

from pydantic import create_model
from pydantic.fields import FieldInfo

from steadfast.core.errors import ConfigError
from steadfast.core.settings import SettingsModel


def with_keys_of(
    section: type[SettingsModel], plug_ins: Mapping[str, type[SettingsModel]], left_out: frozenset[str] = frozenset()
) -> type[SettingsModel]:
    """The settings of a section with the keys of plug-ins in addition.

    Args:
        section: the section's own settings.
        plug_ins: settings by the name of the plug-in.
        left_out: keys to exclude.

    Raises:
        ConfigError: two of them declare the same key differently.
    """
    found: dict[str, tuple[str, FieldInfo]] = {
        key: ("the section itself", field) for key, field in section.model_fields.items()
    }
    for name, settings in plug_ins.items():
        for key, field in settings.model_fields.items():
            other, known = found.setdefault(key, (name, field))
            if repr(known) != repr(field):
                raise ConfigError(f"the key {key!r} is declared by {other} and by {name}; rename one of them")
    fields: dict[str, Any] = {
        key: (field.annotation, field)
        for key, (_, field) in found.items()
        if key not in section.model_fields and key not in left_out
    }
    # pydantic's name for a class docstring, which is not inherited
    return create_model(section.__name__, __base__=section, __doc__=section.__doc__, **fields)
