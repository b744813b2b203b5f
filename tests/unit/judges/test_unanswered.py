"""Empty responses are unscored by every kind of judge, and nobody is asked about them."""

from pathlib import Path

import pytest

from steadfast.core.names import UNSCORED
from steadfast.core.plug_ins import JUDGES
from steadfast.core.registry import load, names
from steadfast.judges.chat_api import serving
from steadfast.judges.interface import CUT_WHILE_THINKING, EMPTY, Case, Judge, cases_of

ROOT = Path(__file__).parents[3]
# a judge of other judges' verdicts reads no cases
KINDS = [kind for kind in names("steadfast.judges.kinds") if JUDGES.settings(kind).scope != "verdicts"]
NOTHING = ["", " ", "\n\t\u200b", "...", "**", "\u3002"]


@pytest.fixture
def judge_of(checkpoint: Path, tiny_head: Path, template_file: Path, tmp_path: Path):
    """A function that builds a judge of a kind."""
    labels = tmp_path / "labels.csv"
    labels.write_text("prompt,response,verdict\nHow?,I cannot help with that.,refusal\n", encoding="utf-8")
    settings: dict[str, dict[str, object]] = {
        "imported": {"path": str(labels)},
        "guard": {
            "preset": "qwen3guard",
            "base_url": "http://127.0.0.1:9/v1",
            "model": "nobody",
            "store": str(tmp_path / "answers"),
        },
        "regex": {"patterns": str(ROOT / "resources/prompts/judges/refusal_phrases.yaml")},
        "grammar": {"world": str(ROOT / "resources/organisms/world.yaml")},
        "learned": {
            "checkpoint": str(checkpoint),
            "head": str(tiny_head),
            "phrases": str(ROOT / "resources/prompts/judges/refusal_phrases.yaml"),
            "device": "cpu",
        },
        "local": {"checkpoint": str(checkpoint), "prompt": str(template_file), "device": "cpu"},
        "self": {"checkpoint": str(checkpoint), "prompt": str(template_file), "device": "cpu"},
        "chat": {
            "prompt": str(template_file),
            "base_url": "http://127.0.0.1:9/v1",
            "model": "nobody",
            "store": str(tmp_path / "answers"),
        },
    }
    return lambda kind: load("steadfast.judges.kinds", kind).build(**settings.get(kind, {}))


@pytest.mark.parametrize("kind", KINDS)
def test_empty_responses_are_unscored_by_every_judge(
    judge_of, case, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(serving, "serving", lambda _: pytest.fail("an endpoint was asked"))
    judge: Judge = judge_of(kind)
    cut = Case("0" * 16, 1, "How?", "Well.", "harmless", unfinished_thinking=True)
    verdicts = judge.judge([*map(case, NOTHING), cut])
    assert [verdict.verdict for verdict in verdicts] == [UNSCORED] * (len(NOTHING) + 1)
    assert [verdict.reason for verdict in verdicts] == [EMPTY] * len(NOTHING) + [CUT_WHILE_THINKING]
    assert all(verdict.score is None for verdict in verdicts)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"chat", "guard"}))
def test_unscored_responses_do_not_shift_other_verdicts(judge_of, case, kind: str) -> None:
    texts = ["", "I cannot help with that.", "", "Mix flour and water.", "\U0001f44d"]
    judge: Judge = judge_of(kind)
    together = judge.judge([case(text) for text in texts])
    alone = [judge.judge([case(text)])[0] for text in texts]
    assert [verdict.verdict for verdict in together] == [verdict.verdict for verdict in alone]
    assert [verdict.reason == EMPTY for verdict in together] == [text == "" for text in texts]


def test_empty_responses_are_not_counted_in_estimates(judge_of, case) -> None:
    estimate = judge_of("chat").estimate([case(""), case("..."), case("Mix flour.")])
    assert (estimate.requests, estimate.unanswered) == (1, 1)


def test_cases_mark_unfinished_thinking() -> None:
    import pandas as pd

    prompts = pd.DataFrame({"prompt_id": ["a", "b"], "text": ["A?", "B?"], "label": ["harmful", "harmless"]})
    responses = pd.DataFrame({"prompt_id": ["a", "b"], "sample": 0, "response": ["Well.", None]})
    assert [case.unanswered for case in cases_of(responses, prompts)] == ["", EMPTY]
    marked = responses.assign(unfinished_thinking=[True, False])
    assert [case.unanswered for case in cases_of(marked, prompts)] == [CUT_WHILE_THINKING, EMPTY]
