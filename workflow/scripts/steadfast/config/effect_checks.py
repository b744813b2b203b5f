"""Checks of the side effects: what the chosen measures need and the configuration does not give."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from steadfast.core.errors import ConfigError, DataError, suggest
from steadfast.core.names import PROMPT_LABELS
from steadfast.core.plug_ins import JUDGES, PROMPT_SOURCES

GRAMMAR_MEASURES = ("on_topic", "hallucination", "answer_form")

Check = Callable[[Mapping[str, Any]], Iterator[str]]


def is_synthetic(source: Mapping[str, Any]) -> bool:
    """Whether the prompts of a source come from a synthetic world."""
    return bool(PROMPT_SOURCES.of(source).Settings.is_synthetic)


def synthetic_world(config: Mapping[str, Any]) -> str | None:
    """The synthetic world, where all prompts come from one; else None."""
    sources = [source for label in PROMPT_LABELS for source in config["prompts"][label]]
    worlds = {source.get("world") for source in sources}
    return worlds.pop() if len(worlds) == 1 and all(is_synthetic(source) for source in sources) else None


def _measures_have_what_they_need(config: Mapping[str, Any]) -> Iterator[str]:
    chosen = config["side_effects"]["measures"] or ()
    if synthetic_world(config):
        return
    for name in chosen:
        if name in GRAMMAR_MEASURES:
            yield f"side_effects.measures: `{name}` reads the synthetic world only, and not all prompts come from it"
    if "perplexity" in chosen and config["side_effects"]["text"] is None:
        yield "side_effects.text: missing; `perplexity` needs a held-out text: a file or a data set"


def _text_is_usable(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.prompts.sources import check_source

    text = config["side_effects"]["text"]
    try:
        if text is not None:
            check_source(text)
    except ConfigError as error:
        yield f"side_effects.text: {error}"


def _instructions_can_be_checked(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.analysis.side_effects.instructions import load_tasks

    settings = config["side_effects"]
    if "instruction_following" not in (settings["measures"] or ()):
        return
    try:
        load_tasks(settings["instructions"])
    except DataError as error:
        yield f"side_effects.instructions: {error}"


def _folder_has_a_use(config: Mapping[str, Any]) -> Iterator[str]:
    settings = config["capability"]
    if settings["include_path"] is not None and not settings["tasks"]:
        yield "capability.include_path: has no effect without capability.tasks"


def _rubrics_can_be_judged(config: Mapping[str, Any]) -> Iterator[str]:
    for name, rubric in config["rubrics"].items():
        where = f"rubrics.{name}"
        kind = rubric["kind"]
        if name in config["judges"]:
            yield f"{where}: a judge has this name as well; rename one of them"
        if not JUDGES.settings(kind).follows_template:
            able = [name for name in JUDGES.names() if JUDGES.settings(name).follows_template]
            yield f"{where}.kind: {kind!r} follows no template of one's own; allowed: {', '.join(able)}"
            continue
        settings = JUDGES.read(rubric)
        try:
            settings.check()
        except ConfigError as error:
            yield f"{where}: {error}"
            continue
        own = settings.weights()
        if "repo" in (rubric.get("serve") or {}):
            yield f"{where}.serve.repo: name the weights under `models` (`role: judge`); give `serve: {{model: ...}}`"
        elif own and own[0] not in config["models"]:
            yield f"{where}: unknown model {own[0]!r}{suggest(own[0], config['models'])}"


EFFECT_CHECKS: tuple[Check, ...] = (
    _measures_have_what_they_need,
    _text_is_usable,
    _instructions_can_be_checked,
    _folder_has_a_use,
    _rubrics_can_be_judged,
)
