"""A cache of answered requests: append-only, content-addressed, shared by any number of processes.

A request is a JSON object with everything that its answer depends on (endpoint, served model and revision,
messages, sampling, constraint, prompt template). Its key is the SHA-256 of its canonical JSON: keys sorted, no
spaces, ASCII, no NaN. The same request finds its answer, regardless of the name of the judge.

Each process appends to a separate file (a *segment*, ``<UTC time>-<host>-<process>-<random>.jsonl``), one line per
answer, written with a single system call as soon as the answer is there. So writers never conflict, which network file
systems do not arbitrate reliably; 100,000 answers are a few files; and a killed process loses at most one line. Every
line ends with a checksum of what precedes it::

    {"key":"...","answer":{...},"request":{...},"answered":"2026-01-31T12:00:00Z","checksum":"..."}

Truncated or damaged lines are ignored. Nothing is ever changed or deleted; if two processes made the same request
concurrently, the answer in the older segment is used. Failures are not answers and must not be stored.
"""

import hashlib
import json
import os
import secrets
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from steadfast.core.errors import DataError

SUFFIX = ".jsonl"
SYNC_SECONDS = 1.0
_KEY_START = len('{"key":"')
_KEY_END = _KEY_START + 64
_CHECKSUM = b',"checksum":"'


def canonical_json(value: Any) -> bytes:
    """The one JSON text of ``value``: keys sorted, no spaces, ASCII.

    Raises:
        ValueError: ``value`` holds a number that is not finite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def request_key(request: Mapping[str, Any]) -> str:
    """SHA-256 of a request's canonical JSON, as 64 hex digits."""
    return hashlib.sha256(canonical_json(request)).hexdigest()


@dataclass(frozen=True)
class _Place:
    """Position of a line."""

    segment: Path
    offset: int
    length: int


class ResultCache:
    """The answers below one directory; use it as a context manager.

    It contains the answers that existed when it was opened, and its own.
    """

    def __init__(self, directory: str | Path, accept: Callable[[Mapping[str, Any]], bool] | None = None) -> None:
        """Index the segments in ``directory``, which need not exist.

        Args:
            directory: directory of the segments.
            accept: whether a record is an answer; others are ignored. For invalid records of older versions.
        """
        self.directory = Path(directory)
        self._accept = accept
        self.damaged = 0
        self._places: dict[str, list[_Place]] = defaultdict(list)
        self._own: dict[str, dict[str, Any]] = {}
        self._readers: dict[Path, int] = {}
        self._segment: int | None = None
        self._synced = 0.0
        for segment in sorted(self.directory.glob(f"*{SUFFIX}")):
            self._index(segment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None

    def get(self, key: str) -> dict[str, Any] | None:
        """The answer to the request with this key, or None."""
        if key in self._own:
            return self._own[key]
        for place in self._places.get(key, ()):
            record = self._read(place)
            answer = record.get("answer") if record is not None and record.get("key") == key else None
            if isinstance(answer, dict) and (self._accept is None or self._accept(answer)):
                return answer
        return None

    def put(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
        """Store the answer to a request, and return the request's key.

        It survives the death of the process at once, and that of the machine within a second.

        Raises:
            DataError: it could not be written.
        """
        key = request_key(request)
        record = {"key": key, "answer": answer, "request": request, "answered": _now()}
        body = json.dumps(record, separators=(",", ":"), allow_nan=False)[:-1].encode("ascii")
        self._append(body + _CHECKSUM + _checksum(body) + b'"}\n')
        self._own[key] = dict(answer)
        return key

    def close(self) -> None:
        """Flush this process's segment to the disk and close all files."""
        if self._segment is not None:
            os.fsync(self._segment)
            os.close(self._segment)
            self._segment = None
        while self._readers:
            os.close(self._readers.popitem()[1])

    def _append(self, line: bytes) -> None:
        try:
            if self._segment is None:
                self._segment = self._create_segment()
            written = os.write(self._segment, line)
            if time.monotonic() - self._synced > SYNC_SECONDS:
                os.fsync(self._segment)
                self._synced = time.monotonic()
        except OSError as error:
            raise DataError(f"cannot keep an answer in {self.directory}: {error}") from error
        if written != len(line):
            os.close(self._segment)
            self._segment = None  # do not append to an incomplete line
            raise DataError(f"cannot keep an answer in {self.directory}: the disk is full")

    def _create_segment(self) -> int:
        self.directory.mkdir(parents=True, exist_ok=True)
        moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime()) + f"{time.time_ns() % 10**9:09d}"
        host = "".join(letter if letter.isalnum() else "_" for letter in socket.gethostname())
        name = f"{moment}-{host}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        return os.open(self.directory / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o666)

    def _index(self, segment: Path) -> None:
        offset = 0
        with segment.open("rb") as handle:
            for line in handle:
                if line.endswith(b'"}\n') and _CHECKSUM in line:
                    key = line[_KEY_START:_KEY_END].decode("ascii", "replace")
                    self._places[key].append(_Place(segment, offset, len(line)))
                else:
                    self.damaged += 1
                offset += len(line)

    def _read(self, place: _Place) -> dict[str, Any] | None:
        if place.segment not in self._readers:
            self._readers[place.segment] = os.open(place.segment, os.O_RDONLY)
        line = os.pread(self._readers[place.segment], place.length, place.offset)
        body, _, checksum = line.rpartition(_CHECKSUM)
        if checksum != _checksum(body) + b'"}\n':
            return None
        record: dict[str, Any] = json.loads(line)
        return record


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest()[:16].encode("ascii")


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
