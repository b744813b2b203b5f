"""What the strength of an edit does, and how replicates differ."""

from steadfast.report.blocks import Block, prose
from steadfast.report.sections._section import Section
from steadfast.report.sections._table import whole_table
from steadfast.report.study import Study


def _strength(study: Study) -> list[Block]:
    return [
        prose("Refusals as the edit gets stronger, or as further directions are removed."),
        whole_table(study, "strength", "Refusals by the strength of the edit"),
    ]


def _replicates(study: Study) -> list[Block]:
    return [
        prose("Models that differ in their seed alone, taken together: the range is luck and not training."),
        whole_table(study, "groups", "Rates and changes of groups of replicates"),
    ]


STRENGTH = Section("strength", "Strength of the edit", ("strength",), _strength)
REPLICATES = Section("replicates", "Replicates", ("groups",), _replicates)
