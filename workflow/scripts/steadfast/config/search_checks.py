"""Checks of variants with a search: its space and its judge."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from steadfast.config.attack_checks import SEARCH
from steadfast.config.judge_facts import combines_verdicts, first_reader, reads_responses
from steadfast.core.errors import suggest
from steadfast.core.plug_ins import DIRECTIONS, EDITS, JUDGES

ALLOWED = ("label", "models", "role", "checkpoints", SEARCH)

Check = Callable[[Mapping[str, Any]], Iterator[str]]


def _searches(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, variant in config["variants"].items():
        if SEARCH in variant:
            yield name, variant


def _searches_have_no_other_keys(config: Mapping[str, Any]) -> Iterator[str]:
    for name, variant in _searches(config):
        for key in variant:
            if key not in ALLOWED:
                yield (
                    f"variants.{name}: {key!r} is not allowed beside {SEARCH!r}, which chooses direction and edit; "
                    f"allowed: {', '.join(ALLOWED)}"
                )


def _directions_can_be_searched(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.attacks.search.searched_directions import why_not_searched

    for name, variant in _searches(config):
        chosen = variant[SEARCH]["directions"]
        for direction in chosen:
            problem = why_not_searched(direction)
            if problem:
                able = [known for known in DIRECTIONS.names() if not why_not_searched(known)]
                yield f"variants.{name}.{SEARCH}.directions: {direction} {problem}; allowed: {', '.join(able)}"


def _controls_are_random(config: Mapping[str, Any]) -> Iterator[str]:
    """A search along random directions must be a control, and only such a search can be one."""
    for name, variant in _searches(config):
        random = [bool(DIRECTIONS.settings(each).is_meaningless) for each in variant[SEARCH]["directions"]]
        if any(random) and not all(random):
            yield f"variants.{name}.{SEARCH}.directions: random directions are a control; search along them alone"
        elif all(random) != (variant["role"] == "control"):
            right = "control" if all(random) else "study"
            yield (
                f"variants.{name}.role: {variant['role']!r} is not allowed with these `directions`: a control is a "
                f"search along random ones; allowed: {right}"
            )


def _edits_can_be_searched(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.attacks.search.space import is_of_one_block

    able = [name for name in EDITS.names() if "kernels" in EDITS.settings(name).model_fields or is_of_one_block(name)]
    for name, variant in _searches(config):
        directions = [DIRECTIONS.settings(each) for each in variant[SEARCH]["directions"]]
        for edit in variant[SEARCH]["edits"]:
            where = f"variants.{name}.{SEARCH}.edits"
            if edit not in able:
                yield f"{where}: {edit} has no kernels that could be varied; allowed: {', '.join(able)}"
            elif EDITS.settings(edit).needs_contrast and not all(each.contrasts for each in directions):
                yield f"{where}: {edit} rests on the two classes of prompts, which the directions do not contrast"


def _ranges_are_ranges(config: Mapping[str, Any]) -> Iterator[str]:
    for name, variant in _searches(config):
        for key in ("depth", "scale"):
            low, high = variant[SEARCH][key]
            if low >= high:
                yield f"variants.{name}.{SEARCH}.{key}: [{low:g}, {high:g}] is not a range: the first must be smaller"


def _judges_can_decide(config: Mapping[str, Any]) -> Iterator[str]:
    judges = config["judges"]
    able = [name for name in judges if not _why_no_decision(judges[name])]
    default = config["statistics"]["reference"] or first_reader(judges)
    for name, variant in _searches(config):
        where, given = f"variants.{name}.{SEARCH}.judge", variant[SEARCH]["judge"]
        judge = given or default
        if given is not None and given not in judges:
            yield f"{where}: unknown judge {given!r}{suggest(given, able)}"
        elif judge is not None and judge in judges and judge not in able:
            found = judge if given else f"{judge} (the reference, as none is named)"
            yield f"{where}: {found} {_why_no_decision(judges[judge])}; allowed: {', '.join(able) or 'none'}"


def _why_no_decision(entry: Mapping[str, Any]) -> str:
    """Why a judge cannot be used in a search; empty if it can."""
    kind = JUDGES.settings(entry["kind"])
    if not reads_responses(entry):
        return "does not read responses, so all attacks are alike to it"
    if combines_verdicts(entry):
        return "is an ensemble, which judges evaluation prompts only"
    if kind.scope == "pair":
        return "is the model under test, which a search changes"
    if kind.sends_requests:
        return "sends requests, and a search judges within its own job"
    weights = JUDGES.read(entry).weights()
    if weights and weights[1] != "original":
        return f"runs on the edited variant {weights[1]}, which a search does not wait for"
    return ""


def _enough_prompts_exist(config: Mapping[str, Any]) -> Iterator[str]:
    known = config["prompts"]["calibration"]
    for name, variant in _searches(config):
        number = variant[SEARCH]["prompts"]
        if number is not None and number > known:
            yield f"variants.{name}.{SEARCH}.prompts: {number} is more than prompts.calibration ({known})"


SEARCH_CHECKS: tuple[Check, ...] = (
    _searches_have_no_other_keys,
    _ranges_are_ranges,
    _directions_can_be_searched,
    _controls_are_random,
    _edits_can_be_searched,
    _judges_can_decide,
    _enough_prompts_exist,
)
