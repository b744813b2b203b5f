"""Every architecture of the registry, on a tiny random model: whatever its tensors are called, an edited model must
write nothing along the direction at any block and answer as the original with hooks, and the edited tensors must
equal a plain float64 formula."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from steadfast.activations.extraction import decoder_blocks
from steadfast.architectures import LAYOUTS, anatomy
from steadfast.checkpoints import bake
from steadfast.directions import Direction, load_direction
from steadfast.errors import DataError
from steadfast.hooks.projection import build as hook
from steadfast.logits import divergence, next_token_log_probabilities

HIDDEN = 16
EDIT = {"method": "orthogonalize", "targets": ["attention_output", "mlp_output", "embedding"]}
# equal sizes wherever possible: a wrong axis then raises no error
COMMON = {
    "vocab_size": 40,
    "hidden_size": HIDDEN,
    "intermediate_size": HIDDEN,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GROUPED = {**COMMON, "num_key_value_heads": 1, "head_dim": 8}
EXPERTS = {**GROUPED, "moe_intermediate_size": HIDDEN, "num_experts": 3, "num_experts_per_tok": 2}
LATENT = {
    **EXPERTS,
    "num_key_value_heads": 2,
    "n_routed_experts": 3,
    "n_shared_experts": 1,
    "first_k_dense_replace": 1,
    "n_group": 1,
    "topk_group": 1,
    "q_lora_rank": 8,
    "kv_lora_rank": 8,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 4,
    "v_head_dim": 8,
}
SETTINGS = {
    "deepseek_v2": LATENT,
    "deepseek_v3": {**LATENT, "head_dim": 4},
    "falcon": COMMON,
    "glm4_moe": LATENT,
    "gpt2": {"vocab_size": 40, "n_embd": HIDDEN, "n_layer": 3, "n_head": 2, "n_inner": HIDDEN, "n_positions": 64},
    "gpt_neox": COMMON,
    "gpt_oss": {**EXPERTS, "num_local_experts": 3, "layer_types": ["full_attention"] * 3},
    "llama4_text": {**EXPERTS, "num_local_experts": 3, "intermediate_size_mlp": HIDDEN, "interleave_moe_layer_step": 2},
    "mixtral": {**GROUPED, "num_local_experts": 3, "num_experts_per_tok": 2},
    "olmoe": EXPERTS,
    "qwen2_moe": {**EXPERTS, "shared_expert_intermediate_size": HIDDEN, "mlp_only_layers": [1]},
    "qwen3_moe": {**EXPERTS, "mlp_only_layers": [0]},
    "qwen3_next": {
        **EXPERTS,
        "shared_expert_intermediate_size": HIDDEN,
        "linear_num_key_heads": 1,
        "linear_num_value_heads": 2,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
        "layer_types": ["linear_attention", "full_attention", "linear_attention"],
    },
    "starcoder2": GROUPED,
}
MULTIMODAL = {"gemma3", "llama4", "mistral3"}
TEXT_ONLY = sorted(set(LAYOUTS) - MULTIMODAL)


def tiny_model(model_type):
    torch.manual_seed(0)
    config = CONFIG_MAPPING[model_type](**SETTINGS.get(model_type, GROUPED))
    model = AutoModelForCausalLM.from_config(config).float()
    for parameter in model.parameters():
        parameter.data.normal_(std=0.2)
    return model.eval()


@pytest.fixture(scope="module")
def direction_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("direction") / "direction.safetensors"
    vector = np.random.default_rng(1).standard_normal(HIDDEN)
    Direction((vector / np.linalg.norm(vector))[None].astype(np.float32), method="random").save(path)
    return path


def block_outputs(model):
    states = []

    def keep(_module, _inputs, output):
        states.append(output[0] if isinstance(output, tuple) else output)

    handles = [block.register_forward_hook(keep) for block in decoder_blocks(model)]
    with torch.no_grad():
        model(torch.arange(3, 15)[None], use_cache=False)
    for handle in handles:
        handle.remove()
    return states


@pytest.mark.parametrize("model_type", TEXT_ONLY)
def test_an_edited_model_writes_nothing_along_the_direction(model_type, tmp_path, direction_path):
    original = tiny_model(model_type)
    original.save_pretrained(tmp_path / "source")
    manifest = bake(tmp_path / "source", direction_path, EDIT, tmp_path / "out")
    edited = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32).eval()
    r = torch.from_numpy(load_file(direction_path)["directions"][0].numpy())
    before, after = block_outputs(original), block_outputs(edited)
    assert len(before) == len(after) == 3
    assert max(float((state @ r).abs().max() / state.norm(dim=-1).max()) for state in after) < 2e-6
    assert min(float((state @ r).abs().max() / state.norm(dim=-1).max()) for state in before) > 1e-2
    assert manifest["effective"]
    prompts = [[3, 4, 5, 6], [7, 8, 9], [10, 11, 12, 13, 14]]
    plain, baked = (next_token_log_probabilities(model, prompts, 100, 0) for model in (original, edited))
    with hook(targets=EDIT["targets"]).attach(original, load_direction(direction_path)):
        hooked = next_token_log_probabilities(original, prompts, 100, 0)
    assert float(divergence(hooked, baked).mean()) < 1e-12 < 1e-7 < float(divergence(plain, baked).mean())
    torch.testing.assert_close(next_token_log_probabilities(original, prompts, 100, 0), plain, atol=0, rtol=0)


@pytest.mark.parametrize(
    "model_type",
    ["llama", "qwen2", "qwen3", "gemma2", "gemma3_text", "gpt_neox", "phi", "mixtral", "qwen3_moe", "gpt_oss"],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_golden_tensors(model_type, dtype, tmp_path, direction_path):
    """Within one unit in the last place of a float64 formula, and the same bytes on repeat."""
    tiny_model(model_type).to(dtype).save_pretrained(tmp_path / "source")
    manifest = bake(tmp_path / "source", direction_path, EDIT, tmp_path / "out")
    bake(tmp_path / "source", direction_path, EDIT, tmp_path / "again", threads=1)
    assert (tmp_path / "out/model.safetensors").read_bytes() == (tmp_path / "again/model.safetensors").read_bytes()
    before, after = load_file(tmp_path / "source/model.safetensors"), load_file(tmp_path / "out/model.safetensors")
    config = json.loads((tmp_path / "source/config.json").read_text())
    writers = {writer.name: writer for writer in anatomy(config, before).writers}
    assert {tensor["name"] for tensor in manifest["tensors"]} == set(writers)
    r = load_file(direction_path)["directions"][0].double()
    for name, writer in writers.items():
        vector = r if writer.norm is None else r * (before[writer.norm].double() + writer.norm_offset)
        vector = vector / vector.norm()
        weight = before[name].double().movedim(writer.axis, -1)
        expected = (weight - (weight @ vector)[..., None] * vector).movedim(-1, writer.axis).to(dtype)
        infinity = torch.tensor(float("inf"), dtype=dtype)
        assert bool((after[name] <= torch.nextafter(expected, infinity)).all()), name
        assert bool((after[name] >= torch.nextafter(expected, -infinity)).all()), name
    untouched = set(before) - set(writers)
    assert all(torch.equal(before[name], after[name]) for name in untouched)


def test_experts_and_shared_experts_are_all_found(tmp_path):
    tiny_model("deepseek_v3").save_pretrained(tmp_path)
    stream = anatomy(json.loads((tmp_path / "config.json").read_text()), load_file(tmp_path / "model.safetensors"))
    names = [writer.name for writer in stream.writers if writer.target == "mlp_output"]
    assert names == [
        "model.layers.0.mlp.down_proj.weight",
        *(
            f"model.layers.{layer}.mlp.{part}.down_proj.weight"
            for layer in (1, 2)
            for part in ("experts.0", "experts.1", "experts.2", "shared_experts")
        ),
    ]
    assert [writer.expert for writer in stream.writers if writer.target == "mlp_output"] == [
        False,
        *[True, True, True, False] * 2,
    ]


LLAMA_BLOCK = ("self_attn.o_proj.weight", "mlp.down_proj.weight", "self_attn.q_proj.weight", "input_layernorm.weight")
LLAMA_CONFIG = {"model_type": "llama", "num_hidden_layers": 1, "hidden_size": 8}


def llama_names(root="model."):
    return [f"{root}embed_tokens.weight", *(f"{root}layers.0.{name}" for name in LLAMA_BLOCK)]


@pytest.mark.parametrize(
    ("root", "head"),
    [("model.language_model.", "lm_head.weight"), ("language_model.model.", "language_model.lm_head.weight")],
)
def test_multimodal_checkpoints_are_read_under_their_root(root, head):
    config = {"model_type": "mistral3", "text_config": {**LLAMA_CONFIG, "model_type": "mistral"}}
    names = [*llama_names(root), "vision_tower.layers.0.mlp.down_proj.weight"]
    stream = anatomy(config, names)
    assert [writer.name for writer in stream.writers] == [
        names[0],
        f"{root}layers.0.self_attn.o_proj.weight",
        f"{root}layers.0.mlp.down_proj.weight",
    ]
    assert (stream.head, stream.tied) == (head, True)


def test_layers_beyond_the_depth_are_left_alone():
    names = [*llama_names(), "model.layers.1.eh_proj.weight"]
    assert len(anatomy(LLAMA_CONFIG, names).writers) == 3


def test_an_expert_beyond_the_count_is_not_ignored():
    config = {**LLAMA_CONFIG, "model_type": "mixtral", "num_local_experts": 1}
    experts = [f"model.layers.0.block_sparse_moe.experts.{index}.w2.weight" for index in range(2)]
    names = [name for name in llama_names() if "mlp" not in name]
    assert anatomy(config, [*names, experts[0]]).writers[-1].name == experts[0]
    with pytest.raises(DataError, match=r"experts\.1\.w2"):
        anatomy(config, [*names, *experts])


def test_a_missing_embedding_lists_the_names_that_were_tried():
    with pytest.raises(DataError, match=r"known names: model\.embed_tokens\.weight"):
        anatomy(LLAMA_CONFIG, llama_names()[1:])
