"""What judging will take before anything is asked: requests, tokens, money.

Only judges that send requests are planned. A judge reads one or more sets of responses: those of all systems to the
evaluation prompts; if a direction contrasts its verdicts, those of the original models to the calibration prompts; and
if it chooses the strongest attack, those of every attack on trial.
Of responses that exist the requests are counted exactly, and those that the store of answers holds cost nothing. Of
responses that do not exist yet the numbers are an upper bound, from the number of prompts and the token limits. Tokens
are estimated, generously, from the length of the text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from steadfast.errors import ConfigError, DataError
from steadfast.files import read_table
from steadfast.judges._chat.costs import Estimate, check_limits
from steadfast.judges._chat.settings import ChatSettings
from steadfast.registry import load
from steadfast.verdicts import Case, cases_of

COLUMNS = ["judge", "requests", "answered", "to_ask", "input_tokens", "output_tokens", "cost", "bound"]
EXACT = "exact"
UPPER_BOUND = "upper bound"
# A prompt is at most so long where none is known yet; one token of the system's may be more than one of the judge's.
PROMPT_TOKENS = 256
TOKENS_PER_TOKEN = 4 / 3


@runtime_checkable
class PaidJudge(Protocol):
    """A judge that knows what it would ask."""

    settings: ChatSettings

    def estimate(self, cases: Sequence[Case]) -> Estimate:
        """What judging cases would take."""
        ...

    def estimate_unseen(self, cases: int, tokens: int) -> Estimate:
        """Upper bound for so many cases, each of at most so many tokens."""
        ...


@dataclass(frozen=True)
class JudgedSet:
    """Responses to one set of prompts, and who reads them.

    Attributes:
        judges: names of the judges.
        responses: the response table of every system, whether it exists or not.
        cases_each: responses in each of those tables: prompts times samples.
        label: the class of prompts that is read; None for both.
    """

    judges: Sequence[str]
    responses: Sequence[str | Path]
    cases_each: int
    label: str | None = None


@dataclass(frozen=True)
class Work:
    """What one judge has to judge.

    Attributes:
        cases: responses that exist.
        unseen: responses that do not exist yet.
        unseen_tokens: tokens of the prompt and the response of each of those, at most.
    """

    cases: Sequence[Case] = ()
    unseen: int = 0
    unseen_tokens: int = 0

    def __add__(self, other: "Work") -> "Work":
        tokens = max(self.unseen_tokens, other.unseen_tokens)
        return Work([*self.cases, *other.cases], self.unseen + other.unseen, tokens)


def work_of(sets: Iterable[Mapping[str, Any]], prompts: str | Path, *, max_new_tokens: int) -> dict[str, Work]:
    """What every judge has to judge, by name.

    Args:
        sets: fields of a ``JudgedSet`` each; what a judge reads is the sum of those that name it.
        prompts: the prompt table, whether it exists or not.
        max_new_tokens: longest response.
    """
    tokens = PROMPT_TOKENS + int(max_new_tokens * TOKENS_PER_TOKEN)
    found: dict[str, Work] = {}
    for judged in (JudgedSet(**fields) for fields in sets):
        work = _work(judged, Path(prompts), tokens) if judged.judges else Work()
        found |= {judge: found.get(judge, Work()) + work for judge in judged.judges}
    return found


def _work(judged: JudgedSet, prompts: Path, tokens: int) -> Work:
    """What there is to judge in one set, for each of its judges."""
    found = [_cases(Path(path), prompts) for path in judged.responses]
    there = [cases for cases in found if cases is not None]
    chosen = [case for cases in there for case in cases if judged.label in (None, case.label)]
    return Work(chosen, (len(found) - len(there)) * judged.cases_each, tokens)


def _cases(responses: Path, prompts: Path) -> list[Case] | None:
    """Cases of one system; None if it has not answered yet, or answered other prompts than there are now."""
    if not responses.is_file() or not prompts.is_file():
        return None
    try:
        return cases_of(read_table(responses), read_table(prompts))
    except DataError:
        return None


def plan(judges: Mapping[str, Mapping[str, Any]], work: Mapping[str, Work]) -> pd.DataFrame:
    """One row per judge that sends requests.

    Args:
        judges: by name, the arguments of each judge's ``build`` and its ``kind``.
        work: by name, what each of them has to judge.

    Returns:
        A table with the columns ``COLUMNS``; ``cost`` is missing where the stanza gives no price.
    """
    rows = [_row(name, judge, work[name]) for name, judge in _paid(judges).items()]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"cost": "float64"})


def refuse_excess(judges: Mapping[str, Mapping[str, Any]], work: Mapping[str, Work]) -> None:
    """Stop a run that would exceed a judge's ``max_requests`` or ``max_cost``.

    Args:
        judges: by name, the arguments of each judge's ``build`` and its ``kind``.
        work: by name, what each of them has to judge.

    Raises:
        ConfigError: with a line per judge.
    """
    problems = []
    for name, judge in _paid(judges).items():
        try:
            check_limits(_estimate(judge, work[name]), judge.settings)
        except ConfigError as error:
            problems.append(f"judges.{name}.{error}")
    if problems:
        raise ConfigError("\n".join(problems))


def _paid(judges: Mapping[str, Mapping[str, Any]]) -> dict[str, PaidJudge]:
    found = {}
    for name, arguments in judges.items():
        module = load("steadfast.judges", arguments["kind"])
        if getattr(module, "SENDS_REQUESTS", False):
            judge = module.build(**{key: value for key, value in arguments.items() if key != "kind"})
            if isinstance(judge, PaidJudge):
                found[name] = judge
    return found


def _estimate(judge: PaidJudge, work: Work) -> Estimate:
    return judge.estimate(work.cases) + judge.estimate_unseen(work.unseen, work.unseen_tokens)


def _row(name: str, judge: PaidJudge, work: Work) -> dict[str, Any]:
    estimate = _estimate(judge, work)
    return {
        "judge": name,
        "requests": estimate.requests,
        "answered": estimate.answered,
        "to_ask": estimate.unanswered,
        "input_tokens": estimate.input_tokens,
        "output_tokens": estimate.output_tokens,
        "cost": estimate.cost(judge.settings),
        "bound": UPPER_BOUND if work.unseen else EXACT,
    }
