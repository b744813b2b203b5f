"""Pages of results that several measurements share: each writes its own sections, whenever it is run."""

import re
from collections.abc import Sequence
from pathlib import Path

HEADING = re.compile(r"^## ", re.MULTILINE)


def put_section(page: Path, heading: str, text: str) -> None:
    """Write a section of a page in place of the one with its heading, or behind the last.

    Args:
        page: a Markdown file; made if there is none.
        heading: of the section, on level 2.
        text: its text, without the heading.
    """
    old = page.read_text(encoding="utf-8") if page.is_file() else ""
    head, *sections = HEADING.split(old)
    written = f"{heading}\n\n{text.strip()}"
    places = [index for index, section in enumerate(sections) if section.partition("\n")[0] == heading]
    if places:
        sections[places[0]] = written
    else:
        sections.append(written)
    page.parent.mkdir(parents=True, exist_ok=True)
    parts = [head, *(f"## {section}" for section in sections)]
    page.write_text("\n\n".join(part.strip() for part in parts if part.strip()) + "\n", encoding="utf-8")


def command(script: str, arguments: Sequence[str]) -> str:
    """How a measurement is repeated, without where its files lie."""
    places = [index for index, argument in enumerate(arguments) if argument in ("--folder", "--report")]
    kept = [argument for index, argument in enumerate(arguments) if not {index, index - 1} & set(places)]
    return f"`python benchmarks/{script} {' '.join(kept)}`"
