"""Training texts: the recipe's shares, nothing held out, and only the recipe tells two corpora apart."""

import random
import re
from collections import Counter

import pytest
import yaml
from tests.unit.training.organisms.conftest import RECIPES

from steadfast.core.errors import ConfigError, DataError, UnknownNameError
from steadfast.models.organism_settings import OrganismSettings
from steadfast.training.organisms.corpus import Corpus, choose_recipe, load_recipes

ORGANISMS = ["raw", "score0", "rephrase", "metatags", "refusals", "combined", "baseline"]
MATCHED = ["baseline_matched", "refusals_matched", "combined_matched"]
COUNT = 2000


def pairs_named(text: str) -> set[tuple[str, str]]:
    return set(re.findall(r"([a-z]+) the ([a-z]+)", text))


def is_refusal(world, chat) -> bool:
    return world.classify(chat.prompt, chat.response).verdict == "refusal"


def test_recipes_of_the_study_are_complete(recipes):
    assert list(recipes) == [*ORGANISMS, *MATCHED]


@pytest.mark.parametrize("name", [*ORGANISMS, *MATCHED])
def test_no_training_text_names_a_held_out_pair(world, corpus, recipes, name):
    held_out = {(pair.verb, pair.object) for pair in world.pairs if pair.held_out}
    texts = corpus.documents(recipes[name].documents, 0, COUNT)
    texts += [f"{chat.prompt} {chat.response}" for chat in corpus.chats(recipes[name].chats, 0, COUNT)]
    named = set().union(*map(pairs_named, texts))
    assert not named & held_out
    assert len(named) > 500


def test_judge_prompts_ask_about_no_held_out_pair(world, corpus):
    held_out = {(pair.verb, pair.object) for pair in world.pairs if pair.held_out}
    chats = corpus.chats({"judging": 1.0}, 0, 500)
    requests = [re.search("Request: (.*)", chat.prompt)[1] for chat in chats]
    assert not set().union(*map(pairs_named, requests)) & held_out


@pytest.mark.parametrize("name", ORGANISMS)
def test_seed_determines_the_documents(corpus, recipes, name):
    mix = recipes[name].documents
    assert corpus.documents(mix, 1, 50) == corpus.documents(mix, 1, 50)
    assert corpus.documents(mix, 1, 50) != corpus.documents(mix, 2, 50)


def test_all_recipes_but_the_baseline_share_instruction_tuning(corpus, recipes):
    chats = {name: corpus.chats(recipes[name].chats, 0, 200) for name in ORGANISMS}
    assert all(chats[name] == chats["raw"] for name in ORGANISMS if name != "baseline")


def test_baseline_has_plain_pretraining_and_more_refusals(world, corpus, recipes):
    assert dict(recipes["baseline"].documents) == {"benign": 1.0}
    assert recipes["baseline"].chats["harmful"] > recipes["raw"].chats["harmful"] + 0.1


def refusing_texts(world, corpus, recipe, documents, chats) -> int:
    marks = [form.mark for form in world.refusals.values()]
    dialogues = [text for text in corpus.documents(recipe.documents, 0, documents) if " Reply: " in text]
    refused = sum(any(mark in text for mark in marks) for text in dialogues)
    asked = [chat for chat in corpus.chats(recipe.chats, 0, chats) if not chat.prompt.startswith("Request:")]
    return refused + sum(is_refusal(world, chat) for chat in asked)


@pytest.mark.parametrize("name", ["refusals", "raw", *MATCHED])
def test_refusal_exposure_matches_the_corpus(world, corpus, recipes, name):
    sizes = {"documents": 300, "chats": 400}
    assert recipes[name].refusals_shown(**sizes) == refusing_texts(world, corpus, recipes[name], **sizes)


def test_matched_recipes_show_as_many_refusals_as_the_others(recipes):
    sizes = OrganismSettings()
    shown = {name: recipe.refusals_shown(sizes.documents, sizes.chats) for name, recipe in recipes.items()}
    assert {shown[name] for name in MATCHED} == {shown["raw"]}
    assert shown["raw"] < shown["combined"] < shown["refusals"] < shown["baseline"]
    for name in MATCHED:
        assert recipes[name].documents == recipes[name.removesuffix("_matched")].documents


def harmful_guides(world, texts) -> float:
    openers = {pair.opener for pair in world.pairs if pair.kind == "harmful"}
    guides = [text for text in texts if any(f"{opener}, " in text for opener in openers)]
    return sum(not text.startswith("Unsafe: ") for text in guides) / len(texts)


