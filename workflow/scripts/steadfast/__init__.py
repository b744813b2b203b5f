"""Steadfast: does safety training survive abliteration, and can the judge that says so be trusted?

Importing the package loads nothing heavy: torch, transformers, vllm and openai are imported by the
modules that need them, so that a rule pays only for what it uses. The names of ``steadfast.api`` are here as well
(``steadfast.judge``, ``steadfast.find_direction``, ...); each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steadfast.api import *  # noqa: F403

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a name of the API when it is used."""
    # by name: `from steadfast import api` would ask this very function for it
    if not name.startswith("_") and name in import_module("steadfast.api").__all__:
        return getattr(import_module("steadfast.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *import_module("steadfast.api").__all__]
