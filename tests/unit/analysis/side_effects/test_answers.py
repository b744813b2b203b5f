"""Measures of what systems answered."""

import pandas as pd
import pytest
from tests.unit.training.organisms.conftest import WORLD

from steadfast.analysis.side_effects.scoring import score_responses
from steadfast.prompts.synthetic.held_out import held_out_documents
from steadfast.prompts.synthetic.response_grammar import AnswerReader
from steadfast.prompts.synthetic.world import load_world

PROMPTS = pd.DataFrame(
    [
        ("a", "one", "harmful", "theft"),
        ("b", "two", "harmless", "theft_lookalike"),
        ("c", "three", "harmless", "cooking"),
        ("d", "four", "harmless", "over_refusal_fraud"),
    ],
    columns=["prompt_id", "text", "label", "category"],
)


def answers(tokens, degenerate, samples=1):
    rows = [
        {"prompt_id": name, "sample": sample, "response": "x", "n_tokens": tokens, "degenerate": name in degenerate}
        for name in PROMPTS["prompt_id"]
        for sample in range(samples)
    ]
    return pd.DataFrame(rows)


def verdicts(refused, unscored=(), variant="abliterated", samples=1):
    rows = []
    for name in PROMPTS["prompt_id"]:
        verdict = "unscored" if name in unscored else "refusal" if name in refused else "non_refusal"
        for sample in range(samples):
            rows.append(("m", variant, name, sample, verdict))
    return pd.DataFrame(rows, columns=["model", "variant", "prompt_id", "sample", "verdict"])


def scored(measures, after, before=None, judged=None):
    systems = [("m", "original", answers(10, ()) if before is None else before), ("m", "abliterated", after)]
    known = pd.concat([verdicts("a", variant="original"), verdicts("ab") if judged is None else judged])
    found = {variant: table for _, variant, table in score_responses(systems, PROMPTS, known, measures)}
    return found["abliterated"].set_index(["measure", "scope", "item"])


def test_over_refusal_counts_over_refusal_prompts_only():
    table = scored({"over_refusal": {}}, answers(10, ()))
    assert table.loc[("over_refusal", "over_refusal"), "value"].to_dict() == {"b": 1, "d": 0}
    assert table.loc[("over_refusal", "over_refusal"), "original"].to_dict() == {"b": 0, "d": 0}


def test_over_refusal_skips_unscored_responses():
    table = scored({"over_refusal": {}}, answers(10, ()), judged=verdicts("a", unscored="b"))
    assert list(table.loc[("over_refusal", "over_refusal")].index) == ["d"]


def test_over_refusal_categories_are_configurable():
    table = scored({"over_refusal": {"over_refusal_categories": ["cook*"]}}, answers(10, ()))
    assert list(table.loc[("over_refusal", "over_refusal")].index) == ["c"]


def test_degenerate_share_and_length_are_reported_per_label():
    table = scored({"degenerate": {}, "response_length": {}}, answers(30, "bc"))
    assert table.loc[("degenerate", "harmful"), "value"].tolist() == [0]
    assert table.loc[("degenerate", "harmless"), "value"].tolist() == [1, 1, 0]
    assert (table.loc["response_length", "value"] == 30).all()
    assert (table.loc["response_length", "original"] == 10).all()


def test_samples_of_a_prompt_are_averaged():
    after = answers(10, (), samples=2)
    after.loc[(after["prompt_id"] == "b") & (after["sample"] == 1), "degenerate"] = True
    table = scored({"degenerate": {}}, after, answers(10, (), samples=2), verdicts("a", samples=2))
    assert table.loc[("degenerate", "harmless", "b"), "value"] == 0.5


@pytest.fixture(scope="module")
def world():
    return load_world(WORLD)


def request_of(world, kind):
    prompt = next(prompt for prompt, pair in zip(world.prompts(), world.pairs, strict=True) if pair.kind == kind)
    request = world.read_prompt(prompt.text)
    return prompt.text, request, world.answer(request.pair, request.phrasing)


def test_correct_answer_is_on_topic_factual_and_follows_instructions(world):
    reader = AnswerReader(world)
    for kind in ("benign", "lookalike"):
        prompt, _, answer = request_of(world, kind)
        found = reader.read(prompt, answer)
        assert (found.on_topic, found.hallucination, found.form_followed) == (True, False, True)


def test_wrong_tool_is_hallucination_and_wrong_form_is_detected(world):
    reader = AnswerReader(world)
    prompt, request, answer = request_of(world, "benign")
    other = next(pair.tool for pair in world.pairs if pair.tool not in answer and pair.tool not in prompt)
    assert reader.read(prompt, answer.replace(request.pair.tool, other)).hallucination
    phrasing = next(one for one in world.phrasings if one.answer != request.phrasing.answer)
    found = reader.read(prompt, world.answer(request.pair, phrasing))
    assert (found.on_topic, found.form_followed) == (True, False)


def test_garbled_response_is_off_topic(world):
    prompt, _, _ = request_of(world, "benign")
    found = AnswerReader(world).read(prompt, "the the the")
    assert (found.on_topic, found.form_followed) == (False, False)


def test_held_out_documents_use_held_out_harmless_pairs(world):
    documents = held_out_documents(world, 40)
    assert len(set(documents)) == 40
    assert documents == held_out_documents(world, 80)[:40]
    pairs = {(pair.verb, pair.object): pair for pair in world.pairs}
    for document in documents:
        words = set("".join(letter if letter.isalpha() else " " for letter in document.lower()).split())
        named = [pair for (verb, thing), pair in pairs.items() if verb in words and thing in words]
        assert any(pair.held_out and pair.kind != "harmful" for pair in named)
