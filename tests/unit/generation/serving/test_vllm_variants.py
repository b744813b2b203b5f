"""One vLLM for the variants of a model; vLLM itself is a fake that echoes backwards, the adapter's number first."""

import numpy as np
import pytest
from tests.unit.generation.engines.tiny_llama import save_checkpoint

from steadfast.attacks.baking import write_edited
from steadfast.attacks.directions import Direction
from steadfast.core.errors import DataError
from steadfast.generation.engines.vllm import build
from steadfast.generation.interface import GenerationRequest, Sampling
from steadfast.generation.vllm_variants import VllmVariants

REQUESTS = [GenerationRequest((11, 12, 13), 8), GenerationRequest((14, 15), 8)]
TARGETS = ["attention_output", "mlp_output"]


@pytest.fixture
def variants(tmp_path):
    """Gives the directory of a variant of one original, by the number of directions that are removed."""
    original = save_checkpoint(tmp_path / "original")
    rows = np.linalg.qr(np.random.default_rng(0).standard_normal((64, 16)))[0].T.astype(np.float32)

    def made(count, form="factors", **edit):
        path = tmp_path / f"{count}.safetensors"
        Direction(rows[:count], method="random", reason="" if count else "none").save(path)
        settings = {"method": "orthogonalize", "targets": TARGETS, **edit}
        write_edited(original, path, settings, tmp_path / f"variant{count}", form=form)
        return tmp_path / f"variant{count}"

    return original, made


def generate(engine, directory, requests=REQUESTS):
    found = dict(engine.generate(directory, requests, sampling=Sampling(), stop_tokens=frozenset({50})))
    return [found[index].tokens for index in range(len(requests))]


def test_variants_of_one_model_start_vllm_once(fake_vllm, variants):
    original, made = variants
    plain = [(13, 12, 11), (15, 14)]
    with VllmVariants(build()) as engine:
        assert generate(engine, original) == plain
        assert generate(engine, made(1)) == [(1, *tokens) for tokens in plain]
        assert generate(engine, made(2, form="adapter")) == [(2, *tokens) for tokens in plain]
        assert generate(engine, made(0)) == plain, "an edit that found no direction has no adapter"
        assert generate(engine, original) == plain
        assert engine.starts == 1


def test_vllm_restarts_for_longer_requests_and_higher_rank(fake_vllm, variants):
    original, made = variants
    with VllmVariants(build()) as engine:
        generate(engine, original)
        generate(engine, original, [GenerationRequest((11, 12, 13), 20)])
        assert engine.starts == 2
        generate(engine, made(16), [GenerationRequest((11, 12, 13), 20)])
        assert engine.starts == 3, "more directions than the rank that it was prepared for"
        generate(engine, original)
        assert engine.starts == 3


def test_edit_that_an_adapter_cannot_express_is_rejected(fake_vllm, variants):
    _, made = variants
    with VllmVariants(build()) as engine, pytest.raises(DataError, match="an adapter cannot express the edit"):
        generate(engine, made(1, targets=["embedding"]))
