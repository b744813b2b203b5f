"""Prompts of a public benchmark by name, from the Hugging Face hub or a local copy of its files."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from steadfast.core.errors import ConfigError, DataError
from steadfast.core.path_checks import directory_problem
from steadfast.core.plug_ins import NameOf
from steadfast.core.settings import AnyPath, Text, UniqueItems
from steadfast.prompts.benchmarks import Benchmark, BenchmarkPart, fitting, over_refusal_category
from steadfast.prompts.benchmarks.catalog import BENCHMARKS
from steadfast.prompts.sources import Loaded, SourcePrompt, Split, check_assign
from steadfast.prompts.sources.kinds import dataset
from steadfast.prompts.sources.reading.formats import column_names
from steadfast.prompts.sources.reading.rows import RowReading
from steadfast.prompts.sources.settings import PinnedSettings


class Settings(PinnedSettings):
    """A public benchmark by its name; `kind` may be left out."""

    hub_key: ClassVar[str] = "benchmark"

    benchmark: Annotated[str, NameOf(others=tuple(BENCHMARKS))] = Field(
        description="Name of the benchmark; docs/benchmarks.md lists size, license and parts of each."
    )
    parts: UniqueItems[Text] | None = Field(
        None,
        min_length=1,
        description=(
            "Parts to use; null takes all parts with the label under which the source is listed, except those "
            "marked *by name only* on that page."
        ),
    )
    path: AnyPath | None = Field(
        None, description="Instead of the hub, a folder with a copy of the data set, or the publisher's file."
    )
    revision: str = Field("main", description="Commit, tag or branch of the data set on the hub.")

    @classmethod
    def hub_repository(cls, entry: Mapping[str, str]) -> str:
        """The data set of the benchmark, where no copy of it is named."""
        found = BENCHMARKS.get(entry["benchmark"])
        return found.repo if found and "path" not in entry else ""

    def labels(self) -> tuple[str, ...]:
        """The labels that its parts have."""
        return tuple(dict.fromkeys(part.label for part in BENCHMARKS[self.benchmark].chosen(self.parts)))


def load(
    *,
    benchmark: str,
    parts: Sequence[str] | None = None,
    path: str | None = None,
    revision: str = "main",
    assign: Split | None = None,
) -> Loaded:
    """Read the prompts of a benchmark, each with its label.

    Args:
        benchmark: its name.
        parts: names of its parts; None takes the default ones.
        path: instead of the hub, a folder with a copy of the data set, or the publisher's file.
        revision: commit, tag or branch of the data set on the hub.
        assign: split that all prompts are pinned to.

    Raises:
        ConfigError: the settings cannot be used.
        DataError: the hub cannot be reached, or the data do not have the benchmark's layout.
    """
    found = BENCHMARKS[benchmark]
    loaded = [_read(benchmark, part, path, revision, assign) for part in found.chosen(parts)]
    return Loaded(
        [prompt for one in loaded for prompt in one.prompts],
        list(dict.fromkeys(notice for one in loaded for notice in one.notices)),
    )


def check(
    *,
    benchmark: str,
    parts: Sequence[str] | None = None,
    path: str | None = None,
    revision: str = "main",
    assign: Split | None = None,
) -> None:
    """Check the settings: those with a path whole, those of the hub as far as that goes without it.

    Raises:
        ConfigError: the message names the key, what was found and what is allowed; a gated data set needs a token.
    """
    check_assign(assign)
    found = BENCHMARKS[benchmark]
    chosen = found.chosen(parts)
    if path is None:
        if found.gated and not os.environ.get("HF_TOKEN"):
            raise ConfigError(_gated(found))
        return
    if revision != "main":
        raise ConfigError(f"revision: {revision!r} is of the hub's data set, and path: {path!r} has none")
    if Path(path).is_file():
        _check_parts_of_a_file(chosen, path)
    for part in chosen:
        try:
            _reading(part, paths := _local(part, path)).check_files(paths)
        except DataError as error:
            raise ConfigError(f"path: {error}") from error


def notices(**_: object) -> list[str]:
    """None, since the meaning of a benchmark's columns is known."""
    return []


def files(*, benchmark: str, parts: Sequence[str] | None = None, path: str | None = None, **_: object) -> list[str]:
    """The files of a local copy; none of the hub."""
    if path is None:
        return []
    chosen = BENCHMARKS[benchmark].chosen(parts)
    return list(dict.fromkeys(file for part in chosen for file in _local(part, path)))


def _read(benchmark: str, part: BenchmarkPart, path: str | None, revision: str, assign: Split | None) -> Loaded:
    if path is None:
        paths, source = dataset.downloaded(BENCHMARKS[benchmark].repo, revision, part.subset, part.split)
    else:
        paths, source = _local(part, path), path
    try:
        loaded = _reading(part, paths, assign).read(paths, f"{benchmark}, {part.name} ({source})")
    except DataError as error:
        raise DataError(f"benchmark {benchmark}: {error}") from error
    return Loaded([_labeled(prompt, benchmark, part) for prompt in loaded.prompts], loaded.notices)


def _labeled(prompt: SourcePrompt, benchmark: str, part: BenchmarkPart) -> SourcePrompt:
    """A prompt with its label, and the category by which over-refusal is measured on it."""
    category = prompt.category
    if part.over_refusal:
        category = over_refusal_category(benchmark, category or part.name)
    return SourcePrompt(prompt.text, category, prompt.split, part.label, prompt.source)


def _reading(part: BenchmarkPart, paths: Sequence[str], assign: Split | None = None) -> RowReading:
    shared = set.intersection(*(set(column_names(path)) for path in paths))
    layout = fitting(part, shared, ", ".join(paths))
    return RowReading(**layout.reading(), assign=assign)


def _local(part: BenchmarkPart, path: str) -> list[str]:
    """The files of a part in a local copy: the path itself, or those of a folder that is laid out as on the hub."""
    if Path(path).is_file():
        return [path]
    problem = directory_problem(path)
    if problem:
        raise ConfigError(f"path: {problem}")
    return dataset.local_files(path, part.subset, part.split)


def _check_parts_of_a_file(parts: Sequence[BenchmarkPart], path: str) -> None:
    """Check that a file's rows can be distinguished, where several parts of one label are read."""
    for label in dict.fromkeys(part.label for part in parts):
        same = [part for part in parts if part.label == label]
        if len(same) > 1 and not all(fitting(part, column_names(path), path).where for part in same):
            names = ", ".join(part.name for part in same)
            raise ConfigError(f"parts: {path} does not say which of its rows are {names}; name the part that it holds")


def _gated(found: Benchmark) -> str:
    copy = f"; or name a copy of {found.original} with `path`" if found.original else ", or name a copy with `path`"
    return (
        f"benchmark: {found.title} ({found.repo}) is gated, and HF_TOKEN is not set: accept its terms on "
        f"https://huggingface.co/datasets/{found.repo}, create an access token and set HF_TOKEN{copy}"
    )
