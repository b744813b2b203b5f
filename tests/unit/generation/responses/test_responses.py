"""The response table, with an engine that is made up."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from steadfast.core.errors import ConfigError, DataError, UnknownNameError
from steadfast.generation.interface import Generation, Sampling
from steadfast.generation.responses import COLUMNS, generate_responses, stop_token_ids
from steadfast.models.loading import load_tokenizer

sys.path.insert(0, str(Path(__file__).parents[1] / "engines"))
from tiny_llama import save_tokenizer

TEXTS = ["one", "two words", "three"]
PROMPTS = pd.DataFrame({"prompt_id": ["p1", "p2", "p3"], "text": TEXTS})
PLAIN = {"max_new_tokens": 40}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    directory = tmp_path_factory.mktemp("model")
    save_tokenizer(directory)
    (directory / "config.json").write_text(json.dumps({"max_position_embeddings": 64, "eos_token_id": 257}))
    (directory / "generation_config.json").write_text(json.dumps({"eos_token_id": [257, 262]}))
    return directory


class Scripted:
    """Answers prompt ``i`` with the ``i``-th text, last request first; can break down half-way."""

    name = "transformers"

    def __init__(self, tokenizer, texts, fail_after=None, number_format="float32"):
        self.tokenizer, self.texts, self.fail_after, self.format = tokenizer, texts, fail_after, number_format
        self.prompts = []

    def number_format(self, model_dir):
        return self.format

    def generate(self, model_dir, requests, *, sampling, stop_tokens):
        for count, position in enumerate(reversed(range(len(requests)))):
            if count == self.fail_after:
                raise KeyboardInterrupt
            prompt = self.tokenizer.decode(list(requests[position].prompt_tokens))
            self.prompts.append(prompt)
            text = next(answer for asked, answer in zip(TEXTS, self.texts, strict=True) if f">{asked}<" in prompt)
            tokens = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            yield position, Generation(tuple(tokens), "stop")


@pytest.fixture
def scripted(model):
    return lambda *texts, **kwargs: Scripted(load_tokenizer(model), texts, **kwargs)


def test_response_table_keeps_prompt_order_and_documented_columns(model, scripted):
    engine = scripted("First.", "<think>Hm.</think>\nSecond.", "<think>never ends")
    table = generate_responses(model, PROMPTS, settings=PLAIN, engine=engine)
    assert list(table.columns) == COLUMNS
    assert table["prompt_id"].tolist() == ["p1", "p2", "p3"]
    assert table["sample"].tolist() == [0, 0, 0]
    assert table["response"].tolist() == ["First.", "Second.", ""]
    assert table["thinking"].tolist() == ["", "Hm.", "never ends"]
    assert table["degenerate"].tolist() == [False, False, True]
    assert table["n_tokens"].tolist() == [6, len("<think>Hm.</think>\nSecond."), len("<think>never ends")]
    assert set(table["finish_reason"]) == {"stop"}


def test_the_template_is_applied_once_with_the_system_prompt(model, scripted):
    engine = scripted("a", "b", "c")
    generate_responses(model, PROMPTS[:1], settings=PLAIN, engine=engine, system_prompt="Be brief.")
    assert engine.prompts == ["<|bos|><|system|>Be brief.<|end|><|user|>one<|end|><|assistant|>"]


def test_special_tokens_are_removed_and_similar_text_is_kept(model, scripted):
    table = generate_responses(model, PROMPTS, settings=PLAIN, engine=scripted("A<|user|>B<|bos|>", "<b>bold</b>", "c"))
    assert table["response"].tolist()[:2] == ["AB", "<b>bold</b>"]


def test_thinking_markers_may_be_special_tokens(model, scripted):
    markers = [["<|system|>", "<|stop|>"]]
    engine = scripted("<|system|>Hm.<|stop|><|pad|>A", "b", "c")
    table = generate_responses(model, PROMPTS, settings=PLAIN, engine=engine, thinking_markers=markers)
    assert table.loc[0, ["response", "thinking"]].tolist() == ["A", "Hm."]


def test_special_tokens_within_a_response_are_recorded(model, scripted):
    engine = scripted("<|system|>Hm.<|stop|>A<|end|>", "B<|end|>", "<think>Hm.</think>C<|unheard|>D")
    table = generate_responses(model, PROMPTS, settings=PLAIN, engine=engine)
    assert table["response"].tolist() == ["Hm.A", "B", "C<|unheard|>D"]
    assert table["control_tokens"].tolist() == ["<|stop|>", "", "<|unheard|>"]


def test_unfinished_thinking_is_marked(model, scripted):
    engine = scripted("Well. <think>Hm", "<think>Hm", "<think>Hm.</think>")
    table = generate_responses(model, PROMPTS, settings=PLAIN, engine=engine)
    assert table["response"].tolist() == ["Well.", "", ""]
    assert table["unfinished_thinking"].tolist() == [True, True, False]


def test_each_sample_is_a_row(model, scripted):
    settings = {"max_new_tokens": 4, "samples": 2, "temperature": 0.8}
    table = generate_responses(model, PROMPTS, settings=settings, engine=scripted("a", "b", "c"))
    assert list(zip(table["prompt_id"], table["sample"], strict=True)) == [
        (prompt, sample) for prompt in ("p1", "p2", "p3") for sample in (0, 1)
    ]


def test_prompt_that_fills_the_context_is_rejected(model, scripted):
    long = pd.DataFrame({"prompt_id": ["p1", "long"], "text": ["one", "x" * 61]})
    with pytest.raises(DataError, match=r"prompt long has 65 tokens.*at most 64"):
        generate_responses(model, long, settings=PLAIN, engine=scripted("a", "b", "c"))


def test_response_length_is_limited_by_the_context(model):
    limits = []

    class Limits:
        name = "transformers"

        def generate(self, model_dir, requests, *, sampling, stop_tokens):
            limits.extend(request.max_new_tokens for request in requests)
            yield from enumerate([Generation((65,), "length")] * len(requests))

    prompts = pd.DataFrame({"prompt_id": ["a", "b"], "text": ["x", "x" * 50]})
    generate_responses(model, prompts, settings=PLAIN, engine=Limits())
    assert limits == [40, 64 - 54]


def test_stop_tokens_come_from_tokenizer_and_configurations(model):
    assert stop_token_ids(model, load_tokenizer(model)) == {257, 262}


def test_another_dtype_generates_responses_again(model, scripted, tmp_path):
    generate_responses(model, PROMPTS, settings=PLAIN, engine=scripted("a", "b", "c"), cache=tmp_path)
    other = scripted("a", "b", "c", number_format="bfloat16")
    generate_responses(model, PROMPTS, settings=PLAIN, engine=other, cache=tmp_path)
    assert len(other.prompts) == 3


def test_killed_job_resumes_from_the_cache(model, scripted, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        generate_responses(model, PROMPTS, settings=PLAIN, engine=scripted("a", "b", "c", fail_after=2), cache=tmp_path)
    (segment,) = tmp_path.iterdir()
    with segment.open("ab") as file:
        file.write(b'{"key": "torn')
    second = scripted("a", "b", "c")
    table = generate_responses(model, PROMPTS, settings=PLAIN, engine=second, cache=tmp_path)
    assert len(second.prompts) == 1 and ">one<" in second.prompts[0]
    assert table["response"].tolist() == ["a", "b", "c"]


def test_damaged_cached_response_is_generated_again(model, scripted, tmp_path):
    generate_responses(model, PROMPTS, settings=PLAIN, engine=scripted("a", "b", "c"), cache=tmp_path)
    (segment,) = tmp_path.iterdir()
    segment.write_bytes(segment.read_bytes().replace(b'"stop"', b'"length"', 1))
    again = scripted("a", "b", "c")
    table = generate_responses(model, PROMPTS, settings=PLAIN, engine=again, cache=tmp_path)
    assert len(again.prompts) == 1 and table["finish_reason"].tolist() == ["stop"] * 3


@pytest.mark.parametrize(
    "changed",
    [{"settings": {"max_new_tokens": 39}}, {"system_prompt": "Be brief."}, {"identity": {"hook": "scale 2"}}],
)
def test_other_settings_do_not_reuse_cached_responses(model, scripted, tmp_path, changed):
    generate_responses(model, PROMPTS, engine=scripted("a", "b", "c"), cache=tmp_path, settings=PLAIN)
    again = scripted("a", "b", "c")
    generate_responses(model, PROMPTS, engine=again, cache=tmp_path, **{"settings": PLAIN, **changed})
    assert len(again.prompts) == 3


def test_another_checkpoint_does_not_reuse_cached_responses(model, scripted, tmp_path):
    generate_responses(model, PROMPTS, engine=scripted("a", "b", "c"), cache=tmp_path, settings=PLAIN)
    (model / "weights.bin").write_bytes(b"edited")
    again = scripted("a", "b", "c")
    generate_responses(model, PROMPTS, engine=again, cache=tmp_path, settings=PLAIN)
    (model / "weights.bin").unlink()
    assert len(again.prompts) == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1"),
        ({"samples": 2}, "need a temperature above 0"),
        ({"top_p": 0}, "top_p must lie in"),
        ({"temprature": 1}, "temprature"),
    ],
)
def test_invalid_generation_settings_are_rejected(model, scripted, settings, message):
    with pytest.raises(ConfigError, match=message):
        generate_responses(model, PROMPTS, settings=settings, engine=scripted("a", "b", "c"))


def test_unknown_engine_error_suggests_known_ones(model):
    with pytest.raises(UnknownNameError, match="did you mean 'transformers'"):
        generate_responses(model, PROMPTS, settings=PLAIN, engine="transformer")


def test_default_sampling_is_greedy():
    assert Sampling().temperature == 0
