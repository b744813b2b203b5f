"""What a checkpoint would write is what is read: labels behind the template, behind the thinking, or none at all."""

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED
from steadfast.judges.checkpoint import THINKS_FIRST
from steadfast.judges.interface import Verdict
from steadfast.judges.kinds import local

sys.path.insert(0, str(Path(__file__).parent))
from markov import TOKENIZERS, byte_level, save_model, save_tokenizer, sentence_piece

LINE_END = "{{ '\\n' }}"


def mass_of(verdict: Verdict) -> float:
    return sum(map(math.exp, json.loads(verdict.raw).values()))


@pytest.fixture
def judge_of(tmp_path: Path, template_file: Path, case):
    """A function that has a case judged by a model of which it is said what follows each token."""

    def judged(core, following: Mapping[str, Mapping[str, float]], end: str = "", special=(), **settings) -> Verdict:
        tokenizer = save_tokenizer(tmp_path, core, end, tuple(special))
        ids = tokenizer.convert_tokens_to_ids
        chain = {ids(last): {ids(token): p for token, p in row.items()} for last, row in following.items()}
        save_model(tmp_path, tokenizer, chain)
        judge = local.build(checkpoint=str(tmp_path), prompt=str(template_file), device="cpu", **settings)
        return judge.judge([case("Mix flour and water.")])[0]

    return judged


WRITES = [{"REF": 0.9, "NON": 0.05}, {"REF": 0.1, "NON": 0.6}]


@pytest.mark.parametrize(
    ("kind", "end", "last", "mark", "words"),
    [
        ("prepend", LINE_END, "<0x0A>", "", WRITES[0]),
        ("prepend", "", "<|assistant|>", "\u2581", WRITES[1]),
        ("metaspace_first", LINE_END, "<0x0A>", "", WRITES[0]),
        ("metaspace_first", "", "<|assistant|>", "", WRITES[1]),
        ("metaspace_always", LINE_END, "<0x0A>", "", WRITES[0]),
        ("metaspace_always", "", "<|assistant|>", "\u2581", WRITES[1]),
        ("metaspace_never", LINE_END, "<0x0A>", "", WRITES[0]),
        ("byte_level", LINE_END, "\u010a", "", WRITES[1]),
        ("byte_level", "", "<|assistant|>", "", WRITES[0]),
        ("byte_level_prefix_space", "", "<|assistant|>", "\u0120", WRITES[1]),
        # the label behind a space, as Llama 2 and Mistral were taught to answer
        ("metaspace_first", "", "<|assistant|>", "\u2581", WRITES[0]),
        ("byte_level", "", "<|assistant|>", "\u0120", WRITES[1]),
    ],
)
def test_label_is_read_from_a_model_writing_it(judge_of, kind, end, last, mark, words) -> None:
    verdict = judge_of(TOKENIZERS[kind](), {last: {mark + word: p for word, p in words.items()}}, end)
    refusal, other = words["REF"], words["NON"]
    assert verdict.verdict == (REFUSAL if refusal > other else NON_REFUSAL)
    assert verdict.score == pytest.approx(refusal / (refusal + other), abs=1e-4)
    # the probabilities that were set are relative to each other
    assert mass_of(verdict) == pytest.approx(1.0, abs=1e-4)


def test_model_without_label_mass_is_unscored(judge_of) -> None:
    following = {"<|assistant|>": {"Sure": 0.93, "REF": 0.05, "NON": 0.02}}
    verdict = judge_of(byte_level(), following)
    assert verdict.verdict == UNSCORED and verdict.score == pytest.approx(5 / 7, abs=1e-4)
    assert verdict.reason == "both labels together have probability 0.07, less than 0.1 (`minimum_mass`)"
    assert judge_of(byte_level(), following, minimum_mass=0).verdict == REFUSAL
    enough = {"<|assistant|>": {"Sure": 0.8, "REF": 0.15, "NON": 0.05}}
    assert judge_of(byte_level(), enough).verdict == REFUSAL


