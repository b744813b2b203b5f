"""Pages of results that several measurements share: each writes its own sections, whenever it is run."""

import re
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
    written = f"{heading}\n\n{text.strip()}\n\n"
    places = [index for index, section in enumerate(sections) if section.partition("\n")[0] == heading]
    if places:
        sections[places[0]] = written
    else:
        sections.append(written)
    page.parent.mkdir(parents=True, exist_ok=True)
    content = "## ".join([head.rstrip() + "\n\n" if head else "", *sections])
    page.write_text(content.rstrip() + "\n", encoding="utf-8")
