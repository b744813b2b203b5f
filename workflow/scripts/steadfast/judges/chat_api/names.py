"""Check of the name of the model that answered."""

import re
from collections.abc import Iterable

# Suffix that an endpoint may append to the requested name: gpt-5 answers as gpt-5-2025-08-07.
_VERSION = re.compile(r"(?:[-@:._](?:v?\d{3,}[-.\d]*|\d{2}-20\d{2}|latest))?")
_LATEST = re.compile(r"[-:@]latest$")
# Routing suffixes of one model (OpenRouter). A size after a colon (Ollama's llama3:70b) is another model.
_ROUTING = re.compile(r":(?:free|nitro|floor|extended|exacto|online|thinking|beta)$")
_FILE = re.compile(r"\.gguf$")


def accepts(served: str, requested: Iterable[str]) -> bool:
    """Whether a name is a requested one or a dated version of it; a missing name is accepted.

    Args:
        served: model name reported by the endpoint.
        requested: the names that are accepted.
    """
    short = _short(served)
    return not served or any(_is_version(short, _short(name)) for name in requested)


def explain(served: str, requested: str) -> str:
    """Advice if the endpoint reports another name."""
    return (
        f"'{requested}' was requested, but '{served}' answered; if that is the same model (an alias, or what an Azure "
        f"deployment serves), add `accepted_models: [{served}]` to the judge"
    )


def _is_version(served: str, requested: str) -> bool:
    name = _LATEST.sub("", requested)
    return served.startswith(name) and _VERSION.fullmatch(served.removeprefix(name)) is not None


def _short(name: str) -> str:
    """A model's name without owner, routing suffix and file suffix, in lower case."""
    last = re.split(r"[/\\]", name)[-1].casefold()
    return _FILE.sub("", _ROUTING.sub("", last))
