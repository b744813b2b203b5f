"""How reliable judges are that combine the verdicts of others."""

from steadfast.report.blocks import Block, prose
from steadfast.report.sections._section import Section
from steadfast.report.sections._table import whole_table
from steadfast.report.study import Study


def _ensembles(study: Study) -> list[Block]:
    return [
        prose(
            "An ensemble is worth no more than its members, and no more than they differ in their errors. No member is",
            "compared with a verdict that it took part in: agreement is with what the other members make of the same",
            "response.",
        ),
        whole_table(study, "ensembles", "Reliability of ensembles"),
        whole_table(study, "ensemble_members", "Members of ensembles"),
    ]


SECTION = Section("ensembles", "Ensembles of judges", ("ensembles", "ensemble_members"), _ensembles)
