"""Models that are spread over devices.

No GPU is needed. Where blocks lie is worked out from shapes alone; that every tensor is where the next operation wants
it is checked on tensors without content, whose devices torch keeps apart as it would keep GPUs apart; and numbers are
checked with blocks that lie in memory and on disk.
"""

import json
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from accelerate import dispatch_model, infer_auto_device_map
from accelerate.utils import get_balanced_memory
from safetensors.torch import save_file
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, MixtralConfig

from steadfast.attacks.activations.extraction import decoder_blocks, residual_stream
from steadfast.attacks.activations.logits import next_token_log_probabilities, teacher_forced_log_probabilities
from steadfast.attacks.directions import Direction
from steadfast.attacks.interventions import build_hook
from steadfast.attacks.interventions.modules import add, changed_outputs
from steadfast.core.errors import DataError
from steadfast.models import loading
from steadfast.models.devices import require_gpus_only, room_to_spread
from steadfast.models.label_probabilities import LabelTokens, label_log_probabilities
from steadfast.models.loading import load_model
from steadfast.models.number_format import running_size

FIRST, SECOND = "cpu:1", "cpu:2"  # devices of the same kind that torch keeps apart, as cuda:0 and cuda:1
GIB = 2**30
LLAMA_70B = LlamaConfig(
    vocab_size=128_256,
    hidden_size=8192,
    intermediate_size=28_672,
    num_hidden_layers=80,
    num_attention_heads=64,
    num_key_value_heads=8,
    dtype=torch.bfloat16,
)
SHAPE = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
NOTHING = ("missing_keys", "unexpected_keys", "mismatched_keys")
PROMPTS = [list(range(1, length)) for length in (24, 20, 24, 22)]


@pytest.fixture
def weights(tmp_path):
    """Weights of 1,000 bytes: 400 elements of bfloat16, 40 of float32, 40 of one byte."""
    tensors = {
        "half": torch.zeros(20, 20, dtype=torch.bfloat16),
        "single": torch.zeros(40),
        "quantized": torch.zeros(40, dtype=torch.uint8),
    }
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    return tmp_path


@pytest.mark.parametrize(("dtype", "size"), [("auto", 1000), ("float32", 1800), ("bfloat16", 920)])
def test_running_size_depends_on_the_dtype(weights, dtype, size):
    assert running_size(weights, dtype) == size


def test_running_size_counts_files_of_the_index_only(weights):
    (weights / "model.safetensors").rename(weights / "part.safetensors")
    save_file({"other": torch.zeros(7)}, weights / "consolidated.safetensors")
    (weights / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": dict.fromkeys(("half", "single", "quantized"), "part.safetensors")})
    )
    assert running_size(weights, "auto") == 1000


def test_running_size_of_damaged_weights_raises(weights):
    (weights / "model.safetensors").write_bytes(b"no")
    with pytest.raises(DataError, match=r"model\.safetensors is not a complete safetensors file"):
        running_size(weights, "auto")


@pytest.mark.parametrize(
    ("free", "room"),
    [
        ([], None),
        ([1200], None),
        ([1200, 1200], None),
        ([1000, 1000], {0: 900, 1: 900}),
        ([500, 500, 500], {0: 450, 1: 450, 2: 450}),
    ],
)
def test_model_is_split_only_if_one_gpu_is_too_small(weights, free, room):
    assert room_to_spread(weights, "auto", free) == room


@pytest.mark.parametrize(("free", "gpus"), [([1000], "1 GPU with"), ([400, 400], "2 GPUs with")])
def test_model_too_large_for_all_gpus_raises_with_remedies(weights, free, gpus):
    with pytest.raises(DataError, match=f"this job has {gpus} .*`gpus`.*device: cpu"):
        room_to_spread(weights, "auto", free)


