"""Cost estimate of judging, before any request is sent: requests, tokens, money.

Only judges that send requests are included. A judge reads one or more sets of responses: those of all variants to the
evaluation prompts; if a direction contrasts its verdicts, those of the original models to the calibration prompts; and
if it selects the best attack, those of every candidate attack. For existing responses, requests are counted exactly,
and cached ones cost nothing. For responses that do not exist yet, the numbers are an upper bound from the number of
prompts, the longest prompt and the limit of new tokens. Tokens are estimated from the length of the text, on the high
side, and the bound is a bound of this estimate: a run that is within a limit before there are responses is also within
it afterwards.

If there are no prompts yet, prompts of at most 1,000 words are assumed, and the bound says so. If a run generates
existing responses again, the numbers change.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from steadfast.core.errors import ConfigError, DataError
from steadfast.core.files import read_table, require_columns
from steadfast.core.registry import load
from steadfast.judges.chat_api.costs import CostEstimate, check_limits
from steadfast.judges.chat_api.requests import BYTES_PER_TOKEN
from steadfast.judges.chat_api.settings import ChatJobSettings
from steadfast.judges.interface import Case, cases_of
from steadfast.judges.prompts.templates import defuse, quote

COLUMNS = ["judge", "requests", "answered", "to_ask", "input_tokens", "output_tokens", "cost", "bound"]
EXACT = "exact"
UPPER_BOUND = "upper bound"
ASSUMED_BOUND = "upper bound, if no prompt is longer than 1,000 words"
# A prompt is taken to be so long where none is known yet: about 1,000 words of English, markup included.
PROMPT_TOKENS = 2048
# What one new token adds to the estimate: a token of English is about 4.8 bytes, one of other scripts rarely more
# than 6, and the estimate counts a token per 3 bytes.
ESTIMATED_PER_NEW_TOKEN = 2
ASSUMPTION = (
    " (prompts of 1,000 words are assumed, since there are none yet; once `snakemake --cores 1 prompts` has made them "
    "the longest of them counts)"
)


@runtime_checkable
class PaidJudge(Protocol):
    """A judge that can estimate its requests."""

    settings: ChatJobSettings

    def estimate(self, cases: Sequence[Case]) -> CostEstimate:
        """Estimate for judging the given cases."""
        ...

    def estimate_unseen(self, cases: int, tokens: int) -> CostEstimate:
        """Upper bound for this number of cases, each of at most this number of tokens."""
        ...


@dataclass(frozen=True)
class JudgedSet:
    """Responses to one set of prompts, and the judges that read them.

    Attributes:
        judges: names of the judges.
        responses: the response table of every model–variant pair, whether it exists or not.
        cases_each: responses in each of those tables: prompts times samples.
        label: the prompt label that is read; None for both.
    """

    judges: Sequence[str]
    responses: Sequence[str | Path]
    cases_each: int
    label: str | None = None


@dataclass(frozen=True)
class Work:
    """Cases of one judge.

    Attributes:
        cases: responses that exist.
        unseen: number of responses that do not exist yet.
        unseen_tokens: maximum tokens of prompt and response for each of them.
        assumed: whether the length of the prompts is assumed, not known.
    """

    cases: Sequence[Case] = ()
    unseen: int = 0
    unseen_tokens: int = 0
    assumed: bool = False

    def __add__(self, other: "Work") -> "Work":
        tokens = max(self.unseen_tokens, other.unseen_tokens)
        assumed = self.assumed or other.assumed
        return Work([*self.cases, *other.cases], self.unseen + other.unseen, tokens, assumed)

    @property
    def bound(self) -> str:
        """Description of the numbers: exact, or an upper bound."""
        if not self.unseen:
            return EXACT
        return ASSUMED_BOUND if self.assumed else UPPER_BOUND


def work_of(sets: Iterable[Mapping[str, Any]], prompts: str | Path, *, max_new_tokens: int) -> dict[str, Work]:
    """Cases of every judge, by name.

    Args:
        sets: fields of a ``JudgedSet`` each; a judge reads all sets that name it.
        prompts: path of the prompt table, which may not exist yet.
        max_new_tokens: maximum length of a response.
    """
    longest = _longest_prompt(Path(prompts))
    tokens = (PROMPT_TOKENS if longest is None else longest) + max_new_tokens * ESTIMATED_PER_NEW_TOKEN
    each = Work(unseen_tokens=tokens, assumed=longest is None)
    found: dict[str, Work] = {}
    for judged in (JudgedSet(**fields) for fields in sets):
        work = _work(judged, Path(prompts), each) if judged.judges else Work()
        found |= {judge: found.get(judge, Work()) + work for judge in judged.judges}
    return found


def _longest_prompt(prompts: Path) -> int | None:
    """Estimated tokens of the longest prompt; None if the prompts are unknown."""
    if not prompts.is_file():
        return None
    try:
        texts = require_columns(read_table(prompts), ["text"], "prompts")["text"]
    except DataError:
        return None
    lengths = (len(quote(defuse(str(text))).encode()) for text in texts)
    return math.ceil(max(lengths, default=0) / BYTES_PER_TOKEN)


def _work(judged: JudgedSet, prompts: Path, each: Work) -> Work:
    """Cases of one set, the same for each of its judges; ``each`` describes a missing response."""
    found = [_cases(Path(path), prompts) for path in judged.responses]
    there = [cases for cases in found if cases is not None]
    chosen = [case for cases in there for case in cases if judged.label in (None, case.label)]
    return replace(each, cases=chosen, unseen=(len(found) - len(there)) * judged.cases_each)


def _cases(responses: Path, prompts: Path) -> list[Case] | None:
    """Cases of one variant; None if it has no responses yet, or responses to other prompts."""
    if not responses.is_file() or not prompts.is_file():
        return None
    try:
        return cases_of(read_table(responses), read_table(prompts))
    except DataError:
        return None


def cost_table(judges: Mapping[str, Mapping[str, Any]], work: Mapping[str, Work]) -> pd.DataFrame:
    """One row per judge that sends requests.

    Args:
        judges: by name, the arguments of each judge's ``build`` and its ``kind``.
        work: by name, what each of them has to judge.

    Returns:
        A table with the columns ``COLUMNS``; ``cost`` is missing if the entry has no price.
    """
    rows = [_row(name, judge, work[name]) for name, judge in _paid(judges).items()]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"cost": "float64"})


def reject_excess(judges: Mapping[str, Mapping[str, Any]], work: Mapping[str, Work]) -> None:
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
            by_assumption = work[name].assumed and str(error).startswith("max_cost")
            problems.append(f"judges.{name}.{error}{ASSUMPTION if by_assumption else ''}")
    if problems:
        raise ConfigError("\n".join(problems))


def _paid(judges: Mapping[str, Mapping[str, Any]]) -> dict[str, PaidJudge]:
    found = {}
    for name, arguments in judges.items():
        module = load("steadfast.judges.kinds", arguments["kind"])
        if module.Settings.sends_requests:
            judge = module.build(**{key: value for key, value in arguments.items() if key != "kind"})
            if isinstance(judge, PaidJudge):
                found[name] = judge
    return found


def _estimate(judge: PaidJudge, work: Work) -> CostEstimate:
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
        "bound": work.bound,
    }
