"""What became of harmful prompts: refused, complied with, or neither."""

from steadfast.report.blocks import Block, prose
from steadfast.report.sections._section import Section
from steadfast.report.sections._table import whole_table
from steadfast.report.study import Study


def _outcomes(study: Study) -> list[Block]:
    return [
        prose(
            "Harmful prompts that were refused, those whose response does what was asked for, and those that are",
            "neither: deflection, garble, another subject, nothing at all. A model that refuses less is not more",
            "harmful where the rest is neither.",
        ),
        whole_table(study, "outcomes", "Outcomes of harmful prompts"),
    ]


SECTION = Section("outcomes", "Outcomes of harmful prompts", ("outcomes",), _outcomes)
