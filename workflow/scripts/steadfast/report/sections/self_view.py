"""Whether the models recognise their own refusals, before and after the edit."""

from steadfast.report.blocks import Block, prose
from steadfast.report.sections._section import Section
from steadfast.report.sections._table import whole_table
from steadfast.report.study import Study


def build(study: Study) -> list[Block]:
    """The table as it is."""
    return [
        prose("How well each model, edited or not, tells its own refusals from its own answers."),
        whole_table(study, "self_monitoring", "Self-monitoring"),
    ]


SECTION = Section("self-monitoring", "Self-monitoring", ("self_monitoring",), build)
