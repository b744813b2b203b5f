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


def test_interpreter_is_found_by_environment_variable(fake_vllm):
    found = find_interpreter()
    assert (found.python, found.cpu_build, found.version) == (fake_vllm, True, "0.30.0")


def test_config_overrides_the_environment_variable(fake_vllm, monkeypatch):
    monkeypatch.setenv("STEADFAST_VLLM_PYTHON", "/nowhere/python")
    assert find_interpreter(str(fake_vllm)).python == fake_vllm


def test_project_environment_is_found_by_default(fake_vllm, nothing_set_up, tmp_path):
    own = tmp_path / ".venv-vllm" / "bin"
    own.mkdir(parents=True)
    (own / "python").symlink_to(fake_vllm)
    assert find_interpreter().python == own / "python"


@pytest.mark.parametrize("configured", ["/nowhere/python", sys.executable])
def test_python_without_vllm_is_rejected_with_a_hint(configured, nothing_set_up):
    with pytest.raises(ConfigError, match=f"{configured} is not a Python interpreter that has vLLM; `make vllm`"):
        find_interpreter(configured)


def test_missing_interpreter_error_names_make_vllm(nothing_set_up):
    with pytest.raises(ConfigError, match="`make vllm` sets one up"):
        find_interpreter()
    assert interpreter_or_none() is None
