"""Which Python runs vLLM."""

import sys

import pytest

from steadfast.core.errors import ConfigError
from steadfast.generation.serving import interpreter
from steadfast.generation.serving.interpreter import find_interpreter, interpreter_or_none


@pytest.fixture
def nothing_set_up(tmp_path, monkeypatch):
    monkeypatch.delenv("STEADFAST_VLLM_PYTHON", raising=False)
    monkeypatch.setattr(interpreter, "PROJECT", tmp_path)


def test_the_variable_names_it(fake_vllm):
    found = find_interpreter()
    assert (found.python, found.cpu_build, found.version) == (fake_vllm, True, "0.30.0")


def test_the_config_wins_over_the_variable(fake_vllm, monkeypatch):
    monkeypatch.setenv("STEADFAST_VLLM_PYTHON", "/nowhere/python")
    assert find_interpreter(str(fake_vllm)).python == fake_vllm


def test_the_projects_own_environment_is_found(fake_vllm, nothing_set_up, tmp_path):
    own = tmp_path / ".venv-vllm" / "bin"
    own.mkdir(parents=True)
    (own / "python").symlink_to(fake_vllm)
    assert find_interpreter().python == own / "python"


@pytest.mark.parametrize("configured", ["/nowhere/python", sys.executable])
def test_a_python_without_vllm_is_refused_with_a_hint(configured, nothing_set_up):
    with pytest.raises(ConfigError, match=f"{configured} is not a Python interpreter that has vLLM; `make vllm`"):
        find_interpreter(configured)


def test_without_any_the_error_says_how_to_get_one(nothing_set_up):
    with pytest.raises(ConfigError, match="`make vllm` sets one up"):
        find_interpreter()
    assert interpreter_or_none() is None
