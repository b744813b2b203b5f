"""Warnings about valid configurations."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from steadfast.config.serving import place_of_model
from steadfast.core.errors import DataError
from steadfast.core.names import PROMPT_LABELS
from steadfast.core.plug_ins import JUDGES
from steadfast.core.text_files import GUESSED, is_guessed


class ConfigWarning(UserWarning):
    """Something in the configuration that is valid but that the user should know about."""


def warnings_about(config: Mapping[str, Any]) -> Iterator[str]:
    """Warnings of a complete configuration."""
    sources = {
        f"prompts.{label}.{n}": item for label in PROMPT_LABELS for n, item in enumerate(config["prompts"][label])
    }
    models = {place_of_model(config, name): model for name, model in config["models"].items()}
    of_hub = {where: entry for where, entry in models.items() if entry.get("repo")}
    of_hub |= {where: entry for where, entry in sources.items() if not entry.get("path")}
    moving = [where for where, entry in of_hub.items() if entry.get("revision") in ("main", "master")]
    if moving:
        yield f"{', '.join(moving)}: the revision `main` can change between two runs; `make pin` writes the commits"
    yield from _source_notices(sources)
    yield from _guessed_encodings(config)
    judges = [*config["judges"].values(), *config["rubrics"].values()]
    used = {own[0] for judge in judges if (own := JUDGES.read(judge).weights())}
    bases = {model.get("base") for model in config["models"].values()}
    for name, model in config["models"].items():
        if model["role"] == "judge" and name not in used:
            yield f"models.{name}: has `role: judge`, and no judge runs on it"
        if model["role"] == "base" and name not in bases:
            yield f"models.{name}: has `role: base`, and no adapter builds on it"


def _source_notices(sources: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    from steadfast.prompts.sources import source_notices
    from steadfast.prompts.table import can_be_previewed

    for where, source in sources.items():
        if can_be_previewed([source]):
            yield from (f"{where}: {notice}" for notice in source_notices(source))


def _guessed_encodings(config: Mapping[str, Any]) -> Iterator[str]:
    tables = {f"counts_tables.{name}": path for name, path in config["counts_tables"].items()}
    files = {**tables, **{f"annotations.{number}": path for number, path in enumerate(config["annotations"])}}
    for where, path in files.items():
        # unreadable files are reported by their reader
        with suppress(DataError):
            if is_guessed(path):
                yield f"{where}: {GUESSED.format(path=path)}"
