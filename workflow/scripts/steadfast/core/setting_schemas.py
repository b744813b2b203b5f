"""JSON schemas of settings, in a plain form for messages, editors and the reference page.

References are resolved, titles that only repeat a key are removed, and ``X or null`` is one schema.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from steadfast.core.settings import NAME_PATTERN, NAME_RULE, OPTIONAL

NULL = {"type": "null"}


@cache
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs", {})
    plain: dict[str, Any] = _plain(schema, definitions)
    return plain


def _plain(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_plain(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        return _plain({**target, **{key: item for key, item in schema.items() if key != "$ref"}}, definitions)
    # `title` may be a key of a mapping; in a schema it repeats the name
    plain: dict[str, Any] = {}
    for key, item in schema.items():
        if key == "properties":
            plain[key] = {name: _plain(inner, definitions) for name, inner in item.items()}
        elif key == "default":
            plain[key] = item
        elif key != "title":
            plain[key] = _plain(item, definitions)
    if "patternProperties" in plain:
        ((pattern, inner),) = plain.pop("patternProperties").items()
        names = {"pattern": pattern, **({"description": NAME_RULE} if pattern == NAME_PATTERN else {})}
        plain = {**plain, "propertyNames": names, "additionalProperties": inner}
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]
    if "enum" in plain:
        plain.pop("type", None)
    if plain.pop(OPTIONAL, False):
        # null means the same as omitting the key, and is not shown
        del plain["default"]
        options = [option for option in plain.pop("anyOf", []) if option != NULL]
        plain = {**options[0], **plain} if len(options) == 1 else {**plain, "anyOf": options} if options else plain
    return _joined(plain) if "anyOf" in plain else plain


def _joined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema in which alternatives that are types alone, such as null, are one with the rest where that can be."""
    options = [option for option in schema["anyOf"] if option != NULL]
    if len(options) != 1:
        bare = [option["type"] for option in schema["anyOf"] if set(option) == {"type"}]
        others = [option for option in schema["anyOf"] if set(option) != {"type"}]
        kinds = bare[0] if len(bare) == 1 else bare
        simple = [{"type": kinds}] if bare else []
        return {**schema, "anyOf": [*others, *simple] if kinds == "null" else [*simple, *others]}
    rest = {key: item for key, item in schema.items() if key != "anyOf"}
    (option,) = options
    if "enum" in option:
        return {**option, **rest, "enum": [*option["enum"], None]}
    if "type" not in option:
        return schema
    kinds = option["type"] if isinstance(option["type"], list) else [option["type"]]
    return {**option, **rest, "type": [*kinds, "null"]}
