"""A checkpoint's tensors are those of its architecture, or the check names them, the likely cause and the remedy."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from steadfast.core.errors import DataError
from steadfast.models.check import check_checkpoint
from steadfast.models.loading import load_model
from steadfast.models.tensor_check import incomplete_numbering

SHAPE = {
    "vocab_size": 24,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
SINGLE = "model.safetensors"


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Whole checkpoints with a tokenizer, by kind."""
    root = tmp_path_factory.mktemp("sources")
    kinds = {
        "untied": LlamaConfig(**SHAPE, tie_word_embeddings=False),
        "tied": LlamaConfig(**SHAPE, tie_word_embeddings=True),
        "experts": CONFIG_MAPPING["mixtral"](**SHAPE, num_local_experts=3),
        "shared": CONFIG_MAPPING["qwen3_moe"](**SHAPE, num_experts=3, num_experts_per_tok=2, moe_intermediate_size=16),
    }
    for name, config in kinds.items():
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(config).save_pretrained(root / name)
        (root / name / "tokenizer.json").write_text("{}")
    return root


@pytest.fixture
def sabotaged(sources, tmp_path):
    """Make a copy of a kind whose tensors (and configuration) were changed."""

    def sabotaged(kind, change=lambda stored: stored, **config):
        folder = shutil.copytree(sources / kind, tmp_path / "copy", dirs_exist_ok=True)
        save_file(change(load_file(folder / SINGLE)), folder / SINGLE, metadata={"format": "pt"})
        settings = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**settings, **config}))
        return folder

    return sabotaged


def without(*lost):
    return lambda stored: {name: value for name, value in stored.items() if not any(part in name for part in lost)}


def renamed(prefix):
    return lambda stored: {prefix + name: value for name, value in stored.items()}


@pytest.mark.parametrize("kind", ["untied", "tied", "experts", "shared"])
def test_complete_checkpoint_passes(sources, kind):
    check_checkpoint(sources / kind)


@pytest.mark.parametrize(
    ("kind", "change", "config", "words"),
    [
        ("tied", without("layers.1.mlp.up_proj"), {}, ["Missing: model.layers.1.mlp.up_proj.weight.", "not complete"]),
        ("tied", without("model.norm"), {}, ["Missing: model.norm.weight.", "not complete"]),
        ("untied", without("lm_head"), {}, ["Missing: lm_head.weight.", "`tie_word_embeddings: true`"]),
        ("tied", without("layers.2."), {}, ["Missing: ", "(9 in all)", "Nothing of block 2", "3 blocks"]),
        ("tied", without("layers.1.", "layers.2."), {}, ["Nothing of 2 blocks", "`num_hidden_layers`"]),
        ("tied", lambda stored: stored, {"num_hidden_layers": 2}, ["Not part of the model: ", "go on to block 2"]),
        ("untied", renamed("_orig_mod."), {}, ["`_orig_mod.`, which torch.compile puts there"]),
        ("untied", renamed("base_model.model."), {}, ["`base_model.model.`, which PEFT puts there"]),
        ("untied", renamed("module."), {}, ["`module.`, which a wrapper for several devices"]),
        ("untied", renamed("language_model."), {}, ["`language_model.`, which a multimodal model puts there"]),
        (
            "tied",
            lambda stored: {**stored, "model.layers.0.mlp.up_proj.lora_A.weight": torch.zeros(4, 16)},
            {},
            ["Not part of the model: model.layers.0.mlp.up_proj.lora_A.weight", "`merge_and_unload()`"],
        ),
        (
            "tied",
            lambda stored: stored,
            {"vocab_size": 32},
            ["stored [24, 16], should be [32, 16]", "`vocab_size: 24`"],
        ),
        ("tied", lambda stored: stored, {"intermediate_size": 16}, ["Of another shape: ", "another size of the model"]),
        ("tied", lambda stored: stored, {"attention_bias": True}, ["Missing: ", "self_attn.k_proj.bias"]),
        ("experts", without("experts.1.w1"), {}, ["block_sparse_moe.experts.1.w1.weight"]),
        (
            "shared",
            without("layers.0.mlp.experts.2.up_proj"),
            {},
            ["missing: model.layers.0.mlp.experts.2.up_proj.weight"],
        ),
        ("shared", without("layers.0.mlp.gate."), {}, ["Missing: model.layers.0.mlp.gate.weight"]),
    ],
)
def test_missing_tensors_are_named_with_cause_and_remedy(sabotaged, kind, change, config, words):
    folder = sabotaged(kind, change, **config)
    with pytest.raises(DataError) as caught:
        check_checkpoint(folder)
    for word in words:
        assert word in str(caught.value)
    with pytest.raises(DataError):
        load_model(folder, device="cpu")


