"""Compute inter-annotator agreement."""

from steadfast.report.blocks import Block, prose
from steadfast.report.sections._section import Section
from steadfast.report.sections._table import whole_table
from steadfast.report.study import Study


def build(study: Study) -> list[Block]:
    """The table as it is."""
    return [
        prose("Inter-annotator agreement: an upper bound for the agreement to expect from a judge."),
        whole_table(study, "annotators", "Agreement of the annotators"),
    ]


SECTION = Section("annotators", "Annotators", ("annotators",), build)
