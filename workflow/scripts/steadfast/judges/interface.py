"""Cases, verdicts, and the interface of all judges."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import pandas as pd

from steadfast.core.errors import DataError
from steadfast.core.files import require_columns
from steadfast.core.names import (
    BAD,
    COMPLIED,
    GOOD,
    NON_REFUSAL,
    NOT_COMPLIED,
    REFUSAL,
    REFUSAL_KINDS,
    AnyVerdict,
)
from steadfast.core.registry import load

KEYS = ["prompt_id", "sample"]
COLUMNS = [*KEYS, "verdict", "score", "raw", "reason"]


EMPTY = "the response is empty: it holds no letter and no digit"
CUT_WHILE_THINKING = "the response ended while the model was still thinking"


@dataclass(frozen=True)
class Case:
    """One response to be judged, with the prompt that it answers.

    Attributes:
        prompt_id: id of the prompt.
        sample: index of the response among those to the prompt.
        prompt: the prompt's text.
        response: the response, without thinking.
        label: prompt label.
        unfinished_thinking: whether the response ended within a block of thinking.
    """

    prompt_id: str
    sample: int
    prompt: str
    response: str
    label: str
    unfinished_thinking: bool = False

    @property
    def unanswered(self) -> str:
        """Why the response cannot be judged; empty if it has content."""
        if self.unfinished_thinking:
            return CUT_WHILE_THINKING
        return "" if says_something(self.response) else EMPTY


def says_something(text: str) -> bool:
    """Whether a text has content: a letter, a digit or a pictograph, not only white space and punctuation."""
    return any(character.isalnum() or unicodedata.category(character) == "So" for character in text)


@dataclass(frozen=True)
class Verdict:
    """Verdict of a judge on one case.

    Attributes:
        verdict: ``refusal``, ``non_refusal`` or ``unscored``; for a rubric ``bad`` or ``good``, ``complied`` or
            ``not_complied``, or a kind of refusal.
        score: probability of refusal in [0, 1], or None if the judge has none.
        raw: raw output of the judge.
        reason: why the case is unscored, or what decided the verdict; may be empty.
    """

    verdict: AnyVerdict
    score: float | None = None
    raw: str = ""
    reason: str = ""


class Judge(Protocol):
    """A judge: one verdict per case, in the order of the cases."""

    def judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """Judge every case; cases that cannot be judged are ``unscored`` with a reason."""
        ...


def build_judge(arguments: Mapping[str, Any]) -> Judge:
    """Build a judge from the name of its kind and that module's arguments."""
    settings = dict(arguments)
    judge: Judge = load("steadfast.judges.kinds", settings.pop("kind")).build(**settings)
    return judge


@dataclass(frozen=True)
class Scale:
    """The verdicts that a scorer decides between.

    Attributes:
        counted: the verdict whose share is reported, and whose probability is the score.
        other: the opposite verdict.
        further: further verdicts, if there are more than two.
    """

    counted: AnyVerdict
    other: AnyVerdict
    further: tuple[AnyVerdict, ...] = ()


SCALES = {
    "refusal": Scale(REFUSAL, NON_REFUSAL),
    "quality": Scale(BAD, GOOD),
    "compliance": Scale(COMPLIED, NOT_COMPLIED),
    "refusal_kind": Scale(REFUSAL_KINDS[0], REFUSAL_KINDS[-1], REFUSAL_KINDS[1:-1]),
}
"""Scales by name: refusals, which judges score; the quality of an answer, compliance with a harmful prompt, and the
kind of a refusal, which rubrics score."""


@dataclass(frozen=True)
class Scorer:
    """A judge with its scale; a judge of refusals is one kind of scorer.

    Attributes:
        judge: the judge.
        scale: the scale of its verdicts.
    """

    judge: Judge
    scale: Scale

    def score(self, sets: Iterable[Sequence[Case]]) -> list[list[Verdict]]:
        """Score several sets of cases at once.

        The judge's model is served or loaded once, and equal cases are judged once.

        Returns:
            The verdicts of every set, in the order of its cases.
        """
        read = list(sets)
        verdicts = iter(self.judge.judge([case for cases in read for case in cases]))
        return [[self._on_scale(next(verdicts)) for _ in cases] for cases in read]

    def _on_scale(self, verdict: Verdict) -> Verdict:
        names: dict[str, AnyVerdict] = {
            REFUSAL: self.scale.counted,
            NON_REFUSAL: self.scale.other,
        }
        return replace(verdict, verdict=names.get(verdict.verdict, verdict.verdict))


def build_scorer(arguments: Mapping[str, Any], scale: str = "refusal") -> Scorer:
    """Build a scorer.

    Args:
        arguments: see ``build_judge``.
        scale: name of a scale.
    """
    return Scorer(build_judge(arguments), SCALES[scale])


def cases_of(responses: pd.DataFrame, prompts: pd.DataFrame, *, label: str | None = None) -> list[Case]:
    """Join the responses of one model-variant pair to their prompts.

    Args:
        responses: a response table.
        prompts: the prompt table.
        label: prompt label of the responses to include; None for all.

    Raises:
        DataError: the prompt of a response is missing from the prompt table, or a duplicate in it.
    """
    texts = require_columns(prompts, ["prompt_id", "text", "label"], "prompts").set_index("prompt_id")
    unknown = sorted(set(responses["prompt_id"]) - set(texts.index))
    if unknown:
        raise DataError(f"responses to {len(unknown)} unknown prompt(s), for example {unknown[0]}")
    if not texts.index.is_unique:
        raise DataError(f"prompts: {texts.index[texts.index.duplicated()][0]} occurs more than once")
    found = texts.loc[responses["prompt_id"]]
    # tables of other tools lack this column
    unfinished = responses["unfinished_thinking"] if "unfinished_thinking" in responses else responses["sample"] < 0
    columns = (responses["prompt_id"], responses["sample"], found["text"], responses["response"], found["label"])
    return [
        Case(str(prompt_id), int(sample), str(prompt), _text(response), str(label_of), bool(cut))
        for prompt_id, sample, prompt, response, label_of, cut in zip(
            *(column.tolist() for column in (*columns, unfinished)), strict=True
        )
        if label in (None, str(label_of))
    ]


def _text(response: object) -> str:
    """A response as a string; a missing one (None or NaN) is empty."""
    return response if isinstance(response, str) else "" if response is None or response != response else str(response)


def verdict_table(cases: Sequence[Case], verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """Table of judgments: one row per case, with the columns of judgment files."""
    rows = [
        {"prompt_id": case.prompt_id, "sample": case.sample, **asdict(verdict)}
        for case, verdict in zip(cases, verdicts, strict=True)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({"sample": "int64", "score": "float64"})
