"""Outcomes of harmful prompts: refused, complied with, or neither."""

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


def _kinds(study: Study) -> list[Block]:
    blocks = [
        prose(
            "How models do not do what harmful prompts ask for: a refusal says so, or gives a part nevertheless, or",
            "turns to something else, or states a rule or a danger. None is anything else.",
        ),
        whole_table(study, "refusal_kinds", "Kinds of refusals"),
    ]
    if len(study.tables["refusal_kind_agreement"]):
        blocks.append(whole_table(study, "refusal_kind_agreement", "Agreement of the judges of kinds"))
        blocks.append(whole_table(study, "refusal_kind_confusion", "Where the judges of kinds differ", fold=True))
    return blocks


KINDS = Section(
    "refusal-kinds",
    "Kinds of refusals",
    ("refusal_kinds", "refusal_kind_agreement", "refusal_kind_confusion"),
    _kinds,
)
SECTION = Section("outcomes", "Outcomes of harmful prompts", ("outcomes",), _outcomes)
