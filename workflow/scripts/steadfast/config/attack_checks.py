"""Checks of directions, edits and interventions that are possible without the models."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from steadfast.attacks.directions.settings import FINAL_NORM
from steadfast.attacks.edits.settings import LARGEST_SCALE
from steadfast.config.depth import PARTS, blocks_beyond, known_depth
from steadfast.config.judge_facts import reads_responses
from steadfast.config.sweeps import FAMILIES as CHANGE_FAMILIES
from steadfast.config.sweeps import scale_key
from steadfast.core.errors import ConfigError, DataError, suggest
from steadfast.core.plug_ins import DIRECTIONS
from steadfast.generation.engine_choice import in_process_engine, possible_engines

NEEDS = {"edit": "direction", "intervention": "direction", "match_change": "edit", "checkpoints": "edit"}
CHOICE = "best_attack_of"
SEARCH = "search"
CHOOSING = (CHOICE, SEARCH)
"""Keys of a variant for which the workflow selects direction and edit."""
CHANGES = frozenset({"direction", "edit", "intervention", "decoding", *CHOOSING})
"""Keys of a variant that modify a model."""

Check = Callable[[Mapping[str, Any]], Iterator[str]]


def _methods_accept_their_settings(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.attacks.decoding import build_decoding
    from steadfast.attacks.direction_search.search import read_settings
    from steadfast.attacks.edits import build_edit
    from steadfast.attacks.interventions import build_hook

    readers = {"direction": read_settings, "edit": build_edit, "intervention": build_hook, "decoding": build_decoding}
    for name, variant in config["variants"].items():
        for part, read in readers.items():
            try:
                if part in variant and not _beyond_range(variant, part):
                    read(variant[part])
            except (ConfigError, DataError) as error:
                yield f"variants.{name}.{part}: {error}"


def _parts_have_what_they_need(config: Mapping[str, Any]) -> Iterator[str]:
    for name, variant in config["variants"].items():
        for part, need in NEEDS.items():
            # if the workflow selects direction and edit, these parts are not allowed (reported elsewhere)
            if part in variant and need not in variant and not set(CHOOSING) & set(variant):
                yield f"variants.{name}: {part!r} is given, so {need!r} is needed as well"


def _variants_are_one_intervention(config: Mapping[str, Any]) -> Iterator[str]:
    for name, variant in config["variants"].items():
        if all(part in variant for part in PARTS):
            yield f"variants.{name}: has an `edit` and an `intervention`; make them two variants, to see what each does"
        if "intervention" in variant and "decoding" in variant:
            both = "has an `intervention` and a `decoding`"
            yield f"variants.{name}: {both}; make them two variants, to see what each does"
        if "direction" in variant and not any(part in variant for part in (*PARTS, *CHOOSING)):
            yield f"variants.{name}: 'direction' is given, so 'edit' or 'intervention' is needed as well"


def _directions_bring_what_is_needed(config: Mapping[str, Any]) -> Iterator[str]:
    for name, variant in config["variants"].items():
        direction = variant.get("direction")
        for part in PARTS:
            if direction is None or part not in variant:
                continue
            problem = _why_unsuitable(direction, part, variant[part])
            if problem:
                yield f"variants.{name}.{part}: {variant[part]['method']} {problem}"


def _why_unsuitable(direction: Mapping[str, Any], part: str, change: Mapping[str, Any]) -> str:
    """Why a direction is incompatible with an edit or an intervention; empty if it is not."""
    needs = CHANGE_FAMILIES[part].of(change).Settings
    contrasting = DIRECTIONS.of(direction).Settings.contrasts
    if needs.needs_contrast and not contrasting:
        able = [name for name in DIRECTIONS.names() if DIRECTIONS.settings(name).contrasts]
        return (
            f"rests on the two classes of prompts, which direction.method {direction['method']} does not contrast; "
            f"take one of {', '.join(able)}"
        )
    if needs.needs_class_means and not contrasting and direction.get("layer") is None:
        return (
            f"needs class means; with direction.method {direction['method']} they are taken at direction.layer: set it"
        )
    if needs.needs_block and change.get("layer") is None and direction.get("layer") == FINAL_NORM:
        return f"adds after a block, and the direction comes from the final norm; set {part}.layer"
    return ""


def _behavior_contrasts_have_a_judge(config: Mapping[str, Any]) -> Iterator[str]:
    for name, variant in config["variants"].items():
        judge = variant.get("direction", {}).get("judge")
        where = f"variants.{name}.direction.judge"
        if judge is None:
            continue
        if judge not in config["judges"]:
            yield f"{where}: unknown judge {judge!r}{suggest(judge, config['judges'])}"
        elif not reads_responses(config["judges"][judge]):
            yield f"{where}: {judge} does not read responses, so it cannot tell refused prompts from answered ones"


def _changes_can_be_matched(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.attacks.edits import build_edit

    variants = config["variants"]
    for name, variant in variants.items():
        other = variant.get("match_change")
        where = f"variants.{name}.match_change"
        if other is None or "edit" not in variant:
            continue
        edited = [known for known in variants if {"edit", *CHOOSING} & set(variants[known]) and known != name]
        if other not in edited:
            yield f"{where}: {other!r} is no other variant with an `edit`{suggest(other, edited)}"
        elif "match_change" in variants[other]:
            yield f"{where}: {other} is scaled itself; name the variant that it is scaled to"
        try:
            build_edit(variant["edit"]).rescaled(1.0)
        except ConfigError as error:
            yield f"{where}: {error}"


def _variants_are_limited_to_known_models(config: Mapping[str, Any]) -> Iterator[str]:
    tested = [name for name, model in config["models"].items() if model["role"] == "study"]
    for name, variant in config["variants"].items():
        for model in variant.get("models", ()):
            if model not in tested:
                yield f"variants.{name}.models: {model!r} is not a model under test{suggest(model, tested)}"


def _interventions_have_an_engine(config: Mapping[str, Any]) -> Iterator[str]:
    hooked = [name for name, variant in config["variants"].items() if "intervention" in variant]
    engine = config["generation"]["engine"]
    if hooked and not any(settings.in_process for settings in possible_engines(engine).values()):
        yield (
            f"variants.{hooked[0]}.intervention: interventions run with the {in_process_engine()} engine only, but "
            f"generation.engine is {engine}; `auto` takes {in_process_engine()} for interventions"
        )
    for name, judge in config["judges"].items():
        variant = (judge.get("serve") or {}).get("variant")
        if variant in hooked:
            why = "is an intervention and has no checkpoint that could be served"
            yield f"judges.{name}.serve.variant: {variant} {why}"
        elif variant is not None and "decoding" in config["variants"].get(variant, {}):
            yield f"judges.{name}.serve.variant: {variant} steers what is written, which a served judge would not"


def _blocks_exist(config: Mapping[str, Any]) -> Iterator[str]:
    for name, model in config["models"].items():
        if model["role"] != "study":
            continue
        depth = known_depth(name, config)
        if depth is not None:
            yield from blocks_beyond(depth, name, config["variants"])


def _scales_are_in_range(config: Mapping[str, Any]) -> Iterator[str]:
    """A sweep multiplies two numbers that are in range."""
    for name, variant in config["variants"].items():
        for part in PARTS:
            if _beyond_range(variant, part):
                key = scale_key(part, variant[part])
                yield (
                    f"sweeps: the {key} of {name} comes to {variant[part][key]:g}, which is out of range; allowed: "
                    f"at most {LARGEST_SCALE}"
                )


def _beyond_range(variant: Mapping[str, Any], part: str) -> bool:
    """Whether the scale of a sweep exceeds the range of the setting."""
    if part not in PARTS or part not in variant or "attack" not in variant:
        return False
    return bool(abs(variant[part].get(scale_key(part, variant[part]), 0)) > LARGEST_SCALE)


ATTACK_CHECKS: tuple[Check, ...] = (
    _parts_have_what_they_need,
    _methods_accept_their_settings,
    _variants_are_one_intervention,
    _directions_bring_what_is_needed,
    _behavior_contrasts_have_a_judge,
    _changes_can_be_matched,
    _variants_are_limited_to_known_models,
    _interventions_have_an_engine,
    _blocks_exist,
    _scales_are_in_range,
)
