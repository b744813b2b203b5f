"""The sections of the report, in the order of the page.

A section appears as soon as the tables that it needs are among the report's inputs. To add one, write a module with a
``SECTION`` and put it into the list; a table that no section shows is shown as it is, under *Further tables*.
"""

from typing import Any

from steadfast.report.sections import (
    annotators,
    attacks,
    changes,
    controls,
    effects,
    fidelity,
    judges,
    matrix,
    self_view,
)
from steadfast.report.sections._section import Section
from steadfast.report.sections.rest import further
from steadfast.report.study import Study

SECTIONS: tuple[Section, ...] = (
    changes.SECTION,
    effects.ASSESSMENT,
    matrix.SECTION,
    attacks.STRENGTH,
    attacks.STRONGEST,
    attacks.REPLICATES,
    judges.SECTION,
    fidelity.SECTION,
    annotators.SECTION,
    self_view.SECTION,
    controls.SECTION,
    effects.SIDE_EFFECTS,
)


def build_sections(study: Study) -> list[dict[str, Any]]:
    """Title and blocks of every section that has something to show."""
    covered = {name for section in SECTIONS for name in (*section.needs, *section.shows)}
    shown = []
    for section in (*SECTIONS, further(study, covered)):
        blocks = section.build(study) if set(section.needs) <= set(study.tables) else []
        if blocks:
            shown.append({"id": section.slug, "title": section.title, "blocks": blocks})
    return shown
