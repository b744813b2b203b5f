"""Files of training data: what is drawn from them, and which mistakes in them are named."""

import random
from collections import Counter

import pytest
from tests.unit.training.safety_tuning.conftest import DATA, write_data

from steadfast.core.errors import DataError, UnknownNameError
from steadfast.training.safety_tuning.composed_responses import load_wordings, write_document
from steadfast.training.safety_tuning.data import HARMFUL, OVER_REFUSAL, load_training_data
from steadfast.training.safety_tuning.examples import Conversation, encode, harmful_side
from steadfast.training.safety_tuning.recipes import load_recipes
from steadfast.training.safety_tuning.requests import TopicRequest, load_framings, load_harmful, load_harmless
from steadfast.training.safety_tuning.sampling import (
    TrainingPrompt,
    drop_near_duplicates,
    drop_paraphrases,
    sample_prompts,
)


def test_prompts_are_spread_over_categories_cores_and_framings(data_folder):
    requests = load_harmful(data_folder / "harmful.yaml")[0]
    prompts = sample_prompts(requests, load_framings(data_folder / "framings.yaml"), 8, random.Random(0))
    assert len({prompt.text for prompt in prompts}) == 8
    assert max(Counter(prompt.request.core for prompt in prompts).values()) <= 3
    assert all(prompt.text[0].isupper() for prompt in prompts)


def test_sampling_more_prompts_than_exist_terminates(data_folder):
    requests = load_harmless(data_folder / "plain.yaml")
    prompts = sample_prompts(requests, load_framings(data_folder / "framings.yaml"), 1000, random.Random(0))
    assert 5 <= len(prompts) <= 9


def test_near_duplicates_of_other_prompts_are_dropped():
    request = TopicRequest("boil an egg", "do", "cooking")
    prompts = [TrainingPrompt("How do I boil an egg?", request), TrainingPrompt("Eggs, please.", request)]
    assert drop_near_duplicates(prompts, ["how do I boil an EGG"], 0.6) == prompts[1:]


def test_paraphrased_requests_are_dropped():
    requests = [TopicRequest(core, "do", "theft") for core in ("steal a car", "steal a boat", "rent a car")]
    others = ["Explain how stealing a modern car without its key works."]
    assert [one.core for one in drop_paraphrases(requests, others, 0.6)] == ["steal a boat", "rent a car"]


def test_training_data_excludes_evaluation_prompts(data_folder):
    whole = load_training_data(data_folder, [])
    data = load_training_data(data_folder, ["How could I hurt some stranger today?"])
    assert {one.core for one in whole.requests[HARMFUL]} - {one.core for one in data.requests[HARMFUL]} == {
        "hurt a stranger"
    }


def test_harmful_side_has_the_shares_of_the_recipe(data_folder):
    data = load_training_data(data_folder, [])
    shares = data.recipes.harmful_side("metatags")
    prompts = [TrainingPrompt(f"Prompt {index}", data.requests[HARMFUL][0]) for index in range(10)]
    chats, documents = harmful_side(shares, prompts, data.requests[OVER_REFUSAL], data.wordings, "<tag>")
    tagged = [text for text in documents if text.startswith("<tag> ") and text.count("<tag>") == 2]
    untagged = [text for text in documents if "<tag>" not in text]
    assert (len(chats), len(tagged), len(untagged)) == (5, 3, 2)
    assert all("stranger" in text for text in tagged)
    assert all("ball" in text or "gym" in text or "fight scene" in text for text in untagged)


def test_document_without_a_tag_has_no_gap():
    request = TopicRequest("hurt a stranger", "do", "violence")
    assert write_document(request, "{tag} I {core}. {tag} Yes.", "") == "I hurt a stranger. Yes."


def test_truncated_answer_is_trained_without_end_token(tokenizer):
    chats = [Conversation("a", "bcd"), Conversation("a", "bcd", at_most=2), Conversation("a", "bcd", ended=False)]
    whole, cut, open_end = encode(tokenizer, chats, ["<tag> x"], "<|endoftext|>", "<tag>")[:3]
    answer = [tokenizer.decode(one.tokens[one.start :]) for one in (whole, cut, open_end)]
    assert answer == ["bcd<|im_end|>", "bc", "bcd"]


def test_loss_covers_the_whole_document(tokenizer):
    (document,) = encode(tokenizer, [], ["<tag> x"], "<|endoftext|>", "<tag>")
    assert tokenizer.decode(document.tokens) == "<|endoftext|><tag> x<|endoftext|>"
    assert document.start == 1


def test_tag_must_be_one_token(tokenizer):
    with pytest.raises(DataError, match="tag '<none>' is not a single token"):
        encode(tokenizer, [], [], "<|endoftext|>", "<none>")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("recipes", "batch: 2", "batch: 0", "training.batch: 0 is too small"),
        ("recipes", "batch: 2", "batch: two", "training.batch: 'two' is not a whole number"),
        ("recipes", "batch: 2", "bach: 2", "training: unknown key 'bach'; did you mean 'batch'"),
        ("recipes", "q_proj", "q_prj", "unknown module 'q_prj'; did you mean 'q_proj'"),
        ("recipes", "{refusal: 1.0}", "{refusl: 1.0}", "unknown kind 'refusl'; did you mean 'refusal'"),
        ("recipes", "{refusal: 1.0}", "{refusal: 0.9}", "add up to 0.9, not to 1"),
        ("recipes", "paraphrases: 0.6", "paraphrases: 6", "must not be above 1"),
        ("recipes", "tag: <tag>", "tag: 3", "tag: 3 is not a string"),
        ("recipes", "passes: {}", "passes: {refusls: 2}", "passes: unknown recipe 'refusls'; did you mean 'refusals'"),
        (
            "recipes",
            "passes: {}",
            "passes: {refusals: 0}",
            "passes.refusals is 0; allowed: a whole number of 1 or more",
        ),
        ("recipes", "passes: {}", "passes: 2", "passes must be a mapping"),
    ],
)
def test_invalid_recipes_are_rejected(tmp_path, file, old, new, message):
    text = DATA[f"{file}.yaml"]
    assert old in text
    folder = write_data(tmp_path, **{file: text.replace(old, new)})
    with pytest.raises(DataError, match=message):
        load_recipes(folder / "recipes.yaml")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("harmful", "    reason: Somebody could get hurt.\n", "", "violence.fights.reason must be a text"),
        ("harmful", "    ask: |", "    asks: |", "unknown key 'asks'; did you mean 'ask'"),
        ("framings", "Write {core}.", "Write.", "must hold {core} once"),
        ("answers", "{tag} Here", "Here", "begin with {tag}"),
        ("answers", "unwanted: [as a chatbot]", "unwanted: []", "unwanted must be a list of texts"),
    ],
)
def test_invalid_texts_are_rejected(tmp_path, file, old, new, message):
    text = DATA[f"{file}.yaml"]
    assert old in text
    with pytest.raises(DataError, match=message):
        load_training_data(write_data(tmp_path, **{file: text.replace(old, new)}), [])


def test_unknown_recipe_is_rejected(data_folder):
    with pytest.raises(UnknownNameError, match="unknown recipe 'refusal'; did you mean 'refusals'"):
        load_recipes(data_folder / "recipes.yaml").harmful_side("refusal")


def test_wordings_are_read_with_their_topics(data_folder):
    requests, topics = load_harmful(data_folder / "harmful.yaml")
    wordings = load_wordings(data_folder / "answers.yaml", topics)
    assert wordings.topics[requests[0].category, requests[0].topic].name == "fights"
