"""Messages about invalid settings: the key, what was found, what is allowed, the nearest known name.

This module does not affect results, so ``steadfast.core.code_digest`` excludes it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from steadfast.core.errors import suggest
from steadfast.core.ranges import range_of
from steadfast.core.setting_schemas import schema_of
from steadfast.core.settings import SETTING_ERROR, SettingsModel

LONGEST_VALUE = 120
CALLED_NOW = "; it is called "
"""Part of the message about a name of an earlier version."""
OUT_OF_RANGE = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal"})
WRONG_LENGTH = frozenset({"too_short", "too_long", "string_too_short", "string_too_long"})

Place = tuple[str | int, ...]
Problem = tuple[Place, str]


class InvalidEntry(ValueError):
    """Errors within a config entry whose settings depend on one of its keys.

    Attributes:
        problems: places below the entry, each with a message.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems."""
        self.problems = tuple(problems)
        super().__init__(f"{len(self.problems)} problems")


def lines_of(error: ValidationError, model: type[SettingsModel], values: Mapping[str, Any], top: str = "") -> list[str]:
    """A line per problem: its place, a colon and the problem; ``top`` is the place of the whole."""
    lines = []
    for place, text in problems_of(error, model, values):
        where = ".".join(str(part) for part in place) or top
        lines.append(f"{where}: {text}" if where else text)
    return list(dict.fromkeys(lines))


def problems_of(error: ValidationError, model: type[SettingsModel], values: Mapping[str, Any]) -> Iterator[Problem]:
    """All problems, each with its place; alternatives of one key that all fail are one problem."""
    schema = schema_of(model)
    seen: set[Place] = set()
    for details in error.errors(include_url=False):
        for place, text in _problems(details, schema, model, values):
            alternatives = details["type"] not in ("extra_forbidden", "missing", "value_error")
            if alternatives and place in seen:
                continue
            seen.add(place)
            yield place, text


def shown(value: object) -> str:
    """A value as quoted in messages."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def as_yaml(value: object) -> str:
    """Explanation of a text that YAML parsed as another type."""
    if isinstance(value, bool):
        return f", as YAML reads {'yes, on and true' if value else 'no, off and false'}"
    return ""


def wrong_type(value: object, wanted: str | Sequence[str], hint: str = "") -> str:
    """Message about a value of the wrong type."""
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    unquoted = "string" in kinds and not isinstance(value, str | dict | list | None)
    quotes = f"{as_yaml(value)}; put it in quotes" if unquoted else ""
    return f"found {shown(value)}, which is not of type {' or '.join(kinds)}{quotes}{hint}"


def missing(key: str, values: Mapping[str, Any]) -> str:
    """Message about a missing key."""
    return f"the key {key!r} is missing; found: {', '.join(map(str, values)) or 'nothing'}"


def _problems(
    details: ErrorDetails, schema: Mapping[str, Any], model: type[SettingsModel], values: Mapping[str, Any]
) -> Iterator[Problem]:
    location = details["loc"]
    kind = details["type"]
    inner = details.get("ctx", {}).get("error")
    if isinstance(inner, InvalidEntry):
        place, _ = _place(location, schema)
        yield from (((*place, *below), text) for below, text in inner.problems)
    elif location[-1:] == ("[key]",):
        yield location[:-2], details["msg"]
    elif kind in ("extra_forbidden", "missing"):
        place, rules = _place(location[:-1], schema)
        key = str(location[-1])
        former, given = _model_at(model, place).renamed, _value(values, place)
        if kind == "extra_forbidden":
            yield place, _unknown(key, rules, former)
        elif not any(now == key and old in given for old, now in former.items()):
            # a key of an earlier version is reported separately
            yield place, missing(key, given)
    elif kind == SETTING_ERROR:
        yield _place(location, schema)[0], details["msg"]
    else:
        place, rules = _place(location, schema)
        yield place, _describe(kind, _value(values, place), rules)


def _place(location: Place, schema: Mapping[str, Any]) -> tuple[Place, Mapping[str, Any]]:
    """The keys that a location of Pydantic begins with, without its names of alternatives, and the schema there."""
    place: list[str | int] = []
    rules = schema
    for part in location:
        further = rules.get("additionalProperties")
        if part in rules.get("properties", {}):
            rules = rules["properties"][part]
        elif isinstance(further, Mapping) and isinstance(part, str):
            rules = further
        elif "items" in rules and isinstance(part, int):
            rules = rules["items"]
        else:
            break
        place.append(part)
    return tuple(place), rules


def _value(values: Any, place: Place) -> Any:
    for part in place:
        values = values[part]
    return values


def _model_at(model: type[SettingsModel], place: Place) -> type[SettingsModel]:
    """The settings that hold a place's keys."""
    for part in place:
        field = model.model_fields.get(str(part))
        inner = [kind for kind in _models(field.annotation)] if field else []
        model = inner[0] if inner else model
    return model


def _models(annotation: Any) -> Iterator[type[SettingsModel]]:
    if isinstance(annotation, type) and issubclass(annotation, SettingsModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)


def _unknown(key: str, rules: Mapping[str, Any], former: Mapping[str, str]) -> str:
    if key in former:
        return f"unknown key {key!r}{CALLED_NOW}{former[key]!r} now"
    return f"unknown key {key!r}{suggest(key, rules.get('properties', {}))}"


def _describe(kind: str, value: object, rules: Mapping[str, Any]) -> str:
    hint = _hint(rules)
    if "enum" in rules:
        return not_allowed(value, rules["enum"])
    if "anyOf" in rules:
        return f"{shown(value)} is not allowed{_numbers(rules['anyOf'])}{hint}"
    if kind in OUT_OF_RANGE:
        return f"{shown(value)} is out of range; allowed: {range_of(rules)}{hint}"
    if kind in WRONG_LENGTH:
        return f"{shown(value)} {_length(rules)}{hint}"
    if kind == "string_pattern_mismatch":
        return f"{shown(value)} does not match {rules['pattern']!r}{hint}"
    if kind == "multiple_of":
        return f"{shown(value)} is not a multiple of {rules['multipleOf']}{hint}"
    return wrong_type(value, rules.get("type", "object"), hint)


def renamed(value: object, now: str) -> str:
    """Message about a value of an earlier version."""
    return f"{shown(value)} is not allowed{CALLED_NOW}{now!r} now"


def not_allowed(value: object, allowed: Sequence[object]) -> str:
    """Message about a value that is not allowed."""
    names = ["null" if item is None else str(item) for item in allowed]
    return f"{shown(value)} is not allowed{suggest(str(value), names)}"


def _length(rules: Mapping[str, Any]) -> str:
    bounds = [rules.get(f"{end}{what}") for what in ("Items", "Properties", "Length") for end in ("min", "max")]
    low, high = next(((a, b) for a, b in zip(bounds[::2], bounds[1::2], strict=True) if a or b), (None, None))
    if low == high:
        return f"has not the right length; allowed: {low}"
    return "should be non-empty" if low == 1 else f"is too short; allowed: at least {low}"


def _numbers(options: Sequence[Mapping[str, Any]]) -> str:
    """The numbers that the alternatives allow."""
    numbers = [f"{option['type']} {limits}" for option in options if (limits := range_of(option))]
    return f"; numbers allowed: {', '.join(numbers)}" if numbers else ""


def _hint(rules: Mapping[str, Any]) -> str:
    described = rules.get("description")
    return f" ({' '.join(described.split())})" if described else ""
