"""The reference page and the JSON schema of the configuration, generated from its settings."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from steadfast.config.schema import load_schema, resolve
from steadfast.core.files import write_text
from steadfast.core.locations import PROJECT
from steadfast.core.ranges import range_of

PAGE = PROJECT / "config" / "README.md"
SCHEMA = PROJECT / "config" / "config.schema.json"

HEADER = """\
<!-- Written by `make docs` from the settings in the code (steadfast/config/settings and the plug-ins); do not edit. -->
# Configuration

{description}

Files of this folder: `config.yaml` is the default grid, a small language model with five kinds of safety training,
`family-attacks.yaml` a dozen attacks on it, `family-search.yaml` a search for the best one, and
`family-replicates.yaml` three seeds of each safety training; `paper.yaml` is the study's grid; `organisms.yaml`,
`attacks.yaml` (a family of attacks), `organism-search.yaml` (a search), `replicates.yaml` (five seeds of every recipe)
and `tags.yaml` (tag steering) are of tiny models that are trained here. Run another with `snakemake --cores 8
--configfile FILE`; a file layered over another (`--configfile config/config.yaml mine.yaml`) adds to its mappings and
replaces its lists.

What the study's grid costs is in [docs/cost.md](../docs/cost.md).
"""


def reference_page() -> str:
    """The page as Markdown text."""
    schema = load_schema()
    lines = [HEADER.format(description=_one_line(schema["description"]))]
    page = _Page()
    for key, subschema in schema["properties"].items():
        lines += page.section(key, resolve(subschema), required=key in schema["required"])
    return "\n".join(lines).rstrip() + "\n"


class _Page:
    """The tables of the page, each kind of config entry once."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}

    def section(self, key: str, schema: Mapping[str, Any], *, required: bool) -> Iterator[str]:
        """Heading and tables of a section."""
        yield f"## `{key}`\n"
        yield _one_line(schema.get("description", "")) + (" Required." if required else "") + "\n"
        named = schema.get("additionalProperties")
        if isinstance(named, dict) and ("$ref" in named or "properties" in named):
            yield from self._entry(f"{key}.NAME", named)
        elif "properties" in schema:
            yield from self._entry(key, schema)
        elif "type" in schema and schema["type"] != "object":
            yield f"{_type(schema)}; default {_literal(schema.get('default'))}.\n"

    def _entry(self, path: str, schema: Mapping[str, Any]) -> Iterator[str]:
        """Table of a mapping's keys, followed by one table per branch and per nested mapping."""
        earlier = self.places.setdefault(schema["$ref"], path) if "$ref" in schema else path
        if earlier != path:
            yield f"As `{earlier}`.\n"
            return
        schema = resolve(schema)
        own = {key: resolve(item) for key, item in schema.get("properties", {}).items() if "const" not in item}
        if own:
            yield from _table(own, schema.get("required", []))
        further = dict(schema.get("properties", {}))
        for branch in schema.get("allOf", []):
            target = branch["then"]
            yield f"### `{path}`: {_branch_title(target)}\n"
            rest = {key: resolve(item) for key, item in target["properties"].items() if "const" not in item}
            if rest:
                yield from _table(rest, target.get("required", []))
            further = _joined(further, target["properties"])
        yield from self._nested(path, further)

    def _nested(self, path: str, properties: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
        for key, item in properties.items():
            inner = item.get("items", item.get("additionalProperties", item))
            if not isinstance(inner, Mapping):
                inner = item
            below = f"{path}.{key}.NAME" if inner is item.get("additionalProperties") else f"{path}.{key}"
            if "$ref" in inner or inner.get("properties"):
                yield f"### `{below}`\n"
                yield from self._entry(below, inner)


def _joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of two branches; of mappings that both have under one name, the keys of both."""
    shared = {
        key: {**item, "properties": {**first[key]["properties"], **item["properties"]}}
        for key, item in second.items()
        if "properties" in item and "properties" in first.get(key, {})
    }
    return {**first, **second, **shared}


def _table(properties: Mapping[str, Mapping[str, Any]], required: list[str]) -> Iterator[str]:
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    for key, item in properties.items():
        default = "required" if key in required else _literal(item["default"]) if "default" in item else "—"
        yield f"| `{key}` | {_type(item)} | {default} | {_one_line(item.get('description', ''))} |"
    yield ""


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " \\| ".join(_literal(item) for item in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(resolve(item)) for item in schema["anyOf"])
    kind = schema.get("type", "any")
    kinds = [kind] if isinstance(kind, str) else list(kind)
    if str(schema.get("format", "")).startswith("existing-"):
        kinds = [str(schema["format"]).removeprefix("existing-"), *(["null"] if "null" in kinds else [])]
    kinds = [
        f"{kind} {range_of(schema)}" if kind in ("integer", "number") and range_of(schema) else kind for kind in kinds
    ]
    if "array" in kinds and "items" in schema:
        kinds = [f"list of {_type(resolve(schema['items']))}" if kind == "array" else kind for kind in kinds]
    return " or ".join(kinds)


def _branch_title(schema: Mapping[str, Any]) -> str:
    name, _, rest = str(schema["title"]).partition(": ")
    return f"`{name}`, {rest}"


def _literal(value: Any) -> str:
    if value is None:
        return "`null`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def schema_text() -> str:
    """The JSON schema for editors, as text."""
    return json.dumps(load_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_text(PAGE, reference_page())
    write_text(SCHEMA, schema_text())
