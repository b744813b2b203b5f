"""The sections of the report, in the order of the page.

A section appears as soon as the tables that it needs are among the report's inputs. To add one, write a module with a
``SECTION`` and put it into the list; a table that no section shows is shown as it is, under *Further tables*.
"""

import traceback
from typing import Any

from steadfast.report.sections import (
    annotators,
    attacks,
    changes,
    controls,
    effects,
    ensembles,
    glossary,
    judge_validity,
    judges,
    matrix,
    outcomes,
    prompt_versions,
    self_view,
)
from steadfast.report.sections._section import Section
from steadfast.report.sections.rest import further
from steadfast.report.study import Study

SECTIONS: tuple[Section, ...] = (
    changes.SECTION,
    effects.ASSESSMENT,
    matrix.SECTION,
    outcomes.SECTION,
    outcomes.KINDS,
    attacks.SCALES,
    attacks.BEST_ATTACKS,
    attacks.SEARCH,
    attacks.REPLICATES,
    judges.SECTION,
    judge_validity.SECTION,
    ensembles.SECTION,
    prompt_versions.SECTION,
    annotators.SECTION,
    self_view.SECTION,
    controls.SECTION,
    effects.SIDE_EFFECTS,
    glossary.SECTION,
)


def build_sections(study: Study) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Title and blocks of every section that has something to show, and a caution for each that cannot be built.

    A section that fails does not take the others with it: its error is on the page, and its traceback in the log.
    """
    covered = {name for section in SECTIONS for name in (*section.needs, *section.shows)}
    shown, failed = [], []
    for section in (*SECTIONS, further(study, covered)):
        try:
            blocks = section.build(study) if set(section.needs) <= set(study.tables) else []
        except Exception as error:
            traceback.print_exc()
            failed.append({"title": f"Section not shown: {section.title}", "text": f"{type(error).__name__}: {error}"})
            continue
        if blocks:
            shown.append({"id": section.slug, "title": section.title, "blocks": blocks})
    return shown, failed
