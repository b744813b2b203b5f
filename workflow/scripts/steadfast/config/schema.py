"""Validation against the JSON schema, with messages a user can act on, and filling in of defaults."""

import copy
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema
import yaml
from jsonschema.exceptions import ValidationError

from steadfast.config.plug_ins import add_plug_ins
from steadfast.config.ranges import BOUNDS, range_of, shortened
from steadfast.config.wording import label_problem, text_problem
from steadfast.core.errors import ConfigError, suggest
from steadfast.core.locations import PROJECT
from steadfast.core.path_checks import directory_problem, file_problem

SCHEMA_FILE = PROJECT / "workflow" / "schemas" / "config.schema.yaml"
FORMATS = jsonschema.FormatChecker(formats=())
MOST_PROBLEMS = 8
LONGEST_VALUE = 120
# a ValidationError; jsonschema types its parts as unions that depend on the keyword that failed
Problem = Any
# the C loader parses the schema in a tenth of the time, and every job of a cluster parses it
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _is_integer(_checker: object, value: object) -> bool:
    """Whole numbers are those written so: `layer: 1` is an index and `layer: 1.0` is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_checker: object, value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _pattern(_validator: object, pattern: str, value: object, _schema: object) -> Iterator[ValidationError]:
    """A pattern describes the whole text: with ``$`` alone a line break could follow."""
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


TYPES = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number})
VALIDATOR: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"pattern": _pattern}, type_checker=TYPES
)


@FORMATS.checks("existing-file")
def _is_file(value: object) -> bool:
    return not isinstance(value, str) or not file_problem(value)


@FORMATS.checks("existing-directory")
def _is_directory(value: object) -> bool:
    return not isinstance(value, str) or not directory_problem(value)


@FORMATS.checks("label")
def _is_label(value: object) -> bool:
    return not isinstance(value, str) or not label_problem(value)


@cache
def load_schema() -> dict[str, Any]:
    """The schema of the configuration with the plug-ins that are installed, as a nested dictionary."""
    schema: dict[str, Any] = yaml.load(SCHEMA_FILE.read_text(encoding="utf-8"), Loader=LOADER)
    add_plug_ins(schema)
    return schema


def validate(config: Mapping[str, Any]) -> None:
    """Check a configuration against the schema.

    Raises:
        ConfigError: with a line per problem: the key, what was found, what is allowed, the nearest known name.
    """
    _require_texts(config)
    validator = VALIDATOR(load_schema(), format_checker=FORMATS)
    errors = validator.iter_errors(shortened(config))
    lines = [line for error in errors for line in _describe(error)]
    # two branches may say the same of one key, and one of them with its description
    problems = [line for number, line in enumerate(lines) if not any(line in other for other in lines[:number])]
    if problems:
        more = [f"... and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
        raise ConfigError("\n".join([*problems[:MOST_PROBLEMS], *more]))
    _require_plain_values(config)


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


def _require_texts(config: Mapping[str, Any]) -> None:
    """Check that all keys are texts, and that all texts can be written and shown."""
    for where, value in _parts(config):
        if isinstance(value, Mapping):
            for key in value:
                if not isinstance(key, str):
                    found = f"the key {key!r} is no text{_as_yaml(key)}"
                    raise ConfigError(f"{where or 'config'}: {found}; put it in quotes")
        elif isinstance(value, str) and (problem := text_problem(value)):
            raise ConfigError(f"{where}: {value[:60]!r} {problem}")


def _require_plain_values(config: Mapping[str, Any]) -> None:
    """Check that mappings of any content, which are passed on, hold what JSON can express."""
    for where, value in _parts(config):
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{where}: {value!r} is not allowed; allowed: a finite number")
        if not isinstance(value, Mapping | list | str | int | float | None):
            raise ConfigError(
                f"{where}: found {_shown(value)}, which is not allowed; allowed: texts (put it in quotes), numbers, "
                "true, false, null, lists and mappings"
            )


def _parts(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """A configuration and all within it, each with its place, from the outside in."""
    yield where, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _parts(item, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _parts(item, f"{where}.{number}")


def _as_yaml(value: object) -> str:
    """How YAML came to read a text as something else."""
    if isinstance(value, bool):
        return f", as YAML reads {'yes, on and true' if value else 'no, off and false'}"
    return ""


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
    return [f"{path}: {_shown(error.instance)} is not allowed{suggest(str(error.instance), allowed)}"]


def _describe_format(path: str, error: Problem) -> list[str]:
    if error.validator_value == "label":
        return [f"{path}: {_shown(error.instance)} {label_problem(error.instance)}"]
    check = {"existing-file": file_problem, "existing-directory": directory_problem}[error.validator_value]
    return [f"{path}: {check(error.instance)}"]


def _describe_name(path: str, error: Problem) -> list[str]:
    allowed = load_schema()["$defs"]["name"]
    if error.schema != allowed:
        return _describe_other(path, error)
    wrong = dict.fromkeys(character for character in error.instance if not re.fullmatch("[A-Za-z0-9_-]", character))
    found = f" (it holds {', '.join(map(repr, wrong))})" if wrong else ""
    return [f"{path}: the name {_shown(error.instance)} cannot be used{found}; allowed: {allowed['description']}"]


def _describe_range(path: str, error: Problem) -> list[str]:
    found = f"{path}: {_shown(error.instance)} is out of range; allowed: {range_of(error.schema)}"
    return [f"{found}{_hint(error)}"]


def _describe_other(path: str, error: Problem) -> list[str]:
    if error.validator == "type":
        wanted = error.validator_value if isinstance(error.validator_value, str) else " or ".join(error.validator_value)
        quotes = f"{_as_yaml(error.instance)}; put it in quotes" if _is_unquoted(error.instance, wanted) else ""
        return [f"{path}: found {_shown(error.instance)}, which is not of type {wanted}{quotes}{_hint(error)}"]
    if error.validator == "anyOf":
        return [f"{path}: {_shown(error.instance)} is not allowed{_options(error.validator_value)}{_hint(error)}"]
    return [f"{path}: {error.message}{_hint(error)}"]


def _is_unquoted(value: object, wanted: str) -> bool:
    """Whether a value is what YAML makes of a text without quotes."""
    return "string" in wanted and not isinstance(value, str | dict | list | None)


def _options(options: list[Mapping[str, Any]]) -> str:
    """The numbers that the options allow."""
    numbers = [f"{option['type']} {limits}" for option in map(resolve, options) if (limits := range_of(option))]
    return f"; numbers allowed: {', '.join(numbers)}" if numbers else ""


def _hint(error: Problem) -> str:
    described = error.schema.get("description")
    return f" ({' '.join(described.split())})" if described else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


_DESCRIPTIONS = {
    "additionalProperties": _describe_unknown,
    "required": _describe_missing,
    "enum": _describe_enum,
    "format": _describe_format,
    "pattern": _describe_name,
    **dict.fromkeys(BOUNDS, _describe_range),
}
