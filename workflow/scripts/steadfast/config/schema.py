"""Validation against the JSON schema, with messages a user can act on, and filling in of defaults."""

import copy
import math
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from jsonschema.exceptions import ValidationError

from steadfast.errors import ConfigError, suggest
from steadfast.paths import directory_problem, file_problem

SCHEMA_FILE = Path(__file__).parents[3] / "schemas" / "config.schema.yaml"
FORMATS = jsonschema.FormatChecker(formats=())
MOST_PROBLEMS = 8
# a ValidationError; jsonschema types its parts as unions that depend on the keyword that failed
Problem = Any
# the C loader parses the schema in a tenth of the time, and every job of a cluster parses it
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _is_integer(_checker: object, value: object) -> bool:
    """Whole numbers are those written so: `layer: 1` is an index and `layer: 1.0` is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_checker: object, value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


TYPES = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number})
VALIDATOR: Any = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=TYPES)  # type: ignore[no-untyped-call]


@FORMATS.checks("existing-file")
def _is_file(value: object) -> bool:
    return not isinstance(value, str) or not file_problem(value)


@FORMATS.checks("existing-directory")
def _is_directory(value: object) -> bool:
    return not isinstance(value, str) or not directory_problem(value)


@cache
def load_schema() -> dict[str, Any]:
    """The schema of the configuration, as a nested dictionary."""
    schema: dict[str, Any] = yaml.load(SCHEMA_FILE.read_text(encoding="utf-8"), Loader=LOADER)
    return schema


def validate(config: Mapping[str, Any]) -> None:
    """Check a configuration against the schema.

    Raises:
        ConfigError: with a line per problem: the key, what was found, what is allowed, the nearest known name.
    """
    _require_text_keys(config, "")
    validator = VALIDATOR(load_schema(), format_checker=FORMATS)
    problems = list(dict.fromkeys(line for error in validator.iter_errors(config) for line in _describe(error)))
    if problems:
        more = [f"... and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
        raise ConfigError("\n".join([*problems[:MOST_PROBLEMS], *more]))


def with_defaults(value: Any, schema: Mapping[str, Any] | None = None) -> Any:
    """A copy of a valid configuration in which every key that was left out has its default."""
    rules = resolve(load_schema() if schema is None else schema)
    if isinstance(value, list):
        return [with_defaults(item, rules["items"]) if "items" in rules else item for item in value]
    if not isinstance(value, dict):
        return value
    for branch in matching_branches(value, rules):
        value = with_defaults(value, branch)
    properties = rules.get("properties", {})
    filled = dict(value)
    for key, subschema in properties.items():
        if key not in filled and "default" in resolve(subschema):
            filled[key] = copy.deepcopy(resolve(subschema)["default"])
    rest = rules.get("additionalProperties")
    for key, item in filled.items():
        subschema = properties.get(key, rest if isinstance(rest, dict) else None)
        if subschema is not None:
            filled[key] = with_defaults(item, subschema)
    return filled


def resolve(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a ``$ref`` into the schema's definitions; keys beside it (a default, a description) win."""
    if "$ref" not in schema:
        return schema
    target = load_schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    return {**resolve(target), **{key: item for key, item in schema.items() if key != "$ref"}}


def matching_branches(value: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The ``then`` schemas of those ``if`` branches that apply to ``value``."""
    for branch in schema.get("allOf", []):
        constants = branch["if"]["properties"]
        if all(value.get(key) == condition["const"] for key, condition in constants.items()):
            yield branch["then"]


def _require_text_keys(value: Any, where: str) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ConfigError(f"{where or 'config'}: the key {key!r} is no text; put it in quotes")
            _require_text_keys(item, f"{where}.{key}" if where else key)


def _describe(error: ValidationError) -> list[str]:
    path = ".".join(str(part) for part in error.absolute_path)
    describe = _DESCRIPTIONS.get(str(error.validator), _describe_other)
    return describe(path or "config", error)


def _describe_unknown(path: str, error: Problem) -> list[str]:
    known = error.schema.get("properties", {})
    extra = [key for key in error.instance if key not in known]
    return [f"{path}: unknown key {key!r}{suggest(key, known)}" for key in extra]


def _describe_missing(path: str, error: Problem) -> list[str]:
    missing = [key for key in error.validator_value if key not in error.instance]
    found = ", ".join(error.instance) or "nothing"
    return [f"{path}: the key {key!r} is missing; found: {found}" for key in missing]


def _describe_enum(path: str, error: Problem) -> list[str]:
    allowed = [str(item) if item is not None else "null" for item in error.validator_value]
    return [f"{path}: {error.instance!r} is not allowed{suggest(str(error.instance), allowed)}"]


def _describe_format(path: str, error: Problem) -> list[str]:
    check = {"existing-file": file_problem, "existing-directory": directory_problem}[error.validator_value]
    return [f"{path}: {check(error.instance)}"]


def _describe_name(path: str, error: Problem) -> list[str]:
    if error.schema == load_schema()["$defs"]["name"]:
        return [f"{path}: the name {error.instance!r} cannot be used; allowed: {error.schema['description']}"]
    return _describe_other(path, error)


def _describe_other(path: str, error: Problem) -> list[str]:
    described = error.schema.get("description")
    hint = f" ({' '.join(described.split())})" if described else ""
    if error.validator == "type":
        wanted = error.validator_value if isinstance(error.validator_value, str) else " or ".join(error.validator_value)
        return [f"{path}: found {error.instance!r}, which is not of type {wanted}{hint}"]
    if error.validator == "anyOf":
        return [f"{path}: {error.instance!r} is not allowed{hint}"]
    return [f"{path}: {error.message}{hint}"]


_DESCRIPTIONS = {
    "additionalProperties": _describe_unknown,
    "required": _describe_missing,
    "enum": _describe_enum,
    "format": _describe_format,
    "pattern": _describe_name,
}