def test_missing_expert_is_detected(sabotaged):
    folder = sabotaged("shared", without("layers.1.mlp.experts.2."))
    with pytest.raises(DataError, match=r"model\.layers\.1\.mlp\.experts\.gate_up_proj \(stored \[2, .* be \[3, "):
        check_checkpoint(folder)


def test_stored_buffers_that_loading_recomputes_are_allowed(sabotaged):
    folder = sabotaged(
        "tied", lambda stored: {**stored, "model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(4)}
    )
    check_checkpoint(folder)
    assert load_model(folder, device="cpu")


def test_multi_token_prediction_blocks_are_allowed_if_configured(sabotaged):
    def add(stored):
        return {**stored, "model.layers.3.eh_proj.weight": torch.zeros(16, 32)}

    check_checkpoint(sabotaged("tied", add, num_nextn_predict_layers=1))
    with pytest.raises(DataError, match=r"model\.layers\.3\.eh_proj\.weight"):
        check_checkpoint(sabotaged("tied", add))


def with_head(change):
    """Store the head beside the embedding that it is tied to."""
    return lambda stored: {**stored, "lm_head.weight": change(stored["model.embed_tokens.weight"].clone())}


def test_stored_tied_head_must_equal_the_embedding(sabotaged):
    """transformers keeps a head that differs, vLLM drops it, so that original and edited model would not be alike."""
    check_checkpoint(sabotaged("tied", with_head(lambda head: head)))
    folder = sabotaged("tied", with_head(lambda head: head.index_fill(0, torch.tensor([23]), 0)))
    with pytest.raises(
        DataError, match=r"lm_head\.weight differs from model\.embed_tokens\.weight.*_embeddings: false`"
    ):
        check_checkpoint(folder)
    check_checkpoint(sabotaged("tied", with_head(torch.zeros_like), tie_word_embeddings=False))


def test_tensor_check_reads_headers_only(sources, tmp_path, monkeypatch):
    """The check of a file whose tensors are a hole of half a terabyte takes no memory for them."""
    config = LlamaConfig(**{**SHAPE, "intermediate_size": 10**9}, tie_word_embeddings=True)
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    fields, end = {}, 0
    for name, value in model.state_dict().items():
        if name != "lm_head.weight":
            fields[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [end, end + 4 * value.numel()]}
            end += 4 * value.numel()
    config.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    header = json.dumps(fields).encode()
    with (tmp_path / SINGLE).open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + end)
    check_checkpoint(tmp_path)
    assert end > 5 * 10**11


def test_unknown_architecture_is_rejected(sabotaged):
    folder = sabotaged("tied", model_type="lama")
    with pytest.raises(DataError, match=r"its architecture cannot be built: .*`lama`"):
        check_checkpoint(folder)


@pytest.mark.parametrize("kind", [torch.int8, torch.uint8, torch.float8_e4m3fn])
def test_integer_weights_without_quantization_config_are_rejected(sabotaged, kind):
    name = "model.layers.0.mlp.up_proj.weight"
    folder = sabotaged("tied", lambda stored: {**stored, name: stored[name].to(kind)})
    with pytest.raises(DataError, match=rf"stored as \w+: {name}; config.json has no `quantization_config`"):
        check_checkpoint(folder)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"hidden_size": "16"}, "expected int, got str"),
        ({"num_hidden_layers": 3_000_000}, "3,000,000 blocks"),
        ({"hidden_act": "fou"}, "KeyError: 'fou'"),
    ],
)
def test_config_that_cannot_build_a_model_is_rejected(sabotaged, config, words):
    with pytest.raises(DataError, match=f"its architecture cannot be built: .*{words}"):
        check_checkpoint(sabotaged("tied", **config))


def test_incomplete_numbering_names_the_missing_tensors():
    names = [
        f"layers.{layer}.experts.{expert}.{part}" for layer in (0, 1) for expert in (0, 1) for part in ("up", "down")
    ]
    assert incomplete_numbering(names) == []
    names.remove("layers.1.experts.0.up")
    assert incomplete_numbering(names) == ["layers.1.experts.0.up"]
