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


def test_responses_come_back_under_their_requests(fake_vllm, model, capfd):
    assert generate(model) == {
        0: Generation((3, 2, 1), "stop"),
        1: Generation((5, 4), "stop"),
        2: Generation((9, 8), "length"),
    }
    assert f"loading {model} as float32" in capfd.readouterr().out


def test_more_work_than_fits_into_a_pipe(fake_vllm, model):
    requests = [GenerationRequest(tuple(range(400)), 500)] * 500
    found = generate(model, requests, stop_tokens=frozenset({999}))
    assert found == dict.fromkeys(range(500), Generation(tuple(reversed(range(400))), "stop"))


def test_failing_start_shows_end_of_log_and_what_may_help(fake_vllm, model, monkeypatch):
    monkeypatch.setenv("FAKE_VLLM_BROKEN", "1")
    with pytest.raises(ServingError, match=r"(?s)did not start.*remove torchvision.*operator torchvision::nms"):
        generate(model)


def test_a_start_that_takes_too_long_is_given_up(fake_vllm, model, monkeypatch):
    monkeypatch.setenv("FAKE_VLLM_HANGS", "1")
    with pytest.raises(ServingError, match="did not start within 1 s"):
        generate(model, start_timeout=1.0)


def test_death_half_way_keeps_what_was_done_and_says_why(fake_vllm, model, monkeypatch):
    monkeypatch.setenv("FAKE_VLLM_DIES_AT", "0")
    found = {}
    with pytest.raises(ServingError, match=r"(?s)ended after 2 of 3 responses \(exit status 9\).*not enough memory"):
        for index, generation in build().generate(model, REQUESTS, sampling=Sampling(), stop_tokens={50}):
            found[index] = generation
    assert set(found) == {1, 2}


def test_without_an_environment_the_error_says_how_to_get_one(model):
    with pytest.raises(ConfigError, match="make vllm"):
        generate(model, vllm_python="/nowhere/python")
