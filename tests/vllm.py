"""Whether tests of real vLLM run here."""

import os

import pytest

from steadfast.serving.interpreter import SETUP_HINT, interpreter_or_none


def require_vllm() -> None:
    """Skip the test where vLLM is not set up; fail in continuous integration, where it must be."""
    if interpreter_or_none() is not None:
        return
    if os.environ.get("CI"):
        pytest.fail(f"there is no environment with vLLM; {SETUP_HINT}")
    pytest.skip(f"there is no environment with vLLM; {SETUP_HINT}")