def shares(config, room):
    """Where transformers' rules put the modules of a model of this shape."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    kept = model._no_split_modules
    balanced = get_balanced_memory(model, max_memory=room, no_split_module_classes=kept, dtype=torch.bfloat16)
    model.hf_device_map = infer_auto_device_map(
        model, max_memory=balanced, no_split_module_classes=kept, dtype=torch.bfloat16
    )
    return model


@pytest.mark.parametrize(("count", "memory"), [(4, 48), (2, 94), (2, 140)])
def test_largest_model_of_study_fits_gpus_that_documentation_names(count, memory, tmp_path):
    model = shares(LLAMA_70B, {gpu: int(0.9 * memory * GIB) for gpu in range(count)})
    require_gpus_only(model, tmp_path)
    assert set(model.hf_device_map.values()) == set(range(count))


def test_model_whose_blocks_exceed_each_gpu_is_rejected(tmp_path):
    size = 132 * GIB  # just above the weights', so that the bytes would fit and the blocks do not
    model = shares(LLAMA_70B, {gpu: size // 8 for gpu in range(8)})
    with pytest.raises(DataError, match="found no room on this job's GPUs"):
        require_gpus_only(model, tmp_path)


def test_load_model_passes_the_free_memory_of_each_gpu(checkpoint, monkeypatch, capsys):
    asked = {}

    def remember(_class, _directory, **arguments):
        asked.update(arguments)
        if not arguments:
            return LlamaConfig(**SHAPE)
        return LlamaForCausalLM(LlamaConfig(**SHAPE)), dict.fromkeys(NOTHING, ())

    size = running_size(checkpoint, "auto")
    monkeypatch.setattr(loading, "free_memory", lambda: [size, 2 * size])
    monkeypatch.setattr(loading, "_load", remember)
    assert not load_model(checkpoint).training
    assert (asked["device_map"], asked["max_memory"]) == ("auto", {0: int(0.9 * size), 1: int(1.8 * size)})
    assert "spread over 2 GPUs" in capsys.readouterr().out


@contextmanager
def spread(config, monkeypatch):
    """A model of two halves on two devices, its tensors without content; no operation takes tensors of both."""
    monkeypatch.setattr(torch.Tensor, "numpy", lambda tensor: np.zeros(tuple(tensor.shape), np.float32))
    with FakeTensorMode(allow_non_fake_inputs=True):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
        half = config.num_hidden_layers // 2
        places = {"model.embed_tokens": FIRST, "model.rotary_emb": FIRST, "model.norm": SECOND, "lm_head": SECOND}
        places |= {f"model.layers.{n}": FIRST if n < half else SECOND for n in range(config.num_hidden_layers)}
        for name, place in places.items():
            for module in model.get_submodule(name).modules():
                for kind in (module._parameters, module._buffers):
                    kind.update({key: empty(value, place) for key, value in kind.items() if value is not None})
        yield dispatch_model(
            model, places, main_device=FIRST, skip_keys=model._skip_keys_device_placement, force_hooks=True
        )


def empty(like, device):
    made = torch.empty(like.shape, dtype=like.dtype, device=device)
    return torch.nn.Parameter(made, requires_grad=False) if isinstance(like, torch.nn.Parameter) else made


@pytest.fixture(params=[LlamaConfig(**SHAPE), MixtralConfig(**SHAPE, num_local_experts=2)], ids=lambda c: c.model_type)
def halves(request, monkeypatch):
    with spread(request.param, monkeypatch) as model:
        yield model


def test_devices_reject_mixed_tensors(halves):
    with pytest.raises(RuntimeError, match="on the same device"):
        halves.model.embed_tokens.weight[0] + halves.model.norm.weight


def test_activations_are_recorded_from_several_devices(halves):
    blocks, final_norm = residual_stream(halves, PROMPTS, (-3, -1), 64, 0)
    assert (blocks.shape, final_norm.shape) == ((4, 2, 4, 32), (4, 2, 32))


def test_log_probabilities_work_on_several_devices(halves):
    assert next_token_log_probabilities(halves, PROMPTS, 64, 0).shape == (4, 64)
    found = dict(teacher_forced_log_probabilities(halves, PROMPTS, [[1, 2], [3], [4], [5, 6]], 64, 0))
    assert [tuple(found[row].shape) for row in range(4)] == [(2, 64), (1, 64), (1, 64), (2, 64)]


def test_interventions_work_on_several_devices(halves):
    direction = Direction(np.eye(1, 32, dtype=np.float32), "test")
    with build_hook({"method": "projection"}).attach(halves, direction):
        assert next_token_log_probabilities(halves, PROMPTS, 64, 0).shape == (4, 64)
    with changed_outputs([(decoder_blocks(halves)[3], add(torch.ones(32)))]):
        assert next_token_log_probabilities(halves, PROMPTS, 64, 0).shape == (4, 64)


@pytest.fixture
def whole_and_apart(checkpoint, tmp_path):
    """One model twice: in memory, and with its second block on disk."""
    places = {"model.embed_tokens": "cpu", "model.rotary_emb": "cpu", "model.layers.0": "cpu"}
    places |= {"model.layers.1": "disk", "model.norm": "cpu", "lm_head": "cpu"}
    apart = AutoModelForCausalLM.from_pretrained(
        checkpoint, dtype=torch.float32, device_map=places, offload_folder=tmp_path, use_safetensors=True
    ).eval()
    assert decoder_blocks(apart)[1].mlp.down_proj.weight.device.type == "meta"
    return load_model(checkpoint, dtype="float32", device="cpu"), apart


def test_activations_do_not_depend_on_the_devices_of_blocks(whole_and_apart):
    states = [residual_stream(model, [[1, 5, 3], [2, 4, 6, 7], [8]], (-1,), 64, 0) for model in whole_and_apart]
    np.testing.assert_array_equal(states[0][0], states[1][0])
    np.testing.assert_array_equal(states[0][1], states[1][1])


def test_interventions_do_not_depend_on_the_devices_of_blocks(whole_and_apart):
    direction = Direction(np.eye(1, 16, dtype=np.float32), "test")

    def first_token(model):
        return next_token_log_probabilities(model, [[1, 5, 3], [2, 4, 6, 7], [8]], 64, 0)

    plain = [first_token(model) for model in whole_and_apart]
    hooked = []
    for model in whole_and_apart:
        with build_hook({"method": "projection"}).attach(model, direction):
            hooked.append(first_token(model))
    assert torch.equal(plain[0], plain[1])
    assert torch.equal(hooked[0], hooked[1])
    assert not torch.equal(plain[0], hooked[0])


def test_shared_prefix_works_on_several_devices(whole_and_apart):
    beginning = [1, 5, 3, 2] * 6
    prompts = [[*beginning, 4, 6], [*beginning, 7], [*beginning, 8, 9, 2]]
    whole, apart = (label_log_probabilities(model, prompts, LabelTokens((), (5, 6))) for model in whole_and_apart)
    assert torch.equal(whole, apart)
