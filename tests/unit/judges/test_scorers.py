"""Scorers: judges of refusals and rubrics differ in the verdicts that their labels represent."""

import pytest

from steadfast.judges.interface import SCALES, Case, Scorer, Verdict


class Fixed:
    """Gives the verdicts that it was made with, and counts its calls."""

    def __init__(self, *verdicts):
        self.verdicts, self.calls = verdicts, 0

    def judge(self, cases):
        self.calls += 1
        return [Verdict(verdict, 0.5, raw="said") for verdict, _ in zip(self.verdicts, cases, strict=True)]


CASES = [Case(f"p{number}", 0, "prompt", "response", "harmless") for number in range(3)]


@pytest.mark.parametrize(
    ("scale", "expected"),
    [("refusal", ["refusal", "non_refusal", "unscored"]), ("quality", ["bad", "good", "unscored"])],
)
def test_scorer_translates_verdicts_to_its_scale(scale, expected):
    judge = Fixed("refusal", "non_refusal", "unscored")
    first, second = Scorer(judge, SCALES[scale]).score([CASES[:1], CASES[1:]])
    assert [verdict.verdict for verdict in (*first, *second)] == expected
    assert judge.calls == 1, "all sets at once"
    assert first[0].score == 0.5 and first[0].raw == "said"
