"""Whether tests of real vLLM run here."""

import os

import pytest

from steadfast.generation.serving.interpreter import SETUP_HINT, Interpreter, interpreter_or_none


def require_vllm() -> Interpreter:
    """The interpreter with vLLM; skip the test where there is none, but fail in continuous integration."""
    found = interpreter_or_none()
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"there is no environment with vLLM; {SETUP_HINT}")
    return found
