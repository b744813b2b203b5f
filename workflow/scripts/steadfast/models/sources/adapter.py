"""A LoRA adapter over another model of the configuration."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError, suggest
from steadfast.models.adapters.settings import CONFIG, WEIGHTS, read_settings
from steadfast.models.sources import Source, Stanza


def _problems(stanza: Stanza, config: Mapping[str, Any]) -> Iterator[str]:
    yield from _base_problems(stanza, config["models"])
    places = [key for key in ("path", "repo") if key in stanza]
    if len(places) != 1:
        given = " and ".join(places) or "neither"
        yield f"an adapter has one place: `path` (a directory) or `repo`; found {given}"
    elif places == ["path"]:
        if "revision" in stanza:
            yield "revision: only an adapter of the hub has one; remove revision"
        try:
            read_settings(Path(stanza["path"]))
        except DataError as error:
            yield f"path: {error}"


def _base_problems(stanza: Stanza, models: Mapping[str, Stanza]) -> Iterator[str]:
    base = stanza["base"]
    if base not in models:
        yield f"base: unknown model {base!r}{suggest(base, models)}"
        return
    chain = [base]
    while models[chain[-1]]["source"] == "adapter" and models[chain[-1]]["base"] in models:
        below = models[chain[-1]]["base"]
        if below in chain or models[below] is stanza:
            yield f"base: the bases go round in a circle ({' -> '.join([*chain, below])})"
            return
        chain.append(below)


def _files(stanza: Stanza) -> list[str]:
    if "path" not in stanza:
        return []
    return [str(Path(stanza["path"]) / name) for name in (CONFIG, WEIGHTS)]


def _hub_files(_stanza: Stanza) -> list[str]:
    return [CONFIG, WEIGHTS]


SOURCE = Source(_problems, _files, hub_files=_hub_files)
