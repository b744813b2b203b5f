"""Text files of other programs, in any common encoding, compressed or not, with one clear message for others."""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from steadfast.core.errors import DataError

PACKED = ".gz"
CP1252 = "cp1252"
GUESSED = "{path} is not UTF-8 and was read as Windows-1252; look at letters beyond A-Z"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# signatures of other kinds of files that may be mistaken for text
_FOREIGN_FILES = {
    b"PK\x03\x04": "a workbook or an archive; save the sheet as `CSV UTF-8` in the spreadsheet",
    b"\xd0\xcf\x11\xe0": "a workbook of an old spreadsheet; save the sheet as `CSV UTF-8` there",
    b"%PDF": "a PDF; a text file is needed",
    b"PAR1": "a Parquet file; give it the suffix .parquet",
    b"\x1f\x8b": "packed by gzip; let its name end in .gz",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself; fetch that with `git lfs pull`",
    b"<!doctype html": "a web page; download the file itself",
    b"<html": "a web page; download the file itself",
}
# Accented letters are rare in Western languages: runs of them, and lines of mostly them, mean another code page.
_FOREIGN_LETTERS = re.compile(rb"[\xc0-\xff]{4}")
_FOREIGN_SHARE = 0.4
_ADVICE = "save it as `CSV UTF-8` in the spreadsheet, or as UTF-8 in the editor"


def read_any_text(path: str | Path) -> str:
    """The text of a file in UTF-8, UTF-16 or (from older spreadsheets) Windows-1252; decompressed if ``.gz``.

    Raises:
        DataError: there is no such file, or it is not text in one of these encodings.
    """
    raw = read_bytes(path)
    for start, kind in _FOREIGN_FILES.items():
        if raw[: len(start)].lower() == start.lower():
            raise DataError(f"{path} is {kind}")
    text = _decoded(path, raw)[0].removeprefix("\ufeff")
    if "\0" in text:
        raise DataError(f"{path} holds NUL characters, so it is not a text file, or UTF-16 without its mark; {_ADVICE}")
    return text


def read_bytes(path: str | Path) -> bytes:
    """The content of a file, decompressed if its name ends in ``.gz``.

    Raises:
        DataError: it cannot be read or unpacked.
    """
    try:
        raw = Path(path).read_bytes()
        return gzip.decompress(raw) if Path(path).suffix.lower() == PACKED else raw
    except FileNotFoundError as error:
        raise DataError(f"no such file: {path}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} cannot be unpacked: it is damaged, or not packed by gzip ({error})") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def is_guessed(path: str | Path) -> bool:
    """Whether a text file is assumed to be Windows-1252 because it is not UTF-8.

    Raises:
        DataError: it is not text in one of the known encodings.
    """
    return _decoded(path, read_bytes(path))[1] == CP1252


def suffix_of(path: str | Path) -> str:
    """The suffix of a file's format, in lower case: its suffix, or the one before ``.gz``."""
    file = Path(str(path).lower())
    return Path(file.stem).suffix if file.suffix == PACKED else file.suffix


def _decoded(path: str | Path, raw: bytes) -> tuple[str, str]:
    """The text, and the encoding that it is in."""
    for encoding in _encodings(raw):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding), encoding
    raise DataError(f"{path} is not UTF-8; {_ADVICE}")


def _encodings(raw: bytes) -> Iterator[str]:
    """Encodings that a text may be in, the most likely first."""
    if raw[:2] in _UTF16:
        yield "utf-16"
        return
    yield "utf-8"
    old_macintosh = b"\r" in raw and b"\n" not in raw
    if not (old_macintosh or _FOREIGN_LETTERS.search(raw) or _is_mostly_foreign(raw)):
        yield CP1252


def _is_mostly_foreign(raw: bytes) -> bool:
    lines = b"".join(line for line in raw.split(b"\n") if not line.isascii())
    foreign = len(re.findall(rb"[\x80-\xff]", lines))
    return foreign > _FOREIGN_SHARE * (foreign + len(re.findall(rb"[A-Za-z]", lines)))
