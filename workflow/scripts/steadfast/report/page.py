"""The page: the study in numbers and words, figures for print, and the responses, in one file."""

import base64
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.colors import Colormap, to_hex

from steadfast.core.files import write_text
from steadfast.core.names import ORIGINAL
from steadfast.core.pages import assemble
from steadfast.report.assembly import SOURCE
from steadfast.report.blocks import Block, Column, table
from steadfast.report.browser import browser_data
from steadfast.report.cautions import cautions
from steadfast.report.figures.look import Look, drawn_as
from steadfast.report.figures.style import INK, SERIES, color_map, ink_on, mixed, variant_styles
from steadfast.report.headline import size
from steadfast.report.model_view import model_findings
from steadfast.report.origins import artifacts, stages, states, versions
from steadfast.report.overview import overview
from steadfast.report.sections import build_sections
from steadfast.report.study import Study, read_study
from steadfast.report.view import view_data

SHADES = 33
LIGHTER = {"light": 0.0, "dark": 0.45}
"""How far a color is mixed with white on each ground of the page."""
DRAWN_MARKERS = "oDs^v"
"""Markers that the page draws, in the order of resources/report/drawing.js; others are drawn as the last."""
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
    """What the page shows at once; the responses are read later, on demand."""
    sections, not_shown = build_sections(study)
    return {
        "size": size(study),
        "level": f"{study.inference.confidence:.0%}",
        "view": view_data(study),
        "overview": {**overview(study), "models": model_findings(study)},
        "cautions": [*not_shown, *cautions(study)],
        "sections": sections,
        "responses": study.show,
        "palette": palette(study),
        "closing": closing(study),
    }


def palette(study: Study) -> dict[str, Any]:
    """The colors of the printed figures: two color maps with the ink that is read best, variants, and other series."""
    chosen = Look.read(study.look) if study.look else Look()
    with drawn_as(chosen):
        styles = variant_styles(study.variants, study.controls)
        return {
            "sequential": _steps(color_map()),
            "diverging": _steps(color_map(diverging=True)),
            "variants": {
                study.labels.variant(name): {**_looks(style["color"]), **_mark(name, style, study.controls)}
                for name, style in styles.items()
            },
            "series": {
                look: [_looks(color)[look] for color in SERIES if look == "light" or color != INK] for look in LIGHTER
            },
        }


def _steps(colors: Colormap) -> dict[str, list[str]]:
    """Even steps of a color map, and the ink on each."""
    steps = [index / (SHADES - 1) for index in range(SHADES)]
    return {
        "shades": [to_hex(colors(step)) for step in steps],
        "inks": [to_hex(ink_on(colors, step)) for step in steps],
    }


def _looks(color: Any) -> dict[str, str]:
    """A color on light and on dark ground."""
    return {look: to_hex(mixed(to_hex(color), share)) for look, share in LIGHTER.items()}


def _mark(name: str, style: Mapping[str, Any], controls: Collection[str]) -> dict[str, Any]:
    """Marker of a variant, by its number in resources/report/drawing.js, and its role."""
    role = "original" if name == ORIGINAL else "control" if name in controls else "edit"
    marker = DRAWN_MARKERS.find(style["marker"])
    return {"marker": marker if marker >= 0 else len(DRAWN_MARKERS) - 1, "filled": style["filled"], "role": role}


def closing(study: Study) -> dict[str, Any]:
    """Configuration and provenance."""
    blocks: list[Block] = [
        table(
            "stages",
            "Results by code version",
            stages(study.records),
            [
                Column("rule", "Step", "name", names=_step_names(study)),
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
                Column("rule", "Step", "name", names=_step_names(study)),
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


def _step_names(study: Study) -> dict[str, str]:
    """Names of the rules as words, as in ``Judge with regex``."""
    return {record.rule: record.rule.replace("_", " ").capitalize() for record in study.records}


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
