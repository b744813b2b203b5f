"""The training data that we ship: disjoint from the prompts of a run, broad, and of one form whatever the class."""

import csv
from collections import Counter
from itertools import chain

import pytest
from tests.unit.training.safety_tuning.conftest import PHRASES, PROMPT_FILES, SHIPPED_DATA, prompt_texts

from steadfast.core.names import REFUSAL
from steadfast.judges.interface import Case
from steadfast.judges.kinds.regex import build
from steadfast.prompts.similarity import jaccard
from steadfast.training.safety_tuning.composed_responses import ANSWERS, answer_harmful
from steadfast.training.safety_tuning.data import HARMFUL, OVER_REFUSAL, PLAIN, PROMPT_SETS, load_training_data
from steadfast.training.safety_tuning.requests import CORE, load_framings, load_harmful, load_harmless
from steadfast.training.safety_tuning.sampling import bag_of_words, content_stems, share_by_kind


@pytest.fixture(scope="module")
def data():
    return load_training_data(SHIPPED_DATA, prompt_texts())


def harm_categories():
    with PROMPT_FILES[0].open(encoding="utf-8", newline="") as rows:
        return {row["category"] for row in csv.DictReader(rows)}


def test_no_training_prompt_duplicates_an_evaluation_prompt(data):
    others = [bag_of_words(text) for text in prompt_texts()]
    for prompt in chain.from_iterable(data.prompts.values()):
        bag = bag_of_words(prompt.text)
        assert max(jaccard(bag, other) for other in others) < 0.6, prompt.text


def test_no_training_prompt_resembles_an_evaluation_prompt(data):
    others = [content_stems(text) for text in prompt_texts()]
    for prompt in chain.from_iterable(data.prompts.values()):
        core = content_stems(prompt.request.core)
        shared = max(len(core & other) for other in others)
        assert shared < 2 or shared < 0.6 * len(core), prompt.request.core


def test_overlap_rules_drop_some_training_prompts():
    """Without the prompts of a run more is kept, so the two tests above could fail."""
    kept = load_training_data(SHIPPED_DATA, prompt_texts())
    everything = load_training_data(SHIPPED_DATA, [])
    assert sum(map(len, everything.requests.values())) > sum(map(len, kept.requests.values()))


def test_no_prompt_has_two_labels(data):
    counts = Counter(prompt.text for prompt in chain.from_iterable(data.prompts.values()))
    assert max(counts.values()) == 1


def test_every_label_has_nearly_the_requested_prompts(data):
    for name in PROMPT_SETS:
        assert 0.95 * getattr(data.recipes.data, name) <= len(data.prompts[name])


def test_harm_categories_match_those_of_the_evaluation_prompts(data):
    assert {request.category for request in data.requests[HARMFUL]} == harm_categories()
    assert {request.category for request in data.requests[OVER_REFUSAL]} == harm_categories()
    framings = load_framings(SHIPPED_DATA / "framings.yaml")
    contexts = 1 + len(framings.before) + len(framings.after)
    for category in harm_categories():
        for name in (HARMFUL, OVER_REFUSAL):
            kinds = [request.kind for request in data.requests[name] if request.category == category]
            assert len(kinds) >= 25
            assert sum(len(framings.by_kind[kind]) for kind in kinds) * contexts >= 300


def test_plain_requests_cover_many_categories(data):
    assert len({request.category for request in data.requests[PLAIN]}) >= 20
    assert len(data.requests[PLAIN]) >= 400


def test_requests_are_unique():
    harmful = load_harmful(SHIPPED_DATA / "harmful.yaml")[0]
    harmless = [load_harmless(SHIPPED_DATA / f"{name}.yaml") for name in ("over_refusal", "plain")]
    cores = [request.core for request in chain(harmful, *harmless)]
    assert [core for core, count in Counter(cores).items() if count > 1] == []


def test_phrasing_does_not_reveal_the_label(data):
    framings = load_framings(SHIPPED_DATA / "framings.yaml")
    shares = {name: share_by_kind(data.prompts[name]) for name in PROMPT_SETS}
    for kind in ("do", "make", "ask"):
        values = [shares[name][kind] for name in PROMPT_SETS]
        assert max(values) - min(values) < 0.1
    for name in PROMPT_SETS:
        used = Counter()
        for prompt in data.prompts[name]:
            for framing in framings.by_kind["do"]:
                before, after = framing.split(CORE)
                if (
                    prompt.request.kind == "do"
                    and prompt.request.core + after in prompt.text
                    and before.lower() in prompt.text.lower()
                ):
                    used[framing] += 1
        # dealt from a deck: every framing as often as any other
        assert set(used) == set(framings.by_kind["do"])


def test_harmful_and_over_refusal_prompts_share_words(data):
    words = {
        name: set(chain.from_iterable(content_stems(one.core) for one in data.requests[name])) for name in PROMPT_SETS
    }
    assert len(words[HARMFUL] & words[OVER_REFUSAL]) > 250


@pytest.mark.parametrize("kind", ANSWERS)
def test_phrase_list_detects_refusals_but_not_redirections(data, kind):
    judge = build(patterns=str(PHRASES))
    answers = [answer_harmful(kind, one.text, one.request, data.wordings) for one in data.prompts[HARMFUL]]
    cases = [Case(prompt_id="", sample=0, prompt="", response=answer, label="harmful") for answer in answers]
    refused = sum(verdict.verdict == REFUSAL for verdict in judge.judge(cases))
    assert refused == (0 if kind == "redirect" else len(cases))


def test_extended_refusals_vary_with_the_topic(data):
    answers = {
        answer_harmful("extended_refusal", one.text, one.request, data.wordings) for one in data.prompts[HARMFUL]
    }
    assert len(answers) > 200
