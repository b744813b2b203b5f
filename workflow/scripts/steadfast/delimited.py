"""CSV files as spreadsheets write them: any usual separator, any usual encoding, one clear message for the rest."""

import csv
import io
import re
import sys
from pathlib import Path

from steadfast.errors import DataError

SEPARATORS = ",;\t"
_SEPARATOR_LINE = re.compile(r'\A"?sep=(.)"?\r?\n', re.IGNORECASE)
# Letters of Western languages stand alone between plain ones; runs of them are another code page.
_FOREIGN = re.compile(rb"[\xc0-\xff]{4}")


def read_delimited(path: str | Path, separator: str | None = None) -> list[list[str]]:
    """All records of a file, the header first; blank lines are left out.

    Args:
        path: a file that is UTF-8, UTF-16 or, as older spreadsheets write it, Windows-1252.
        separator: what separates cells; None takes the one of a line ``sep=;`` or that of the header.

    Raises:
        DataError: the encoding is none of these, or the quoting is broken.
    """
    text = _decode(Path(path))
    told = _SEPARATOR_LINE.match(text)
    if told:
        text, separator = text[told.end() :], told.group(1)
    header = re.split(r"\r\n|\r|\n", text, maxsplit=1)[0]
    csv.field_size_limit(sys.maxsize)
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator or max(SEPARATORS, key=header.count), strict=True)
    try:
        return [record for record in reader if record]
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not a readable CSV: {error}") from error


def _decode(path: Path) -> str:
    raw = path.read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        if _FOREIGN.search(raw):
            raise DataError(f"{path} is not UTF-8; save it as `CSV UTF-8` in the spreadsheet") from None
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8; save it as `CSV UTF-8` in the spreadsheet") from None
