"""The header of a GGUF file: its settings and its table of tensors, without the tensors.

It is read before a run's first job, so that nothing heavy is imported here, and the vocabulary is stepped over.
The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
LONGEST_LIST = 256
"""Lists of more strings than this (vocabularies, merges) are stepped over."""


@dataclass(frozen=True)
class GgufTensor:
    """One tensor of a GGUF file.

    Attributes:
        name: as llama.cpp calls it.
        shape: sizes of its axes, in the order of safetensors.
        type_id: number of its storage type (``ggml_type``).
        offset: first byte, from the beginning of the tensors' data.
    """

    name: str
    shape: tuple[int, ...]
    type_id: int
    offset: int

    @property
    def count(self) -> int:
        """Number of its elements."""
        return prod(self.shape)


@dataclass(frozen=True)
class GgufHeader:
    """Header of a GGUF file.

    Attributes:
        path: the file.
        size: its bytes.
        settings: its keys and values; long lists of strings are left out.
        list_lengths: number of entries of each list, those that were left out included.
        tensors: its tensors, in the order of its table.
        data_start: where the tensors' data begins.
    """

    path: Path
    size: int
    settings: Mapping[str, Any]
    list_lengths: Mapping[str, int]
    tensors: tuple[GgufTensor, ...]
    data_start: int

    @property
    def architecture(self) -> str:
        """Name of the architecture, as llama.cpp calls it."""
        return str(self.settings.get("general.architecture", ""))

    @property
    def tied(self) -> bool:
        """Whether the output head is tied to the embedding (the file has no output head)."""
        return all(tensor.name != "output.weight" for tensor in self.tensors)

    def setting(self, key: str, default: Any = None) -> Any:
        """A setting of the architecture, for example ``block_count``."""
        return self.settings.get(f"{self.architecture}.{key}", default)


def read_header(path: str | Path) -> GgufHeader:
    """Read the header of a GGUF file.

    Raises:
        DataError: there is no such file, it is not a GGUF file, of a version that is not known, or cut off.
    """
    file = Path(path)
    try:
        with file.open("rb") as opened:
            if opened.read(4) != MAGIC:
                raise DataError(f"{file} is not a GGUF file: it does not begin with {MAGIC.decode()!r}")
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return _Reader(content).header(file)
    except (struct.error, UnicodeDecodeError, OverflowError) as error:
        raise DataError(f"{file} is not a complete GGUF file: its header is cut off or damaged") from error
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error}") from error


class _Reader:
    """Reads values one after the other."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._at = 4
        self._lengths: dict[str, int] = {}

    def header(self, path: Path) -> GgufHeader:
        version = self._number("I")
        if version not in VERSIONS:
            # in a file for big-endian machines the version's bytes are swapped
            found = "for big-endian machines" if version & 0xFFFF == 0 else f"of version {version}"
            raise DataError(f"{path} is a GGUF file {found}; only versions {' and '.join(map(str, VERSIONS))} are read")
        tensor_count, setting_count = self._number("Q"), self._number("Q")
        settings = {}
        for _ in range(setting_count):
            key = self._string()
            value = self._value(key, self._number("I"))
            if value is not None:
                settings[key] = value
        tensors = tuple(self._tensor() for _ in range(tensor_count))
        alignment = int(settings.get("general.alignment", 32))
        data_start = -(-self._at // alignment) * alignment
        return GgufHeader(path, len(self._content), settings, self._lengths, tensors, data_start)

    def _value(self, key: str, kind: int) -> Any:
        if kind == STRING:
            return self._string()
        if kind == ARRAY:
            return self._list(key)
        return self._number(NUMBERS.get(kind, ""))

    def _list(self, key: str) -> list[Any] | None:
        kind, count = self._number("I"), self._number("Q")
        self._lengths[key] = count
        if kind in NUMBERS:
            values = struct.unpack_from(f"<{count}{NUMBERS[kind]}", self._content, self._at)
            self._at += struct.calcsize(f"<{count}{NUMBERS[kind]}")
            return list(values) if count <= LONGEST_LIST else None
        if kind != STRING:
            raise struct.error(f"a list of type {kind}")
        if count <= LONGEST_LIST:
            return [self._string() for _ in range(count)]
        for _ in range(count):
            self._at += 8 + struct.unpack_from("<Q", self._content, self._at)[0]
        return None

    def _tensor(self) -> GgufTensor:
        name = self._string()
        axes = self._number("I")
        shape = [self._number("Q") for _ in range(axes)]
        # llama.cpp counts axes from the one that moves fastest
        return GgufTensor(name, tuple(reversed(shape)), self._number("I"), self._number("Q"))

    def _string(self) -> str:
        length = self._number("Q")
        if length > len(self._content) - self._at:
            raise struct.error("a text that is longer than the file")
        text = self._content[self._at : self._at + length].decode("utf-8")
        self._at += length
        return text

    def _number(self, code: str) -> Any:
        if not code:
            raise struct.error("a value of an unknown type")
        (value,) = struct.unpack_from(f"<{code}", self._content, self._at)
        self._at += struct.calcsize(f"<{code}")
        return value
