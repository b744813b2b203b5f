"""The transformers engine against plain, one by one generation."""

import copy
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import torch

from steadfast.generation.batch_decoding import decode
from steadfast.generation.engines.transformers import build
from steadfast.generation.interface import GenerationRequest, Runtime, Sampling, request_seed
from steadfast.generation.loaded_model import batches
from steadfast.generation.responses import generate_responses
from steadfast.models.prefix import has_plain_cache, reusable_prefix

SCRIPTS = Path(__file__).parents[4] / "workflow" / "scripts"

PROMPTS = ["a", "Tell me a story about the sea, please.", "zz", "How are you?", "0123456789" * 4]


def request(text, limit=24, seed=0):
    return GenerationRequest((256, *text.encode()), limit, seed)


def run(checkpoint, requests, *, sampling=None, stop_tokens=frozenset({257, 262}), prepare=None, **runtime):
    engine = build(dtype="float32", runtime=Runtime(device="cpu", **runtime), prepare=prepare)
    results = dict(engine.generate(checkpoint, requests, sampling=sampling or Sampling(), stop_tokens=stop_tokens))
    return [results[position] for position in range(len(requests))]


@pytest.fixture(scope="module")
def model(checkpoint):
    from steadfast.models.loading import load_model

    return load_model(checkpoint, dtype="float32", device="cpu")


def greedy_by_hand(model, tokens, limit, stop):
    tokens, new = list(tokens), []
    with torch.inference_mode():
        while len(new) < limit:
            token = int(model(input_ids=torch.tensor([tokens])).logits[0, -1].argmax())
            if token in stop:
                return tuple(new), "stop"
            new.append(token)
            tokens.append(token)
    return tuple(new), "length"


def test_greedy_batch_equals_plain_decoding_of_each_prompt(checkpoint, model):
    requests = [request(text) for text in PROMPTS]
    found = [(result.tokens, result.finish_reason) for result in run(checkpoint, requests)]
    assert found == [greedy_by_hand(model, r.prompt_tokens, 24, {257, 262}) for r in requests]


def test_stop_tokens_end_the_response_and_are_excluded(checkpoint, model):
    requests = [request(text) for text in PROMPTS]
    free = run(checkpoint, requests, stop_tokens=frozenset())
    assert all(result.finish_reason == "length" and len(result.tokens) == 24 for result in free)
    stop = {free[0].tokens[5], free[1].tokens[9]}
    for ended, whole in zip(run(checkpoint, requests, stop_tokens=stop), free, strict=True):
        first = next((i for i, token in enumerate(whole.tokens) if token in stop), None)
        assert ended.tokens == whole.tokens[:first]
        assert ended.finish_reason == ("length" if first is None else "stop")


def test_batch_size_does_not_change_responses(checkpoint):
    requests = [request(text, limit) for text in PROMPTS for limit in (5, 24)]
    assert run(checkpoint, requests, batch_tokens=100) == run(checkpoint, requests)


def test_batches_respect_the_token_limit_and_keep_all_requests():
    requests = [request("x" * length, limit) for length in (3, 50, 7, 7, 200) for limit in (10, 40)]
    packed = batches(requests, 120)
    assert sorted(position for batch in packed for position in batch) == list(range(len(requests)))
    for batch in packed:
        longest = max(len(requests[i].prompt_tokens) for i in batch)
        assert len({requests[i].max_new_tokens for i in batch}) == 1
        assert len(batch) == 1 or len(batch) * (longest + requests[batch[0]].max_new_tokens) <= 120


def sampled(checkpoint, texts, sampling):
    requests = [request(text, seed=request_seed(sampling.seed, text, 0)) for text in texts]
    return dict(zip(texts, run(checkpoint, requests, sampling=sampling, stop_tokens=frozenset()), strict=True))


def test_sampled_response_depends_only_on_prompt_and_seed(checkpoint):
    sampling = Sampling(temperature=1.0, seed=3)
    together = sampled(checkpoint, PROMPTS, sampling)
    assert together == sampled(checkpoint, PROMPTS, sampling)
    assert sampled(checkpoint, PROMPTS[3:], sampling) == {text: together[text] for text in PROMPTS[3:]}
    other = sampled(checkpoint, PROMPTS, Sampling(temperature=1.0, seed=4))
    assert all(other[text] != together[text] for text in PROMPTS)


def test_sampling_follows_temperature_and_top_p(checkpoint, model):
    text = PROMPTS[1]
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([request(text).prompt_tokens])).logits[0, -1].double()
    expected = torch.softmax(logits / 1.5, dim=-1)
    ordered, tokens = expected.sort(descending=True)
    kept = tokens[: int((ordered.cumsum(0) - ordered < 0.6).sum())]
    assert 3 <= len(kept) < 200
    draws = 4000
    requests = [request(text, 1, seed) for seed in range(draws)]
    results = run(
        checkpoint, requests, sampling=Sampling(temperature=1.5, top_p=0.6), stop_tokens=frozenset(), batch_tokens=10**6
    )
    counts = torch.bincount(torch.tensor([result.tokens[0] for result in results]), minlength=len(expected))
    assert set(counts.nonzero().flatten().tolist()) <= set(kept.tolist())
    shares = expected[kept] / expected[kept].sum()
    assert torch.allclose(counts[kept].double() / draws, shares, atol=4 * (0.25 / draws) ** 0.5)


