"""A LoRA adapter over another model of the configuration."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from steadfast.core.errors import DataError, suggest
from steadfast.core.settings import AnyPath, Seed, UniqueItems, optional
from steadfast.models.adapters.settings import CONFIG, WEIGHTS, read_settings
from steadfast.models.settings import REPOSITORY, ChattingModelSettings
from steadfast.models.sources import Entry, Source

SEED = "{seed}"


class Settings(ChattingModelSettings):
    """A LoRA adapter over another model, merged into its weights."""

    base: str = Field(description="Name of the model, under `models`, that the adapter was trained on.")
    path: AnyPath | None = optional(
        description=(
            "Directory with `adapter_config.json` and `adapter_model.safetensors`, as written by PEFT. With "
            "`seeds`, it contains `{seed}`."
        )
    )
    repo: str | None = optional(
        description="Instead of `path`, a repository on the Hugging Face hub.", pattern=REPOSITORY
    )
    revision: str | None = optional(description="Commit, tag or branch of `repo`; `main` by default.")
    seeds: UniqueItems[Seed] | None = optional(
        description=(
            "One replicate per seed, `NAME-seed0`, `NAME-seed1`, ..., each a separate model of the group `NAME`; "
            "`path` contains `{seed}`."
        ),
        min_length=1,
    )


def _problems(entry: Entry, config: Mapping[str, Any]) -> Iterator[str]:
    yield from _base_problems(entry, config["models"])
    places = [key for key in ("path", "repo") if key in entry]
    if len(places) != 1:
        given = " and ".join(places) or "neither"
        yield f"an adapter has one place: `path` (a directory) or `repo`; found {given}"
    elif places == ["path"]:
        if "revision" in entry:
            yield "revision: only an adapter of the hub has one; remove revision"
        try:
            read_settings(Path(entry["path"]))
        except DataError as error:
            yield f"path: {error}"


def _base_problems(entry: Entry, models: Mapping[str, Entry]) -> Iterator[str]:
    base = entry["base"]
    if base not in models:
        yield f"base: unknown model {base!r}{suggest(base, models)}"
        return
    chain = [base]
    while models[chain[-1]]["source"] == "adapter" and models[chain[-1]]["base"] in models:
        below = models[chain[-1]]["base"]
        if below in chain or models[below] is entry:
            yield f"base: the bases go round in a circle ({' -> '.join([*chain, below])})"
            return
        chain.append(below)


def _files(entry: Entry) -> list[str]:
    if "path" not in entry:
        return []
    return [str(Path(entry["path"]) / name) for name in (CONFIG, WEIGHTS)]


def _hub_files(_entry: Entry) -> list[str]:
    return [CONFIG, WEIGHTS]


def _base(entry: Entry) -> str:
    return str(entry["base"])


def _of_seed(entry: Entry, seed: int) -> dict[str, Any]:
    """The entry with the seed in the place that ``{seed}`` keeps for it."""
    places = {key: entry[key].replace(SEED, str(seed)) for key in ("path", "repo", "base") if key in entry}
    return {**entry, **places}


SOURCE = Source(_problems, _files, hub_files=_hub_files, base=_base, of_seed=_of_seed, written_out=True)
