"""Every architecture of the registry, on a tiny random model: whatever its tensors are called, an edited model must
write nothing along the direction at any block and answer as the original with hooks, and the edited tensors must
equal a plain float64 formula."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.sweeps import sweep
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, AutoModelForImageTextToText

from steadfast.attacks.activations.extraction import decoder_blocks
from steadfast.attacks.activations.logits import divergence, next_token_log_probabilities
from steadfast.attacks.baking import bake
from steadfast.attacks.directions import Direction, load_direction
from steadfast.attacks.interventions import build_hook
from steadfast.core.errors import DataError
from steadfast.models.architectures import LAYOUTS, anatomy
from steadfast.models.check import check_checkpoint
from steadfast.models.loading import load_model

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
HYBRID = {
    **EXPERTS,
    "shared_expert_intermediate_size": HIDDEN,
    "linear_num_key_heads": 1,
    "linear_num_value_heads": 2,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "layer_types": ["linear_attention", "full_attention", "linear_attention"],
}
PER_LAYER = {
    **GROUPED,
    "hidden_size_per_layer_input": 4,
    "vocab_size_per_layer_input": 40,
    "num_kv_shared_layers": 0,
    "global_head_dim": 8,
    "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
}
SETTINGS = {
    "gemma4_text": PER_LAYER,
    "glm4_moe_lite": LATENT,
    "granitemoehybrid": {
        **EXPERTS,
        "num_local_experts": 3,
        "shared_intermediate_size": HIDDEN,
        "mamba_n_heads": 4,
        "mamba_d_head": 8,
        "mamba_d_state": 8,
        "mamba_n_groups": 1,
        "layer_types": ["mamba", "attention", "mamba"],
    },
    "lfm2": {**GROUPED, "layer_types": ["conv", "full_attention", "conv"], "block_multiple_of": 8},
    "qwen3_5_moe_text": HYBRID,
    "qwen3_5_text": HYBRID,
    "stablelm": {**GROUPED, "qk_layernorm": True},
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
    "qwen3_next": HYBRID,
    "starcoder2": GROUPED,
}
VISION = {
    "hidden_size": HIDDEN,
    "intermediate_size": HIDDEN,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 8,
    "patch_size": 4,
}
QWEN_VISION = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": HIDDEN}
LLAMA_VISION = {**VISION, "vision_output_dim": 16, "projector_input_dim": 16, "projector_output_dim": 16}
MULTIMODAL = {
    "gemma3": {"text_config": GROUPED, "vision_config": VISION, "mm_tokens_per_image": 4},
    "gemma4": {"text_config": PER_LAYER, "vision_config": {**VISION, "head_dim": 8, "num_key_value_heads": 2}},
    "llama4": {
        "text_config": {
            **EXPERTS,
            "num_local_experts": 3,
            "intermediate_size_mlp": HIDDEN,
            "interleave_moe_layer_step": 2,
            "num_experts_per_tok": 1,
        },
        "vision_config": LLAMA_VISION,
    },
    "mistral3": {
        "text_config": {**GROUPED, "model_type": "mistral"},
        "vision_config": {**VISION, "model_type": "pixtral"},
    },
    "qwen3_5": {"text_config": HYBRID, "vision_config": QWEN_VISION},
    "qwen3_5_moe": {"text_config": HYBRID, "vision_config": QWEN_VISION},
}
TEXT_ONLY = sorted(set(LAYOUTS) - set(MULTIMODAL))
FEW = {"gemma3", "gemma3_text", "gpt2", "gpt_neox", "gpt_oss", "granitemoehybrid", "llama", "mixtral", "qwen3_next"}
"""One of each kind: fused, transposed and separate tensors, norms behind, experts, other mixers, a model of images."""


def tiny_model(model_type):
    torch.manual_seed(0)
    wrapped = model_type in MULTIMODAL
    settings = MULTIMODAL[model_type] if wrapped else SETTINGS.get(model_type, GROUPED)
    config = CONFIG_MAPPING[model_type](**settings)
    model = (AutoModelForImageTextToText if wrapped else AutoModelForCausalLM).from_config(config).float()
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


def test_every_known_architecture_has_a_test_model():
    assert set(TEXT_ONLY) | set(MULTIMODAL) == set(LAYOUTS)


@pytest.mark.parametrize("model_type", sweep(sorted(LAYOUTS), FEW))
def test_edited_model_writes_nothing_along_the_direction(model_type, tmp_path, direction_path):
    """From the file as transformers writes it to the edited file, through the check and the loader of the workflow."""
    tiny_model(model_type).save_pretrained(tmp_path / "source")
    (tmp_path / "source" / "tokenizer.json").write_text("{}")
    check_checkpoint(tmp_path / "source", layout=True)
    original = load_model(tmp_path / "source", dtype="float32", device="cpu")
    manifest = bake(tmp_path / "source", direction_path, EDIT, tmp_path / "out")
    check_checkpoint(tmp_path / "out", layout=True)
    edited = load_model(tmp_path / "out", dtype="float32", device="cpu")
    r = torch.from_numpy(load_file(direction_path)["directions"][0].numpy())
    before, after = block_outputs(original), block_outputs(edited)
    assert len(before) == len(after) == 3
    assert max(float((state @ r).abs().max() / state.norm(dim=-1).max()) for state in after) < 2e-6
    assert min(float((state @ r).abs().max() / state.norm(dim=-1).max()) for state in before) > 1e-2
    assert manifest["effective"]
    prompts = [[3, 4, 5, 6], [7, 8, 9], [10, 11, 12, 13, 14]]
    plain, baked = (next_token_log_probabilities(model, prompts, 100, 0) for model in (original, edited))
    with build_hook({"method": "projection", "targets": EDIT["targets"]}).attach(
        original, load_direction(direction_path)
    ):
        hooked = next_token_log_probabilities(original, prompts, 100, 0)
    assert float(divergence(hooked, baked).mean()) < 1e-12 < 1e-7 < float(divergence(plain, baked).mean())
    torch.testing.assert_close(next_token_log_probabilities(original, prompts, 100, 0), plain, atol=0, rtol=0)


@pytest.mark.parametrize(
    "model_type",
    sweep(
        ["llama", "qwen2", "qwen3", "gemma2", "gemma3_text", "gpt_neox", "phi", "mixtral", "qwen3_moe", "gpt_oss"],
        {"llama", "gemma3_text", "gpt_neox", "mixtral", "gpt_oss"},
    ),
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_edited_tensors_match_a_float64_reference(model_type, dtype, tmp_path, direction_path):
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


def test_anatomy_finds_experts_and_shared_experts(tmp_path):
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
def test_anatomy_finds_language_model_of_multimodal_checkpoint(root, head):
    config = {"model_type": "mistral3", "text_config": {**LLAMA_CONFIG, "model_type": "mistral"}}
    names = [*llama_names(root), "vision_tower.layers.0.mlp.down_proj.weight"]
    stream = anatomy(config, names)
    assert [writer.name for writer in stream.writers] == [
        names[0],
        f"{root}layers.0.self_attn.o_proj.weight",
        f"{root}layers.0.mlp.down_proj.weight",
    ]
    assert (stream.head, stream.tied) == (head, True)


def test_anatomy_ignores_layers_beyond_the_depth():
    names = [*llama_names(), "model.layers.1.eh_proj.weight"]
    assert len(anatomy(LLAMA_CONFIG, names).writers) == 3


def test_anatomy_rejects_an_expert_beyond_the_configured_count():
    config = {**LLAMA_CONFIG, "model_type": "mixtral", "num_local_experts": 1}
    experts = [f"model.layers.0.block_sparse_moe.experts.{index}.w2.weight" for index in range(2)]
    names = [name for name in llama_names() if "mlp" not in name]
    assert anatomy(config, [*names, experts[0]]).writers[-1].name == experts[0]
    with pytest.raises(DataError, match=r"experts\.1\.w2"):
        anatomy(config, [*names, *experts])


def test_missing_embedding_error_lists_the_known_names():
    with pytest.raises(DataError, match=r"known names: model\.embed_tokens\.weight"):
        anatomy(LLAMA_CONFIG, llama_names()[1:])


@pytest.mark.parametrize("value", [None, "3"])
def test_missing_size_in_config_json_is_an_error(value):
    with pytest.raises(DataError, match=r"config\.json does not state `num_hidden_layers` as a number; found"):
        anatomy({**LLAMA_CONFIG, "num_hidden_layers": value}, llama_names())


def test_unknown_architecture_is_rejected_only_if_it_is_edited(tmp_path):
    """It can be asked and judge, and is rejected only where its weights or modules are to be changed."""
    settings = {
        **GROUPED,
        "hybrid_override_pattern": "M*-",
        "mamba_num_heads": 4,
        "mamba_head_dim": 8,
        "ssm_state_size": 8,
        "n_groups": 1,
    }
    AutoModelForCausalLM.from_config(CONFIG_MAPPING["nemotron_h"](**settings)).save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    check_checkpoint(tmp_path)
    with pytest.raises(DataError, match=r"cannot be edited: unknown architecture 'nemotron_h'.*add its layout"):
        check_checkpoint(tmp_path, layout=True)


def test_unsupported_block_layout_of_known_architecture_is_rejected(tmp_path):
    """Experts of Gemma 4 add up two norms behind a third."""
    settings = {
        **PER_LAYER,
        "enable_moe_block": True,
        "num_experts": 3,
        "top_k_experts": 2,
        "moe_intermediate_size": 16,
    }
    AutoModelForCausalLM.from_config(CONFIG_MAPPING["gemma4_text"](**settings)).save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(DataError, match=r"cannot be edited: the registry does not know what model\.layers\.0\.\w+"):
        check_checkpoint(tmp_path, layout=True)


def test_fused_expert_tensors_are_edited_like_separate_ones(tmp_path, direction_path):
    """One tensor [experts, hidden, intermediate] per block, edited along the same axis as one tensor per expert."""
    tiny_model("qwen3_5_moe_text").save_pretrained(tmp_path / "apart")
    stored = load_file(tmp_path / "apart" / "model.safetensors")
    for name in [name for name in stored if ".experts.0.down_proj" in name]:
        block = name.partition("experts.0")[0] + "experts."
        parts = {
            part: [stored.pop(f"{block}{n}.{part}_proj.weight") for n in range(3)] for part in ("gate", "up", "down")
        }
        both = [torch.cat(pair) for pair in zip(parts["gate"], parts["up"], strict=True)]
        stored |= {f"{block}gate_up_proj": torch.stack(both), f"{block}down_proj": torch.stack(parts["down"])}
    shutil.copytree(tmp_path / "apart", tmp_path / "stacked")
    save_file(stored, tmp_path / "stacked" / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "stacked" / "tokenizer.json").write_text("{}")
    check_checkpoint(tmp_path / "stacked", layout=True)
    edited = {}
    for kind in ("apart", "stacked"):
        assert bake(tmp_path / kind, direction_path, EDIT, tmp_path / f"{kind}-edited")["effective"]
        edited[kind] = load_model(tmp_path / f"{kind}-edited", dtype="float32", device="cpu").state_dict()
    assert set(edited["apart"]) == set(edited["stacked"])
    for name, value in edited["apart"].items():
        torch.testing.assert_close(edited["stacked"][name], value, msg=name)
