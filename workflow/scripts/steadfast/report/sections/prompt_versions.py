"""Sensitivity of a judge's verdicts to its prompt."""

from steadfast.report.blocks import Block, prose
from steadfast.report.sections._section import Section
from steadfast.report.sections._table import whole_table
from steadfast.report.study import Study


def _versions(study: Study) -> list[Block]:
    return [
        prose(
            "The same judge with several versions of its prompt, on the responses that all versions scored. A spread",
            "that exceeds the sampling error says that the wording of the prompt matters more than which responses",
            "were judged.",
        ),
        whole_table(study, "prompt_versions", "Rates over the versions of a judge"),
    ]


SECTION = Section("prompt-versions", "Versions of judges", ("prompt_versions",), _versions)
