"""The page: the study in numbers and words, figures for print, and the responses, in one file."""

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from matplotlib.colors import to_hex

from steadfast.core.files import write_text
from steadfast.core.pages import assemble
from steadfast.report.assembly import SOURCE
from steadfast.report.blocks import Block, Column, table
from steadfast.report.browser import browser_data
from steadfast.report.cautions import cautions
from steadfast.report.figures.style import color_map, ink_on
from steadfast.report.headline import size
from steadfast.report.model_view import model_findings
from steadfast.report.origins import artifacts, stages, states, versions
from steadfast.report.overview import overview
from steadfast.report.sections import build_sections
from steadfast.report.study import Study, read_study
from steadfast.report.view import view_data

SHADES = 33
EMBEDDED_BYTES = 4_000_000


def write_report(*, html: str | Path, resources: str | Path, figures: Iterable[str | Path], **inputs: Any) -> None:
    """Read the results, build the page and write it.

    Args:
        html: where the page goes.
        resources: folder that the page's template, styles and scripts are relative to.
        figures: PDF files, and folders of such.
        **inputs: arguments of ``read_study``.
    """
    study = read_study(**inputs)
    printed = embedded(figures)
    shown = {**page_data(study), "printed": dict.fromkeys(printed, True)}
    data = {"data": shown, "responses": browser_data(study), "figures": printed}
    write_text(html, assemble(SOURCE, Path(resources), data))


def page_data(study: Study) -> dict[str, Any]:
    """What the page shows at once; the responses are read later, when somebody asks for them."""
    sections, not_shown = build_sections(study)
    return {
        "size": size(study),
        "level": f"{study.inference.confidence:.0%}",
        "view": view_data(study),
        "overview": {**overview(study), "models": model_findings(study)},
        "cautions": [*not_shown, *cautions(study)],
        "sections": sections,
        "responses": study.show,
        "palette": palette(),
        "closing": closing(study),
    }


def palette() -> dict[str, list[str]]:
    """The figures' colors: even steps of the color map, and the ink that is read best on each."""
    colors = color_map()
    steps = [index / (SHADES - 1) for index in range(SHADES)]
    return {
        "shades": [to_hex(colors(step)) for step in steps],
        "inks": [to_hex(ink_on(colors, step)) for step in steps],
    }


def closing(study: Study) -> dict[str, Any]:
    """Configuration and provenance."""
    blocks: list[Block] = [
        table(
            "stages",
            "Results by code version",
            stages(study.records),
            [
                Column("rule", "Step", "name"),
                Column("files", "Files", "count"),
                Column("commits", "Commit", "code"),
                Column("seconds", "Seconds", "seconds"),
                Column("finished", "Finished", "code"),
            ],
        ),
        table(
            "artifacts",
            "All files with hash and code version",
            artifacts(study.records),
            [
                Column("path", "File", "code"),
                Column("rule", "Step", "name"),
                Column("sha256", "SHA-256", "code"),
                Column("commit", "Commit", "code"),
                Column("seconds", "Seconds", "seconds"),
            ],
            fold=True,
        ),
    ]
    return {
        "states": states(study.records),
        "versions": {package: ", ".join(found) for package, found in versions(study.records).items()},
        "finished": max((record.finished for record in study.records), default=""),
        "configuration": json.dumps(study.configuration, indent=2, ensure_ascii=False),
        "blocks": blocks,
    }


def embedded(figures: Iterable[str | Path]) -> dict[str, str]:
    """Figures for print by name, as base64; once there are more than a few megabytes, the rest is left out."""
    found: dict[str, str] = {}
    room = EMBEDDED_BYTES
    for path in map(Path, figures):
        for file in sorted(path.glob("*.pdf")) if path.is_dir() else [path]:
            room -= file.stat().st_size
            if room >= 0:
                found[file.stem] = base64.b64encode(file.read_bytes()).decode("ascii")
    return found
