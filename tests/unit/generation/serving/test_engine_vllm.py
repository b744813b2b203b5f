"""The vLLM engine's side of the conversation with its worker; vLLM itself is a fake that echoes backwards."""

import pytest

from steadfast.core.errors import ConfigError
from steadfast.generation.engines.vllm import build
from steadfast.generation.interface import Generation, GenerationRequest, Runtime, Sampling
from steadfast.generation.serving.failure import ServingError

REQUESTS = [GenerationRequest((1, 2, 3), 8), GenerationRequest((4, 5), 8), GenerationRequest((6, 7, 8, 9), 2)]


def generate(model, requests=REQUESTS, stop_tokens=frozenset({50}), **runtime):
    engine = build(runtime=Runtime(**runtime))
    return dict(engine.generate(model, requests, sampling=Sampling(), stop_tokens=stop_tokens))


def test_responses_are_matched_to_their_requests(fake_vllm, model, capfd):
    assert generate(model) == {
        0: Generation((3, 2, 1), "stop"),
        1: Generation((5, 4), "stop"),
        2: Generation((9, 8), "length"),
    }
    assert f"loading {model} as float32" in capfd.readouterr().out


def test_work_larger_than_a_pipe_buffer_completes(fake_vllm, model):
    requests = [GenerationRequest(tuple(range(400)), 500)] * 500
    found = generate(model, requests, stop_tokens=frozenset({999}))
    assert found == dict.fromkeys(range(500), Generation(tuple(reversed(range(400))), "stop"))


def test_failed_start_shows_log_end_and_remedy(fake_vllm, model, monkeypatch):
    monkeypatch.setenv("FAKE_VLLM_BROKEN", "1")
    with pytest.raises(ServingError, match=r"(?s)did not start.*remove torchvision.*operator torchvision::nms"):
        generate(model)


def test_slow_start_times_out(fake_vllm, model, monkeypatch):
    monkeypatch.setenv("FAKE_VLLM_HANGS", "1")
    with pytest.raises(ServingError, match="did not start within 1 s"):
        generate(model, start_timeout=1.0)


def test_crash_keeps_finished_responses_and_reports_the_cause(fake_vllm, model, monkeypatch):
    monkeypatch.setenv("FAKE_VLLM_DIES_AT", "0")
    found = {}
    with pytest.raises(ServingError, match=r"(?s)ended after 2 of 3 responses \(exit status 9\).*not enough memory"):
        for index, generation in build().generate(model, REQUESTS, sampling=Sampling(), stop_tokens={50}):
            found[index] = generation
    assert set(found) == {1, 2}


def test_missing_vllm_environment_error_names_make_vllm(model):
    with pytest.raises(ConfigError, match="make vllm"):
        generate(model, vllm_python="/nowhere/python")
