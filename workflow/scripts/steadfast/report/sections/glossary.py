"""What the judges and variants of the run are, in a line each."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from steadfast.core.names import ORIGINAL
from steadfast.core.plug_ins import DECODINGS, DIRECTIONS, EDITS, INTERVENTIONS, JUDGES, Family
from steadfast.report.blocks import Block, Column, prose, table
from steadfast.report.sections._section import Section
from steadfast.report.study import Study

PARTS: Mapping[str, Family] = {
    "direction": DIRECTIONS,
    "edit": EDITS,
    "intervention": INTERVENTIONS,
    "decoding": DECODINGS,
}
CHOSEN = {
    "search": "Best attack that a search has found.",
    "best_attack_of": "Best attack of a sweep.",
}


def build(study: Study) -> list[Block]:
    """A table of both."""
    rows = [*_judges(study), *_variants(study)]
    if not rows:
        return []
    return [
        prose("What the names on this page are. The configuration at the end has all their settings."),
        table(
            "glossary",
            "Judges and variants of this run",
            pd.DataFrame(rows, columns=["name", "sort", "role", "meaning"]),
            [
                Column("name", "Name", "name"),
                Column("sort", "Judge or variant", "name"),
                Column("role", "Role", "name"),
                Column("meaning", "What it is"),
            ],
        ),
    ]


def _judges(study: Study) -> Iterator[tuple[str, str, str, str]]:
    entries = study.configuration.get("judges", {})
    for name in study.judges:
        role = "reference" if name == study.reference else "baseline" if name in study.baselines else "judge"
        if name in study.human_judges:
            yield study.labels.judge(name), "judge", "human", _labels_of(study, name)
        elif name in entries:
            meaning = _first_line(JUDGES.settings(entries[name][JUDGES.key]))
            yield study.labels.judge(name), "judge", role, meaning


def _labels_of(study: Study, name: str) -> str:
    """Whose labels they are."""
    if name != study.truth:
        return "The labels of one annotator."
    whose = "The labels of one annotator" if len(study.human_judges) == 1 else "What most annotators say of a response"
    return f"{whose}; judges are compared with it."


def _variants(study: Study) -> Iterator[tuple[str, str, str, str]]:
    entries = study.configuration.get("variants", {})
    for name in (name for name in study.variants if name in entries):
        role = "original" if name == ORIGINAL else "control" if name in study.controls else "attack"
        meaning = "The unedited model." if name == ORIGINAL else " ".join(_parts(entries[name]))
        yield study.labels.variant(name), "variant", role, meaning


def _parts(entry: Mapping[str, Any]) -> Iterator[str]:
    """What a variant consists of, a sentence for each part."""
    yield from (text for key, text in CHOSEN.items() if entry.get(key))
    for key, family in PARTS.items():
        if entry.get(key):
            chosen = family.whole(entry[key])
            yield f"{key.capitalize()} {chosen[family.key]}: {_first_line(family.settings(chosen[family.key]))}"
    if entry.get("match_change"):
        yield f"Scaled so that it changes the weights as much as {entry['match_change']}."


def _first_line(settings: Any) -> str:
    return str(settings.__doc__).strip().partition("\n")[0]


SECTION = Section("glossary", "Judges and variants", (), build)
