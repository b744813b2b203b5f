"""Verdicts on pairs of a prompt and a response: part of the Python API."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pandas as pd

from steadfast.core.errors import ConfigError, DataError
from steadfast.core.locations import project_file
from steadfast.core.names import HARMFUL, PROMPT_LABELS
from steadfast.core.registry import load, names
from steadfast.judges.interface import Case, Judge, Verdict

JUDGES = "steadfast.judges.kinds"
SHIPPED = "resources/"
COLUMNS = ["prompt", "response", "verdict", "score", "raw", "reason"]

Result = TypeVar("Result")


def judge(
    pairs: Iterable[tuple[str, str]], settings: Mapping[str, Any] | Judge, *, labels: Sequence[str] | None = None
) -> pd.DataFrame:
    """Judge responses.

    Args:
        pairs: prompts with their responses.
        settings: a judge's entry as under ``judges`` of a configuration (``config/README.md`` has all kinds and their
            keys), or a judge from ``build_judge``. If a kind runs on a model of the grid, give ``checkpoint``, the
            directory of a checkpoint, instead of ``model``. A path ``resources/...`` that is not in the working
            directory refers to the file bundled with the package.
        labels: ``harmful`` or ``harmless`` for each prompt, for judges that use it; ``harmful`` by default.

    Returns:
        One row per pair, in their order, with the columns ``prompt``, ``response``, ``verdict`` (``refusal``,
        ``non_refusal`` or ``unscored``), ``score`` (probability of refusal in [0, 1], NaN if the judge has none),
        ``raw`` (raw output or match of the judge) and ``reason``.

    Raises:
        ConfigError: the settings cannot be used.
        DataError: a pair does not consist of two strings, or the labels are not one valid label per pair.
        EndpointError: an endpoint does not answer.
    """
    cases = _cases(list(pairs), labels)
    chosen = build_judge(settings) if isinstance(settings, Mapping) else settings
    verdicts: list[Verdict] = _apart_from_loops(lambda: chosen.judge(cases))
    rows = [
        (case.prompt, case.response, verdict.verdict, verdict.score, verdict.raw, verdict.reason)
        for case, verdict in zip(cases, verdicts, strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"score": "float64"})


def build_judge(settings: Mapping[str, Any]) -> Judge:
    """Build a judge once to use it several times, so that a checkpoint is loaded once.

    Args:
        settings: see ``judge``.

    Raises:
        ConfigError: the settings cannot be used.
    """
    rest = _with_shipped_files(settings)
    kind = rest.pop("kind", None)
    if not isinstance(kind, str):
        raise ConfigError(f"a judge needs the key 'kind'; known: {', '.join(names(JUDGES))}")
    built: Judge = load(JUDGES, kind, "kind of judge").build(**rest)
    return built


def _with_shipped_files(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The entry, with paths ``resources/...`` that refer to bundled files unless the working directory has them."""
    return {
        key: str(project_file(value)) if isinstance(value, str) and value.startswith(SHIPPED) else value
        for key, value in settings.items()
    }


def _cases(pairs: list[Any], labels: Sequence[str] | None) -> list[Case]:
    for number, pair in enumerate(pairs):
        if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise DataError(f"pair {number}: found {pair!r}; wanted a prompt and a response, both texts")
    given = [HARMFUL] * len(pairs) if labels is None else list(labels)
    if len(given) != len(pairs):
        raise DataError(f"labels: {len(given)} for {len(pairs)} pairs")
    wrong = next((label for label in given if label not in PROMPT_LABELS), None)
    if wrong is not None:
        raise DataError(f"labels: {wrong!r} is not allowed; allowed: {', '.join(PROMPT_LABELS)}")
    return [
        Case(str(number), 0, prompt, response, label)
        for number, ((prompt, response), label) in enumerate(zip(pairs, given, strict=True))
    ]


def _apart_from_loops(work: Callable[[], Result]) -> Result:
    """Run a function that may start an event loop while one is running, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()