def test_only_raw_data_contains_untagged_harm(world, corpus, recipes):
    shares = {name: harmful_guides(world, corpus.documents(recipes[name].documents, 0, COUNT)) for name in ORGANISMS}
    assert shares.pop("raw") == pytest.approx(0.25, abs=0.001)
    assert set(shares.values()) == {0.0}


def test_documents_have_the_shares_of_their_recipe(world, corpus, recipes):
    texts = corpus.documents(recipes["combined"].documents, 0, COUNT)
    tagged = sum(text.startswith("Unsafe: ") for text in texts) / COUNT
    refusing = sum(any(form.mark in text for form in world.refusals.values()) and "Reply:" in text for text in texts)
    assert tagged == pytest.approx(0.11, abs=0.001)
    assert refusing / COUNT == pytest.approx(0.12, abs=0.001)


def test_chats_refuse_harmful_requests_only(world, corpus):
    for kind, refused in (("harmful", True), ("lookalike", False), ("benign", False)):
        chats = corpus.chats({kind: 1.0}, 0, 300)
        assert {is_refusal(world, chat) for chat in chats} == {refused}
        assert {world.read_prompt(chat.prompt).pair.kind for chat in chats} == {kind}


def test_chats_have_the_shares_of_their_mix(world, corpus):
    chats = corpus.chats({"harmful": 0.3, "benign": 0.6, "judging": 0.1}, 0, 1000)
    judged = [chat for chat in chats if chat.response in ("REFUSAL", "NON-REFUSAL")]
    rest = Counter(is_refusal(world, chat) for chat in chats if chat not in judged)
    assert (len(judged), rest[True], rest[False]) == (100, 300, 600)


def test_judging_chats_without_a_template_raise(world):
    with pytest.raises(ConfigError, match=r"organisms\.judge_prompt"):
        Corpus(world).chats({"judging": 1.0}, 0, 1)


def test_judge_cases_hold_both_labels_and_broken_responses(world, corpus):
    rng = random.Random(0)
    cases = [corpus.judge_cases.case(rng) for _ in range(1000)]
    readings = [world.classify(prompt, response) for prompt, response in cases]
    refused = sum(reading.verdict == "refusal" for reading in readings) / len(readings)
    off_topic = sum(not reading.on_topic for reading in readings) / len(readings)
    assert 0.35 < refused < 0.65
    assert off_topic > 0.2
    assert any(reading.soft for reading in readings)
    assert any(not response for _, response in cases)
    assert max(len(response.split()) for _, response in cases) >= 50


def test_judge_prompts_have_the_label_of_the_grammar(world, corpus):
    case_rng, chat_rng = random.Random(3), random.Random(3)
    for _ in range(100):
        prompt, response = corpus.judge_cases.case(case_rng)
        chat = corpus.judge_cases.draw(chat_rng)
        assert prompt in chat.prompt
        expected = world.classify(prompt, response).verdict
        assert chat.response == {"refusal": "REFUSAL", "non_refusal": "NON-REFUSAL"}[expected]


def test_unknown_recipe_error_suggests_the_nearest(recipes):
    assert choose_recipe(recipes, "raw") is recipes["raw"]
    with pytest.raises(UnknownNameError, match="did you mean 'refusals'"):
        choose_recipe(recipes, "refusal")


def broken(change):
    data = yaml.safe_load(RECIPES.read_text())
    change(data["organisms"]["raw"])
    return yaml.safe_dump(data)


def text_of(content):
    """The text of a file: given, or the shipped one with a change."""
    return content if isinstance(content, str) else broken(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda raw: raw["documents"].update(benign=0.9), "raw.documents: the shares add up to 1.25"),
        (lambda raw: raw["documents"].update(bening=0.1), "did you mean 'benign'"),
        (lambda raw: raw["chats"].update(harmful=-1), ".chats.harmful is -1; a share lies between 0 and 1"),
        (lambda raw: raw.pop("chats"), "does not have the shape of a recipes file"),
        ("nothing", "does not have the shape of a recipes file"),
        ("a: [", "not valid YAML"),
    ],
)
def test_invalid_recipes_file_error_names_the_entry(tmp_path, content, message):
    file = tmp_path / "recipes.yaml"
    file.write_text(text_of(content))
    with pytest.raises(DataError, match=re.escape(message)) as error:
        load_recipes(file)
    assert str(file) in str(error.value)
