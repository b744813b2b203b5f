"""Checks of ensembles: their members, and where they are used."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from steadfast.config.judge_facts import combines_verdicts, reads_responses
from steadfast.core.errors import suggest


def _members_can_be_combined(config: Mapping[str, Any]) -> Iterator[str]:
    judges = config["judges"]
    able = [name for name in judges if not _why_no_member(judges[name])]
    for name, judge in judges.items():
        if not combines_verdicts(judge):
            continue
        for member in judge["members"]:
            where = f"judges.{name}.members"
            if member not in judges:
                yield f"{where}: unknown judge {member!r}{suggest(member, able)}"
            elif member not in able:
                why = _why_no_member(judges[member])
                yield f"{where}: {member} {why}; allowed: {', '.join(able) or 'none'}"


def _why_no_member(entry: Mapping[str, Any]) -> str:
    """Why a judge cannot be a member; empty if it can."""
    if combines_verdicts(entry):
        return "is an ensemble itself, and its members would vote twice; name them instead"
    return "" if reads_responses(entry) else "reads no responses, so its votes say nothing about them"


def _directions_use_judges_of_responses(config: Mapping[str, Any]) -> Iterator[str]:
    judges = config["judges"]
    for name, variant in config["variants"].items():
        judge = variant.get("direction", {}).get("judge")
        if judge in judges and combines_verdicts(judges[judge]):
            allowed = ", ".join(judges[judge]["members"])
            yield (
                f"variants.{name}.direction.judge: {judge} is an ensemble, which judges evaluation prompts only; "
                f"allowed: one of {allowed}"
            )


ENSEMBLE_CHECKS: tuple[Callable[[Mapping[str, Any]], Iterator[str]], ...] = (
    _members_can_be_combined,
    _directions_use_judges_of_responses,
)
