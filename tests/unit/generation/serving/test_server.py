"""The server's life: start, health check, use, stop."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from steadfast.generation.serving.failure import ServingError
from steadfast.generation.serving.server import serve


def ask(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def test_server_responds_only_within_the_block(fake_vllm, model, capfd):
    with serve(model, name="judge", max_model_len=512, options=["--max-num-seqs", "4"]) as server:
        assert server.model == "judge"
        assert server.base_url.startswith("http://127.0.0.1:") and server.base_url.endswith("/v1")
        options = json.loads(ask(server.base_url))
        assert options[options.index("--model") + 1] == str(model)
        assert options[options.index("--served-model-name") + 1] == "judge"
        assert options[options.index("--max-model-len") + 1] == "512"
        assert options[-2:] == ["--max-num-seqs", "4"]
        assert "--disable-uvicorn-access-log" in options
    with pytest.raises(urllib.error.URLError):
        ask(server.base_url)
    assert "ready after" in capfd.readouterr().out


def test_template_and_stop_tokens_are_passed_in_files(fake_vllm, model):
    with serve(model, template="{{ messages }}", stop_tokens=[5, 7]) as server:
        options = json.loads(ask(server.base_url))
        file = Path(options[options.index("--chat-template") + 1])
        assert file.read_text() == "{{ messages }}"
        # the last of two counts
        places = [at for at, option in enumerate(options) if option == "--generation-config"]
        folder = Path(options[places[-1] + 1])
        assert json.loads((folder / "generation_config.json").read_text()) == {"eos_token_id": [5, 7]}
    assert not file.exists() and not folder.exists()


def test_default_context_length_is_chosen_by_vllm(fake_vllm, model):
    with serve(model) as server:
        options = json.loads(ask(server.base_url))
        assert options[options.index("--max-model-len") + 1] == "-1"


def test_server_stops_when_the_block_raises(fake_vllm, model):
    with pytest.raises(ZeroDivisionError), serve(model) as server:
        _ = 1 / 0
    with pytest.raises(urllib.error.URLError):
        ask(server.base_url)


def test_failed_server_start_shows_log_end_and_remedy(fake_vllm, model, monkeypatch):
    monkeypatch.setenv("FAKE_VLLM_BROKEN", "1")
    with pytest.raises(ServingError) as caught, serve(model):
        pass
    message = str(caught.value)
    assert message.startswith("vLLM's server did not start (exit status 1).")
    assert "What may help: not enough memory: lower runtime.memory_fraction" in message
    assert message.endswith("    ValueError: No available memory for the cache blocks.")


def test_slow_server_start_times_out(fake_vllm, model, monkeypatch):
    monkeypatch.setattr("steadfast.generation.serving.server._healthy", lambda url: False)
    with pytest.raises(ServingError, match="did not answer within 1 s"), serve(model, start_timeout=1.0):
        pass