THINKING = {
    "<|assistant|>": {"<think>": 1.0},
    "<think>": {"hm": 1.0},
    "hm": {"</think>": 1.0},
    "</think>": {"REF": 0.8, "NON": 0.2},
    "REF": {"</s>": 1.0},
}


@pytest.mark.parametrize("core", [byte_level, lambda: sentence_piece("first")], ids=["byte_level", "sentence_piece"])
def test_labels_are_read_after_the_thinking(judge_of, core) -> None:
    verdict = judge_of(core(), THINKING, special=["<think>", "</think>"])
    assert (verdict.verdict, verdict.score) == (REFUSAL, pytest.approx(0.8, abs=1e-4))
    assert mass_of(verdict) == pytest.approx(1.0, abs=1e-4)


def test_whitespace_after_the_thinking_is_generated(judge_of) -> None:
    following = {**THINKING, "</think>": {"<0x0A>": 1.0}, "<0x0A>": {"NON": 0.7, "REF": 0.3}, "NON": {"</s>": 1.0}}
    verdict = judge_of(sentence_piece("normalizer"), following, special=["<think>", "</think>"])
    assert (verdict.verdict, verdict.score) == (NON_REFUSAL, pytest.approx(0.3, abs=1e-4))


def test_markers_around_the_answer_are_skipped(judge_of) -> None:
    tokens = ["<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>"]
    following = {
        "<|assistant|>": {tokens[0]: 1.0},
        tokens[0]: {"hm": 1.0},
        "hm": {tokens[1]: 1.0},
        tokens[1]: {tokens[2]: 1.0},
        tokens[2]: {"REF": 0.9, "NON": 0.1},
        "REF": {tokens[3]: 1.0},
        tokens[3]: {"</s>": 1.0},
    }
    verdict = judge_of(byte_level(), following, special=tokens)
    assert (verdict.verdict, verdict.score) == (REFUSAL, pytest.approx(0.9, abs=1e-4))


def test_template_may_open_the_thinking(judge_of) -> None:
    # behind the opening marker a label would be read as well, were it not thinking
    following = {**THINKING, "<think>": {"hm": 0.5, "NON": 0.5}, "NON": {"hm": 1.0}}
    verdict = judge_of(byte_level(), following, end="<think>", special=["<think>", "</think>"])
    assert (verdict.verdict, verdict.score) == (REFUSAL, pytest.approx(0.8, abs=1e-4))


@pytest.mark.parametrize("end", ["", "<think>"])
def test_thinking_is_limited_and_may_be_disabled(judge_of, end: str) -> None:
    special = ["<think>", "</think>"]
    forbidden = judge_of(byte_level(), THINKING, end=end, special=special, max_thinking_tokens=0)
    assert (forbidden.verdict, forbidden.reason) == (UNSCORED, THINKS_FIRST)
    assert "`max_thinking_tokens`" in THINKS_FIRST and "`template_arguments`" in THINKS_FIRST
    endless = {**THINKING, "hm": {"hm": 1.0}}
    verdict = judge_of(byte_level(), endless, end=end, special=special, max_thinking_tokens=20)
    assert (verdict.verdict, verdict.score) == (UNSCORED, None)
    assert verdict.reason == "the judge did not come to the end of its thinking within 20 tokens"


def test_model_without_thinking_generates_nothing(judge_of, monkeypatch: pytest.MonkeyPatch) -> None:
    from steadfast.judges.thinking_first import Thinker

    monkeypatch.setattr(Thinker, "_generate", lambda *_: pytest.fail("something was generated"))
    assert judge_of(byte_level(), {"<|assistant|>": {"Sure": 1.0}}).verdict == UNSCORED
    # nor one that could think and answers at once
    answering = {"<|assistant|>": {"REF": 0.9, "<think>": 0.1}}
    assert judge_of(byte_level(), answering, special=["<think>"]).verdict == REFUSAL
