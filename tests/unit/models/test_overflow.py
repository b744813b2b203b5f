"""A model whose numbers exceed its format stops whoever runs it, with the remedy, and computes nothing."""

import math

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.unit.generation.engines.tiny_llama import save_checkpoint

from steadfast.attacks.activations.extraction import extract_activations
from steadfast.attacks.activations.logits import next_token_log_probabilities
from steadfast.core.errors import DataError
from steadfast.generation.responses import generate_responses
from steadfast.generation.serving.failure import failure
from steadfast.judges.checkpoint import build_checkpoint_judge
from steadfast.judges.interface import Case
from steadfast.models.loading import load_model
from steadfast.models.overflow import NumberOverflowError

PROMPTS = pd.DataFrame(
    {"prompt_id": ["a", "b"], "text": ["Which way?", "How many of them are there?"], "label": ["harmful", "harmless"]}
)
CASES = [Case("a", 0, "Which way?", "This way.", "harmful"), Case("b", 0, "How many?", "Seven.", "harmless")]
# what becomes too large for float16, and where: the stream in the first block, or the logits alone
GROWN = {"states": ("model.layers.0.mlp.down_proj.weight", 2e4), "logits": ("model.norm.weight", 1e4)}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Models that float32 can run and float16 cannot; all their weights are within float16."""
    folders = {}
    for name, (tensor, factor) in GROWN.items():
        folder = save_checkpoint(tmp_path_factory.mktemp("overflow") / name, context=4096)
        weights = load_file(folder / "model.safetensors")
        weights[tensor] *= factor
        assert all(weight.abs().max() < torch.finfo(torch.float16).max for weight in weights.values())
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        folders[name] = folder
    return folders


def activations(folder, dtype):
    return extract_activations(folder, PROMPTS, dtype=dtype, device="cpu").harmful.blocks


def responses(folder, dtype):
    return generate_responses(folder, PROMPTS, settings={"max_new_tokens": 2}, engine="transformers", dtype=dtype)


def judgments(folder, dtype):
    prompt = "resources/prompts/judges/labels_short.md"
    judge = build_checkpoint_judge(checkpoint=str(folder), prompt=prompt, dtype=dtype, minimum_mass=0.0)
    return judge.judge(CASES)


def log_probabilities(folder, dtype):
    model = load_model(folder, dtype=dtype, device="cpu")
    return next_token_log_probabilities(model, [[1, 2, 3], [4, 5]], 64, 0)


@pytest.mark.parametrize("what", GROWN)
@pytest.mark.parametrize("use", [activations, responses, judgments, log_probabilities])
def test_overflow_stops_every_kind_of_model_run(models, use, what):
    if use is activations and what == "logits":
        assert math.isfinite(float(use(models[what], "float16").max())), "the states are finite: no logits are computed"
        return
    with pytest.raises(NumberOverflowError, match=rf"its {what} at \d+ of \d+ tokens are infinite or NaN") as caught:
        use(models[what], "float16")
    assert "exceed what float16 holds (up to 6.55e+04)" in str(caught.value)
    assert "set `dtype` of its config entry to bfloat16 or float32" in str(caught.value)
    assert isinstance(caught.value, DataError)


def test_wider_dtype_avoids_the_overflow(models):
    assert log_probabilities(models["states"], "bfloat16").isfinite().all()
    assert len(responses(models["states"], "float32")) == 2


def test_nan_in_padding_is_ignored(models):
    """Some architectures compute NaN at tokens that nothing attends to."""
    model = load_model(models["states"], dtype="float32", device="cpu")

    def spoil(_module, _inputs, output):
        output[:, :2] = math.nan
        return output

    model.model.norm.register_forward_hook(spoil)
    tokens, mask = torch.tensor([[0, 0, 5, 6]]), torch.tensor([[0, 0, 1, 1]])
    with torch.inference_mode():
        assert model(input_ids=tokens, attention_mask=mask).logits[:, 2:].isfinite().all()
        with pytest.raises(NumberOverflowError, match="at 2 of 4 tokens"):
            model(input_ids=tokens, attention_mask=torch.ones_like(mask))


def test_nan_reported_by_vllm_gets_a_remedy():
    log = "RuntimeError: NaNs detected in logits: {'3': 49152}"
    assert "set `dtype` of its config entry to float32" in str(failure("vLLM ended", 1, log))
