"""The schema of the configuration: validation by the models of its settings, and the JSON schema."""

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError

from steadfast.config.settings import Configuration
from steadfast.core.errors import ConfigError
from steadfast.core.plug_ins import FAMILIES, STUB, Family
from steadfast.core.ranges import shortened
from steadfast.core.setting_errors import as_yaml, lines_of, shown
from steadfast.core.setting_schemas import schema_of
from steadfast.core.wording import text_problem

MOST_PROBLEMS = 8
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def complete(config: Mapping[str, Any]) -> dict[str, Any]:
    """Check a configuration against the models, and fill in its defaults.

    Raises:
        ConfigError: with a line per problem: the key, what was found, what is allowed, the nearest known name.
    """
    _require_texts(config)
    values = shortened(config)
    try:
        found = Configuration.model_validate(values)
    except ValidationError as error:
        lines = lines_of(error, Configuration, values, top="config")
        more = [f"... and {len(lines) - MOST_PROBLEMS} more"] if len(lines) > MOST_PROBLEMS else []
        raise ConfigError("\n".join([*lines[:MOST_PROBLEMS], *more])) from None
    _require_plain_values(config)
    return found.as_dict()


@cache
def load_schema() -> dict[str, Any]:
    """The JSON schema of the configuration; config entries that select a plug-in are separate definitions."""
    schema: dict[str, Any] = _without_stubs(schema_of(Configuration))
    definitions = {family.name: _without_stubs(_entry(family)) for family in FAMILIES.values() if family.entries}
    return {"$schema": DIALECT, "title": "Steadfast's configuration", **schema, "$defs": definitions}


def resolve(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a ``$ref`` into the schema's definitions; keys beside it (a default, a description) win."""
    if "$ref" not in schema:
        return schema
    target = load_schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    return {**target, **{key: item for key, item in schema.items() if key != "$ref"}}


def _entry(family: Family) -> dict[str, Any]:
    """The schema of a family's config entries: a branch per plug-in."""
    names = family.names()
    implied = [name for name in names if family.named_by_key and name in family.settings(name).model_fields]
    required = {"anyOf": [{"required": [key]} for key in (family.key, *implied)]} if implied else {}
    return {
        "type": "object",
        **(required or {"required": [family.key]}),
        "properties": {family.key: {"description": family.description, "enum": names}},
        "allOf": [{"if": _chooses(family, name, implied), "then": _branch(family, name)} for name in names],
    }


def _chooses(family: Family, name: str, implied: list[str]) -> dict[str, Any]:
    """The condition for an entry to select a plug-in: its key names it, or is omitted if another key implies it."""
    named = {"properties": {family.key: {"const": name}}}
    if name not in implied:
        return {**named, "required": [family.key]}
    return {**named, "anyOf": [{"required": [key]} for key in (family.key, name)]}


def _branch(family: Family, name: str) -> dict[str, Any]:
    """The schema of the entries that choose a plug-in; its title says what it is."""
    schema = dict(schema_of(family.settings(name)))
    about = schema.pop("description").removesuffix(".")
    # its own keys before shared ones
    own = [key for key in family.settings(name).__annotations__ if key in schema.get("properties", {})]
    keys = schema.pop("properties", {})
    keys = {family.key: {"const": name}, **{key: keys[key] for key in own}, **keys}
    return {"title": f"{name}: {_in_a_sentence(about)}", **schema, "properties": keys}


def _in_a_sentence(text: str) -> str:
    """A sentence as it continues another: abbreviations and formulas keep their capitals."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text.startswith("A ") else text


def _without_stubs(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_stubs(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {key: _without_stubs(item) for key, item in schema.items() if key != STUB}
    return {"$ref": f"#/$defs/{schema[STUB]}", **rest} if STUB in schema else rest


def _require_texts(config: Mapping[str, Any]) -> None:
    """Check that all keys are texts, and that all texts can be written and shown."""
    for where, value in _parts(config):
        if isinstance(value, Mapping):
            for key in value:
                if not isinstance(key, str):
                    found = f"the key {key!r} is not a string{as_yaml(key)}"
                    raise ConfigError(f"{where or 'config'}: {found}; put it in quotes")
        elif isinstance(value, str) and (problem := text_problem(value)):
            raise ConfigError(f"{where}: {value[:60]!r} {problem}")


def _require_plain_values(config: Mapping[str, Any]) -> None:
    """Check that mappings of arbitrary content can be expressed in JSON."""
    for where, value in _parts(config):
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{where}: {value!r} is not allowed; allowed: a finite number")
        if not isinstance(value, Mapping | list | str | int | float | None):
            raise ConfigError(
                f"{where}: found {shown(value)}, which is not allowed; allowed: texts (put it in quotes), numbers, "
                "true, false, null, lists and mappings"
            )


def _parts(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """A configuration and all nested values with their places, outermost first."""
    yield where, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _parts(item, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _parts(item, f"{where}.{number}")
