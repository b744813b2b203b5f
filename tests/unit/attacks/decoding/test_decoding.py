"""Steering what is written, on a tiny model with the tag of its pretraining."""

from pathlib import Path

import pandas as pd
import pytest

from steadfast.attacks.decoding import Steering, build_decoding, steering
from steadfast.core.errors import ConfigError
from steadfast.generation.engines import transformers
from steadfast.generation.engines.vllm import LOWEST_BIAS, _sampling_arguments
from steadfast.generation.interface import GenerationRequest, Runtime, Sampling
from steadfast.generation.responses import generate_responses, stop_token_ids
from steadfast.models.chat import encode_chat, user_message
from steadfast.models.loading import load_tokenizer
from steadfast.prompts.synthetic.world import load_world
from steadfast.training.organisms.training import train_organism

RESOURCES = Path(__file__).parents[4] / "resources"
WORLD = RESOURCES / "organisms/world.yaml"
SETTINGS = {"max_new_tokens": 12}
TAG = "Unsafe:"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A model that has seen tagged documents and next to no chats, so that the tag still means something."""
    folder = tmp_path_factory.mktemp("decoding") / "model"
    train_organism(
        "metatags",
        folder,
        seed=0,
        world_path=WORLD,
        recipes_path=RESOURCES / "organisms/recipes.yaml",
        judge_prompt_path=RESOURCES / "prompts/judges/organism_labels.md",
        settings={"documents": 600, "chats": 40, "hidden": 32, "layers": 2, "intermediate": 64},
    )
    return folder


@pytest.fixture(scope="module")
def tokenizer(model):
    return load_tokenizer(model)


@pytest.fixture(scope="module")
def prompts() -> pd.DataFrame:
    texts = [prompt.text for prompt in load_world(WORLD).prompts()[:12]]
    return pd.DataFrame({"prompt_id": [f"p{i}" for i in range(len(texts))], "text": texts})


def answers(model, prompts, decoding=None, **settings):
    table = generate_responses(model, prompts, settings={**SETTINGS, **settings}, decoding=decoding, device="cpu")
    return table["response"].tolist()


def test_suppressed_tokens_are_never_generated(model, tokenizer, prompts):
    plain = answers(model, prompts)
    written = [token for text in plain for token in tokenizer(text, add_special_tokens=False)["input_ids"]]
    common = pd.Series(written).value_counts().index[:3].tolist()
    rule = {"method": "suppress_tokens", "tokens": [tokenizer.decode([token]) for token in common]}
    for settings in ({}, {"temperature": 1.0}):
        steered = answers(model, prompts, rule, **settings)
        assert not set(common) & {token for text in steered for token in tokenizer(text)["input_ids"]}
    assert answers(model, prompts, rule) != plain
    assert answers(model, prompts, {"method": "suppress_tokens", "tokens": [" metronome"]}) == plain


def test_responses_are_conditioned_on_the_tag_without_containing_it(model, tokenizer, prompts):
    steered = answers(model, prompts, {"method": "tag_conditioned", "tag": TAG})
    tag = tokenizer(TAG, add_special_tokens=False)["input_ids"]
    encoded = encode_chat(tokenizer, [user_message(text) for text in prompts["text"]])
    requests = [GenerationRequest((*tokens, *tag), SETTINGS["max_new_tokens"]) for tokens in encoded]
    engine = transformers.build(runtime=Runtime(device="cpu"))
    stop = stop_token_ids(model, tokenizer)
    by_hand = dict(engine.generate(model, requests, sampling=Sampling(), stop_tokens=stop))
    expected = [tokenizer.decode(by_hand[row].tokens, skip_special_tokens=True) for row in range(len(prompts))]
    assert [text.strip() for text in steered] == [text.strip() for text in expected]
    assert steered != answers(model, prompts)
    assert not any(text.startswith(TAG) for text in steered)


def test_missing_decoding_entry_changes_nothing(tokenizer):
    assert steering(None, tokenizer) == Steering()


def test_vllm_gets_a_bias_for_suppressed_tokens():
    assert _sampling_arguments(Sampling(suppressed=(7,)), frozenset())["logit_bias"] == {7: LOWEST_BIAS}
    assert _sampling_arguments(Sampling(), frozenset())["logit_bias"] is None


def test_suppressed_text_of_several_tokens_is_rejected(tokenizer):
    with pytest.raises(ConfigError, match=r"'Unsafe:' is not one token of this model but 2 \('Unsafe', ':'\)"):
        steering({"method": "suppress_tokens", "tokens": [TAG]}, tokenizer)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"method": "suppress"}, "unknown decoding 'suppress'; did you mean 'suppress_tokens'"),
        ({"method": "suppress_tokens"}, "the key 'tokens' is missing"),
        ({"method": "suppress_tokens", "tokens": "Unsafe"}, "not of type array"),
        ({"method": "tag_conditioned", "tag": " "}, "must be a text"),
        ({"method": "tag_conditioned", "tags": "x"}, "unknown key 'tags'"),
    ],
)
def test_invalid_decoding_entry_is_rejected(entry, message):
    with pytest.raises(ConfigError, match=message):
        build_decoding(entry)
