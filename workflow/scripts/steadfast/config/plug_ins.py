"""Plug-ins in the schema: their names are allowed, and their own keys are left to the checks of their modules."""

from collections.abc import Mapping
from typing import Any

from steadfast.core.registry import plug_ins

CHOICES: Mapping[str, tuple[str, str]] = {
    "prompt_source": ("kind", "steadfast.prompts.sources.kinds"),
    "model": ("source", "steadfast.models.sources"),
    "direction": ("method", "steadfast.attacks.directions.methods"),
    "edit": ("method", "steadfast.attacks.edits.methods"),
    "hook": ("method", "steadfast.attacks.interventions.methods"),
    "decoding": ("method", "steadfast.attacks.decoding.methods"),
    "judge": ("kind", "steadfast.judges.kinds"),
}
"""Definitions of the schema that choose a module: the key that names it, and the registry that has it."""
ENGINES = "steadfast.generation.engines"
MEASURES = ("steadfast.analysis.side_effects.weights", "steadfast.analysis.side_effects.answers")


def add_plug_ins(schema: dict[str, Any]) -> None:
    """Allow the plug-ins that are installed, in place.

    Raises:
        ConfigError: two of them have the same name, or an entry point cannot be used.
    """
    definitions = schema["$defs"]
    for definition, (key, package) in CHOICES.items():
        found = list(plug_ins(package))
        definitions[definition]["properties"][key]["enum"] += found
        if definition == "model":
            definitions[definition]["allOf"] += [_model_branch(name, definitions["model_local"]) for name in found]
    definitions["generation"]["properties"]["engine"]["enum"] += plug_ins(ENGINES)
    measures = definitions["side_effects"]["properties"]["measures"]["items"]["enum"]
    for package in MEASURES:
        measures += plug_ins(package)


def _model_branch(name: str, like: Mapping[str, Any]) -> dict[str, Any]:
    """What every model has, whatever its source: defaults that the grid reads."""
    common = {key: value for key, value in like["properties"].items() if key not in ("source", "path")}
    condition = {"properties": {"source": {"const": name}}, "required": ["source"]}
    return {"if": condition, "then": {"type": "object", "properties": {**common, "source": {"const": name}}}}
