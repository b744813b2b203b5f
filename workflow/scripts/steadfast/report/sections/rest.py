"""Tables that no section of their own shows."""

from collections.abc import Collection

from steadfast.report.blocks import Block, prose
from steadfast.report.sections._section import Section
from steadfast.report.sections._table import whole_table
from steadfast.report.study import Study

MANY_ROWS = 20_000


def further(study: Study, shown: Collection[str]) -> Section:
    """A section of every table that is not among those shown, and not too long."""
    names = [name for name, data in study.tables.items() if name not in shown and 0 < len(data) <= MANY_ROWS]
    return Section("further", "Further tables", tuple(names), lambda study: _build(study, names))


def _build(study: Study, names: list[str]) -> list[Block]:
    if not names:
        return []
    tables = [whole_table(study, name, name.replace("_", " ").capitalize(), fold=True) for name in names]
    return [prose("Further results of the run."), *tables]
