"""Checks of the side effects: requirements of the selected measures."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from steadfast.config.settings.side_effects import OWN, SideEffects, settings_of
from steadfast.core.errors import ConfigError, suggest
from steadfast.core.names import PROMPT_LABELS
from steadfast.core.plug_ins import JUDGES, PROMPT_SOURCES

Check = Callable[[Mapping[str, Any]], Iterator[str]]


def is_synthetic(source: Mapping[str, Any]) -> bool:
    """Whether the prompts of a source come from a synthetic world."""
    return bool(PROMPT_SOURCES.of(source).Settings.is_synthetic)


def synthetic_source(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The prompt source of the one synthetic world that all prompts come from, with its ``world``; else None."""
    sources = [source for label in PROMPT_LABELS for source in config["prompts"][label]]
    worlds = {source.get("world") for source in sources}
    if len(worlds) > 1 or not all(is_synthetic(source) for source in sources):
        return None
    return {PROMPT_SOURCES.key: sources[0][PROMPT_SOURCES.key], "world": worlds.pop()}


def measure_settings(config: Mapping[str, Any], name: str) -> Any:
    """Settings of a measure, with the values that the workflow fills in."""
    kind = settings_of(name)
    given = config[kind.section]
    own = {key: given[key] for key in kind.model_fields if key not in kind.filled}
    return kind.read(own).for_prompts(config["prompts"], synthetic_source(config))


def is_taken(config: Mapping[str, Any], name: str) -> bool:
    """Whether a measure is computed."""
    named = config[SideEffects.name]["measures"]
    settings = measure_settings(config, name)
    if named is not None and name in named:
        return True
    wanted = settings.taken == "where possible" or (settings.taken == "by default" and named is None and name in OWN)
    return wanted and not settings.lacking()


def _measures_can_be_taken(config: Mapping[str, Any]) -> Iterator[str]:
    named = config[SideEffects.name]["measures"] or ()
    for name in dict.fromkeys((*OWN, *named)):
        settings = measure_settings(config, name)
        if name in named and settings.lacking():
            yield f"{SideEffects.name}.measures: `{name}` {settings.lacking()}"
        else:
            yield from (f"{settings.section}.{text}" for text in settings.problems(taken=is_taken(config, name)))


def _rubrics_can_be_judged(config: Mapping[str, Any]) -> Iterator[str]:
    for name, rubric in config["rubrics"].items():
        where = f"rubrics.{name}"
        if name in config["judges"]:
            yield f"{where}: a judge has this name as well; rename one of them"
        settings = JUDGES.read(rubric)
        try:
            settings.check()
        except ConfigError as error:
            yield f"{where}: {error}"
            continue
        if settings.scale() == "refusal":
            yield f"{where}.outcome: 'refusal' is not allowed; a guard under `rubrics` says compliance"
        own = settings.weights()
        if "repo" in (rubric.get("serve") or {}):
            yield f"{where}.serve.repo: name the weights under `models` (`role: judge`); give `serve: {{model: ...}}`"
        elif own and own[0] not in config["models"]:
            yield f"{where}: unknown model {own[0]!r}{suggest(own[0], config['models'])}"


EFFECT_CHECKS: tuple[Check, ...] = (
    _measures_can_be_taken,
    _rubrics_can_be_judged,
)
