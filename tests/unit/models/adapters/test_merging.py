"""Merging against PEFT's own merge."""

import re

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.model_files import plain_adapter
from tests.tiny_checkpoint import tokenizer_files, write_checkpoint
from transformers import AutoModelForCausalLM

from steadfast.core.errors import DataError
from steadfast.core.files import read_json, write_json
from steadfast.models.adapters.merging import merge_adapter
from steadfast.models.adapters.placing import place_adapter
from steadfast.models.loading import load_model, load_tokenizer
from steadfast.models.pointer import ModelPointer, read_pointer

from .conftest import merged_by_peft, save_adapter, save_base, stored, tiny_config

SETTINGS = {
    "plain": {},
    "rank-stabilized": {"use_rslora": True},
    "patterns": {"rank_pattern": {"q_proj": 2, "layers.1.mlp.down_proj": 7}, "alpha_pattern": {"^model.*o_proj": 3}},
    "some layers": {"layers_to_transform": [0, 2]},
    "one layer by its list's name": {"layers_to_transform": 1, "layers_pattern": "layers"},
    "a regular expression": {"target_modules": r".*\.(0|2)\.self_attn\.[qkv]_proj"},
    "without some": {"exclude_modules": ["layers.1.self_attn.q_proj"]},
    "whole modules": {"modules_to_save": ["lm_head", "embed_tokens"]},
    "all biases": {"bias": "all"},
    "biases of its modules": {"bias": "lora_only"},
    "bias of B": {"lora_bias": True, "target_modules": ["q_proj", "k_proj"]},
    "embedding": {"target_modules": ["embed_tokens", "lm_head", "v_proj"]},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=list(SETTINGS))
def test_merged_adapter_equals_the_merge_of_peft(base, tmp_path, settings):
    adapter = save_adapter(base, tmp_path / "adapter", **settings)
    merge_adapter(base, adapter, tmp_path / "out")
    wanted, found, before = merged_by_peft(base, adapter), stored(tmp_path / "out"), stored(base)
    assert found.keys() == wanted.keys()
    changed = set()
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-6, atol=1e-6)
        if not torch.equal(tensor, before[name]):
            changed.add(name)
    assert changed
    unchanged = set(before) - changed
    assert all(torch.equal(found[name], before[name]) for name in unchanged)


def test_merged_checkpoint_records_its_base_and_adapter(base, tmp_path):
    adapter = save_adapter(base, tmp_path / "adapter")
    merge_adapter(base, adapter, tmp_path / "out", details={"base": "mine"})
    pointer = read_pointer(tmp_path / "out")
    assert (pointer.source, pointer.path, pointer.details["base"]) == ("adapter", ".", "mine")
    assert set(pointer.details["adapter_sha256"]) == {"adapter_config.json", "adapter_model.safetensors"}
    assert pointer.details["merged_tensors"] == 9


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_merge_rounds_to_sixteen_bits_once(tmp_path, dtype):
    base = save_base(tmp_path / "base", dtype=dtype)
    adapter = save_adapter(base, tmp_path / "adapter", dtype=dtype)
    merge_adapter(base, adapter, tmp_path / "out")
    before, lora = stored(base), stored(adapter)
    for name, tensor in stored(tmp_path / "out").items():
        module = f"base_model.model.{name.removesuffix('.weight')}"
        exact = before[name].double()
        if f"{module}.lora_A.weight" in lora:
            exact += 1.5 * lora[f"{module}.lora_B.weight"].double() @ lora[f"{module}.lora_A.weight"].double()
        # a value that lies half-way between two neighbors may go to either, as float32 sees it
        spacing = torch.finfo(dtype).eps / 2 * 1.001
        assert (tensor.double() - exact).abs().le(exact.abs() * spacing + 1e-7).all(), name


TIED = {
    "embedding alone": {"target_modules": ["embed_tokens"]},
    "head alone": {"target_modules": ["lm_head"]},
    "each in its own way": {"target_modules": ["embed_tokens", "lm_head", "v_proj"]},
    "a head of its own": {"modules_to_save": ["lm_head"]},
    "neither": {},
}


@pytest.mark.filterwarnings("ignore:.*tie_word_embeddings.*")
@pytest.mark.parametrize("settings", TIED.values(), ids=list(TIED))
def test_merge_unties_embeddings_if_adapter_changes_one(tmp_path, settings):
    """The reference is PEFT's unmerged model: its merge writes through the tie into both."""
    base = save_base(tmp_path / "base", tiny_config(tie_word_embeddings=True))
    adapter = save_adapter(base, tmp_path / "adapter", **settings)
    merge_adapter(base, adapter, tmp_path / "out")
    tokens = torch.arange(12).reshape(2, 6)
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    with torch.no_grad():
        unmerged = peft.PeftModel.from_pretrained(plain, adapter).eval()(tokens).logits
        merged = load_model(tmp_path / "out", device="cpu")(tokens).logits
    torch.testing.assert_close(merged, unmerged, rtol=1e-4, atol=1e-4)
    tied = not settings
    assert ("lm_head.weight" in stored(tmp_path / "out")) is not tied
    assert read_json(tmp_path / "out" / "config.json")["tie_word_embeddings"] is tied


