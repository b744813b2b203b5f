"""Properties of judges, from their config entries."""

from collections.abc import Mapping
from typing import Any

from steadfast.core.plug_ins import JUDGES


def reads_responses(judge: Mapping[str, Any]) -> bool:
    """Whether a judge reads responses; a baseline does not."""
    return bool(JUDGES.settings(judge["kind"]).reads_response)


def first_reader(judges: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The first judge that reads responses, which is the default reference."""
    return next((name for name, judge in judges.items() if reads_responses(judge)), None)


def combines_verdicts(judge: Mapping[str, Any]) -> bool:
    """Whether a judge combines the verdicts of its ``members`` instead of reading responses."""
    return bool(JUDGES.settings(judge["kind"]).scope == "verdicts")