def test_prepare_context_wraps_the_generation(checkpoint, model):
    calls = []

    @contextmanager
    def silence(loaded):
        calls.append("entered")
        handle = loaded.model.norm.register_forward_hook(lambda module, inputs, output: output * 0)
        yield
        handle.remove()
        calls.append("left")

    (result,) = run(checkpoint, [request("hello", 4)], prepare=silence)
    assert calls == ["entered", "left"]
    assert result.tokens == (0, 0, 0, 0)


OWNER = """
import sys, pandas as pd
from steadfast.generation.loaded_model import batches
from steadfast.models.prefix import has_plain_cache, reusable_prefix
from steadfast.generation.responses import generate_responses
prompts = pd.DataFrame({{"prompt_id": list("abcdefghijkl"), "text": list("abcdefghijkl")}})
generate_responses(sys.argv[1], prompts, cache=sys.argv[2], **{arguments!r})
"""


@pytest.mark.slow
def test_killed_generation_job_resumes(checkpoint, tmp_path, capsys):
    prompts = pd.DataFrame({"prompt_id": list("abcdefghijkl"), "text": list("abcdefghijkl")})
    arguments = {"settings": {"max_new_tokens": 100}, "device": "cpu", "batch_tokens": 220}  # two at a time
    cache, log = tmp_path / "cache", tmp_path / "log"
    command = [sys.executable, "-c", OWNER.format(arguments=arguments), str(checkpoint), str(cache)]
    with log.open("w") as stream:
        job = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, stdout=stream, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + 120
        while not any(segment.stat().st_size for segment in cache.glob("*")):
            assert job.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.005)
        job.kill()
        job.wait()
    kept = sum(segment.read_bytes().count(b"\n") for segment in cache.iterdir())
    assert 0 < kept < 12
    capsys.readouterr()
    resumed = generate_responses(checkpoint, prompts, cache=cache, **arguments)
    printed = capsys.readouterr().out
    assert f"responses: {kept}/12 were finished by an earlier run" in printed
    assert re.search(r"responses: 12/12, [1-9]\d{0,2}(,\d{3})* tokens/s, in \d+ s", printed)
    at_once = {**arguments, "batch_tokens": 16_384}
    assert resumed.equals(generate_responses(checkpoint, prompts, **at_once))


def many_requests(limit=24):
    """Prompts that begin alike, as behind a template's system turn, with different lengths."""
    return [request(f"You are an assistant who answers. {'x' * (3 * n)}{n}", limit, seed=n) for n in range(20)]


def test_shared_prefix_and_finished_rows_change_no_response(checkpoint, model):
    requests = many_requests()
    free = run(checkpoint, requests, stop_tokens=frozenset())
    # what the responses hold at several places, so that rows end one after the other
    stop = {result.tokens[2 + n] for n, result in enumerate(free)}
    expected = [greedy_by_hand(model, r.prompt_tokens, 24, stop) for r in requests]
    assert len({len(tokens) for tokens, _ in expected}) > 3
    assert [(result.tokens, result.finish_reason) for result in run(checkpoint, requests, stop_tokens=stop)] == expected


def test_sampled_rows_keep_their_random_stream_when_others_finish(checkpoint):
    requests = many_requests()
    sampling = Sampling(temperature=1.0)
    free = run(checkpoint, requests, sampling=sampling, stop_tokens=frozenset())
    stop = {result.tokens[2 + n] for n, result in enumerate(free[:6])}
    for ended, whole in zip(run(checkpoint, requests, sampling=sampling, stop_tokens=stop), free, strict=True):
        first = next((i for i, token in enumerate(whole.tokens) if token in stop), None)
        assert ended.tokens == whole.tokens[:first]


def test_finished_rows_are_not_computed_further(model, monkeypatch):
    prompts = [r.prompt_tokens for r in many_requests()]
    free = decode(model, prompts, limit=24, stop_tokens=frozenset())
    stop = {tokens[3] for tokens in free[:12]}
    sizes = []
    forward = type(model).forward

    def counted(self, input_ids=None, **arguments):
        sizes.append(len(input_ids))
        return forward(self, input_ids=input_ids, **arguments)

    monkeypatch.setattr(type(model), "forward", counted)
    decode(model, prompts, limit=24, stop_tokens=stop)
    assert sizes[0] == 20
    assert sizes[-1] <= 10


def test_model_without_plain_cache_reuses_no_prefix(model):
    assert has_plain_cache(model)
    windowed = copy.deepcopy(model)
    windowed.config.sliding_window = 8
    assert not has_plain_cache(windowed)
    assert reusable_prefix(windowed, [[1] * 40, [1] * 41], 1) == 0
    assert reusable_prefix(model, [[1] * 40, [1] * 41], 1) == 39