def test_adapter_merges_on_top_of_another_adapter(base, tmp_path):
    first = save_adapter(base, tmp_path / "first")
    place_adapter({"base": "mine", "path": str(first)}, base, tmp_path / "one")
    second = save_adapter(tmp_path / "one", tmp_path / "second", target_modules=["o_proj", "gate_proj"], r=2)
    place_adapter({"base": "tuned", "path": str(second)}, tmp_path / "one", tmp_path / "two")
    wanted, before, found = (
        merged_by_peft(tmp_path / "one", second),
        stored(tmp_path / "one"),
        stored(tmp_path / "two"),
    )
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-6, atol=1e-6)
    assert not torch.equal(before[QUERY], stored(base)[QUERY]) and torch.equal(before[QUERY], found[QUERY])
    assert read_pointer(tmp_path / "two").details["base"] == "tuned"


QUERY = "model.layers.0.self_attn.q_proj.weight"
"""What the first adapter changes and the second does not."""


def set_config(**changes):
    def change(adapter):
        file = adapter / "adapter_config.json"
        write_json(file, {**read_json(file), **changes})

    return change


def set_weights(change):
    def changed(adapter):
        file = adapter / "adapter_model.safetensors"
        save_file(change(load_file(file)), file)

    return changed


def pickle_it(adapter):
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")


def scaled_base(weights):
    return {name: tensor * 0 if "lora_B" in name else tensor for name, tensor in weights.items()}


REFUSALS = {
    "DoRA": (set_config(use_dora=True), "use_dora is set: DoRA rescales the columns"),
    "another method": (set_config(peft_type="IA3"), "peft_type is 'IA3'; only LORA can be merged"),
    "a start that changes the base": (set_config(init_lora_weights="pissa"), "init_lora_weights is 'pissa'"),
    "single tokens": (set_config(trainable_token_indices=[1]), "trainable_token_indices is set: it trains single rows"),
    "unknown setting": (set_config(use_tomorrow=True), "use_tomorrow is set: this setting is not known here"),
    "pickled": (pickle_it, "adapter_model.bin is pickled, and not loaded"),
    "untrained": (set_weights(scaled_base), "changes nothing: its updates are zero"),
    "of another rank": (set_config(r=3), "says rank 3"),
    "modules that it lacks": (
        set_config(target_modules=["q_proj", "o_proj", "down_proj", "up_proj"]),
        "asks for modules that adapter_model.safetensors lacks: model.layers.0.mlp.up_proj.weight",
    ),
    "infinite": (
        set_weights(lambda weights: {name: tensor * 1e38 for name, tensor in weights.items()}),
        "is not finite after the merge",
    ),
}


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered")
@pytest.mark.parametrize(("change", "words"), REFUSALS.values(), ids=list(REFUSALS))
def test_merge_rejects_adapters_it_cannot_merge_exactly(base, tmp_path, change, words):
    adapter = save_adapter(base, tmp_path / "adapter")
    change(adapter)
    with pytest.raises(DataError, match=re.escape(words)):
        merge_adapter(base, adapter, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_merge_rejects_an_adapter_of_another_model(base, tmp_path):
    wider = save_base(tmp_path / "wider", tiny_config(hidden_size=32, num_hidden_layers=4))
    adapter = save_adapter(wider, tmp_path / "adapter")
    with pytest.raises(DataError, match=r"the base has no tensor for .*layers\.3.*trained on another model"):
        merge_adapter(base, adapter, tmp_path / "out")
    narrow = save_base(tmp_path / "narrow", tiny_config(hidden_size=32))
    with pytest.raises(DataError, match=r"update of .* has shape"):
        merge_adapter(base, save_adapter(narrow, tmp_path / "other"), tmp_path / "out")


BARE_BASE = {"bare": True}


@pytest.mark.parametrize("form", ["tokenizer_config.json", "chat_template.jinja"])
def test_chat_template_of_adapter_overrides_that_of_base(tmp_path, form):
    base = write_checkpoint(tmp_path / "base")
    (base / "chat_template.jinja").write_text("the base's")
    ModelPointer("local", ".", chat=BARE_BASE).write(base)
    adapter = plain_adapter(tmp_path / "adapter")
    merge_adapter(base, adapter, tmp_path / "without")
    assert read_pointer(tmp_path / "without").chat == BARE_BASE
    assert (tmp_path / "without" / "chat_template.jinja").read_text() == "the base's"
    own = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    if form == "tokenizer_config.json":
        for name, content in tokenizer_files(own).items():
            (adapter / name).write_bytes(content)
    else:
        (adapter / form).write_text(own)
    merge_adapter(base, adapter, tmp_path / "out")
    assert read_pointer(tmp_path / "out").chat == {}
    assert load_tokenizer(tmp_path / "out").chat_template == own
