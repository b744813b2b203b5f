"""Make a conda channel of two packages, this machine's Python and its pip, where no real channel can be reached.

    python tests/conda/channel.py CHANNEL

It must be run by a Python that has py-rattler. The Python that is packed is the one below it: what a conda environment
of this workflow holds in addition comes from pip's exact pins.
"""

import asyncio
import hashlib
import io
import json
import os
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rattler.index import index_fs

PREFIX = Path(sys.base_prefix).resolve()
VERSION = ".".join(map(str, sys.version_info[:3]))
LIBRARY = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}"
LEFT_OUT = {"__pycache__", "test", "tests", "idlelib", "turtledemo", "site-packages", "lib2to3", "tkinter"}
PIP = b'#!/bin/sh\nexec "$(dirname "$0")/python" -m pip "$@"\n'


@dataclass(frozen=True)
class Entry:
    """A file of a package.

    Attributes:
        path: relative to the environment.
        content: its bytes, or where it links to.
        executable: whether it may be run.
    """

    path: str
    content: bytes | str
    executable: bool = False


def main() -> None:
    """Write both packages and the channel's index."""
    channel = Path(sys.argv[1])
    python = [*python_files(), Entry("bin/pip", PIP, executable=True)]
    where = {"python_site_packages_path": f"{LIBRARY}/site-packages"}
    write_package(channel, "linux-64", "python", python, {**where, "arch": "x86_64", "platform": "linux"})
    note = Entry("share/pip.txt", b"pip lies in the package of Python.\n")
    write_package(channel, "noarch", "pip", [note], {"noarch": "generic", "depends": [f"python {VERSION}"]})
    asyncio.run(write_index(channel))


async def write_index(channel: Path) -> None:
    """Write ``repodata.json`` of every platform."""
    await index_fs(channel, force=True)
    sys.stdout.flush()
    os._exit(0)  # the library's threads do not survive the interpreter's end


def python_files() -> Iterator[Entry]:
    """The interpreter, its libraries, the standard library and pip."""
    names = [f"bin/{name}" for name in ("python", "python3", Path(LIBRARY).name)]
    packages = [path for pattern in ("pip", "pip-*", "setuptools*") for path in packages_folder().glob(pattern)]
    roots = [PREFIX / LIBRARY, PREFIX / "include", *packages]
    yield from map(entry, [PREFIX / name for name in names])
    yield from map(entry, (PREFIX / "lib").glob("libpython*"))
    for root in roots:
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name not in LEFT_OUT]
            yield from (entry(Path(folder) / name) for name in files if not name.endswith((".pyc", ".a")))


def packages_folder() -> Path:
    """Where third-party packages lie."""
    return PREFIX / LIBRARY / "site-packages"


def entry(path: Path) -> Entry:
    """A file of the interpreter, with its library searched for next to it and not where it was built."""
    name = str(path.relative_to(PREFIX))
    if path.is_symlink():
        return Entry(name, os.readlink(path))
    content = path.read_bytes()
    built, here = f"{PREFIX}/lib\0".encode(), b"$ORIGIN" if name.startswith("lib/lib") else b"$ORIGIN/../lib"
    if content.startswith(b"\x7fELF") and built in content:
        content = content.replace(built, here.ljust(len(built), b"\0"))
    return Entry(name, content, executable=os.access(path, os.X_OK))


def write_package(channel: Path, platform: str, name: str, entries: list[Entry], more: dict[str, Any]) -> None:
    """Write one package in conda's archive format."""
    index = {"name": name, "version": VERSION, "build": "0", "build_number": 0, "depends": [], "subdir": platform}
    paths = {"paths": list(map(path_record, entries)), "paths_version": 1}
    target = channel / platform / f"{name}-{VERSION}-0.tar.bz2"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w:bz2", compresslevel=1) as archive:
        for item in entries:
            add(archive, item)
        add(archive, Entry("info/index.json", json.dumps({**index, **more}).encode()))
        add(archive, Entry("info/paths.json", json.dumps(paths).encode()))
        add(archive, Entry("info/about.json", b"{}"))


def path_record(item: Entry) -> dict[str, Any]:
    """What the package says of a file."""
    content = item.content if isinstance(item.content, bytes) else b""
    kind = "hardlink" if isinstance(item.content, bytes) else "softlink"
    record = {"_path": item.path, "path_type": kind, "sha256": hashlib.sha256(content).hexdigest()}
    record |= {"size_in_bytes": len(content)}
    if PREFIX.as_posix().encode() in content and not content.startswith(b"\x7fELF"):
        record |= {"prefix_placeholder": str(PREFIX), "file_mode": "text"}
    return record


def add(archive: tarfile.TarFile, item: Entry) -> None:
    """Add a file or a link to an archive."""
    info = tarfile.TarInfo(item.path)
    if isinstance(item.content, str):
        info.type, info.linkname = tarfile.SYMTYPE, item.content
        archive.addfile(info)
        return
    info.size, info.mode = len(item.content), 0o755 if item.executable else 0o644
    archive.addfile(info, io.BytesIO(item.content))


if __name__ == "__main__":
    main()
