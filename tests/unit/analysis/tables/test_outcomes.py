"""One list of outcomes: every outcome goes through tables, figures, summary and report, and an unknown one raises."""

import numpy as np
import pandas as pd
import pytest
from tests.studies import MadeUpStudy
from tests.sweeps import sweep

from steadfast.analysis.tables.assessment import COLUMNS, NUMBERS, TEXTS
from steadfast.analysis.tables.conclusions import conclusion_table
from steadfast.analysis.tables.outcomes import (
    ASSESSMENTS,
    CONCLUSIONS,
    FAILS,
    INEFFECTIVE,
    ROBUST,
    SURVIVES,
    UNVERIFIED,
    counted,
    legend,
    outcome,
    without_verified_edit,
)
from steadfast.analysis.tables.side_effects import COLUMNS as EFFECT_COLUMNS
from steadfast.core.errors import DataError
from steadfast.core.files import read_table, write_table
from steadfast.report.figures.kinds import conclusions as figure
from steadfast.report.figures.kinds.side_effects import figure as draw_side_effects
from steadfast.report.page import page_data
from steadfast.report.study import read_study
from steadfast.report.text_summary import assessment_lines

BOTH = pytest.mark.parametrize("known", [CONCLUSIONS, ASSESSMENTS], ids=["conclusions", "assessments"])


@BOTH
def test_outcomes_have_distinct_names_marks_and_meanings(known):
    assert len({entry.name for entry in known}) == len(known)
    assert all(len(entry.mark) == 1 and entry.meaning for entry in known)


def test_unknown_outcome_error_suggests_known_ones():
    with pytest.raises(DataError, match="unknown outcome 'robustt'; did you mean 'robust'"):
        outcome("robustt", ASSESSMENTS)
    with pytest.raises(DataError, match="unknown outcome 'robust'"):
        outcome(ROBUST, CONCLUSIONS)


@BOTH
def test_legend_lists_every_present_outcome(known):
    for entry in known:
        assert f"{entry.mark} {entry.name}" in legend(known, [entry.name])
    assert legend(known, []) == ""


@BOTH
@pytest.mark.parametrize("number", [1, 3])
def test_models_are_counted_by_outcome(known, number):
    for entry in known:
        told = counted(known, {entry.name: number})
        assert f"{entry.name} in {number}" in told
        assert f"of {number} model" in told
    with pytest.raises(DataError, match="unknown outcome"):
        counted(known, {"nonsense": 1})


@pytest.mark.parametrize("entry", CONCLUSIONS, ids=lambda entry: entry.name)
def test_unverified_edit_marks_losses_unverified(entry):
    found = without_verified_edit(entry.name)
    assert found == (UNVERIFIED if entry.name in (FAILS, UNVERIFIED) else INEFFECTIVE)
    assert without_verified_edit(found) == found
    assert without_verified_edit("") == INEFFECTIVE


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return MadeUpStudy(tmp_path_factory.mktemp("study"), models=2, judges=3, prompts=4, resamples=20).make()


@pytest.mark.parametrize("entry", sweep(CONCLUSIONS, CONCLUSIONS[:2]), ids=lambda entry: entry.name)
def test_every_conclusion_appears_in_figure_and_report(study, entry):
    tables = {path.stem: read_table(path) for path in study.table_files()}
    robustness = tables["robustness"]
    compared = (robustness["label"] == "harmful") & (robustness["comparison"].fillna("") != "")
    robustness.loc[compared, "conclusion"] = entry.name
    conclusions = conclusion_table(robustness, "judge-0", controls=["random"])
    assert set(conclusions["conclusion"]) == {entry.name}
    assert figure.change_text(-0.25, entry.name) == f"−25 {entry.mark}"
    drawn = figure.figure(conclusions)
    assert f"{entry.mark} {entry.name}" in " ".join(drawn.texts[1].get_text().split())

    page = page_of(study, {"robustness": robustness, "conclusions": conclusions})
    assert not [found for found in page["cautions"] if "not shown" in found["title"]]
    cells = block(page, "conclusions")
    place = cells["categories"].index(entry.name)
    assert cells["marks"][place] == entry.mark
    shown = {value for row in cells["values"][""]["value"] for value in row if value is not None}
    assert shown == {place}
    assert f"{entry.mark} {entry.name}" in cells["note"]
    outcomes = next(column for column in page["overview"]["table"]["columns"] if column["key"] == "outcome")
    assert outcomes["names"] == [f"{entry.mark} {entry.name}"]


@pytest.mark.parametrize("entry", sweep(ASSESSMENTS, ASSESSMENTS[:2]), ids=lambda entry: entry.name)
def test_every_assessment_appears_in_summary_figure_and_report(study, entry):
    rows = [
        {**dict.fromkeys(TEXTS, ""), **dict.fromkeys(NUMBERS, 0.1), "model": model, "variant": "abliterated"}
        for model in study.model_names
    ]
    table = pd.DataFrame(rows, columns=COLUMNS).assign(judge="judge-0", assessment=entry.name, reason="for a reason")
    text = "\n".join(assessment_lines(table))
    passed = "Controls passed: 2 of 2"
    assert (passed if entry.name == "control passed" else f"{entry.mark} {entry.name}") in text
    effects = pd.DataFrame([dict.fromkeys(EFFECT_COLUMNS, np.nan)])[:0]
    assert draw_side_effects(table, effects).axes is not None
    page = page_of(study, {"assessment": table})
    shown = block(page, "assessment")
    column = next(found for found in shown["columns"] if found["key"] == "assessment")
    assert column["names"] == [entry.name]
    assert entry.meaning in str(page["sections"])
    outcomes = next(column for column in page["overview"]["table"]["columns"] if column["key"] == "outcome")
    assert outcomes["names"] == [f"{entry.mark} {entry.name}"]


def test_unknown_outcome_omits_only_its_report_section(study):
    tables = {path.stem: read_table(path) for path in study.table_files()}
    changed = tables["conclusions"].assign(conclusion="nonsense")
    with pytest.raises(DataError, match="unknown outcome 'nonsense'"):
        figure.figure(changed)
    page = page_of(study, {"conclusions": changed})
    assert page["cautions"][0]["title"] == "Section not shown: Judges compared"
    assert "unknown outcome 'nonsense'" in page["cautions"][0]["text"]
    assert {"changes", "matrix", "controls"} <= {section["id"] for section in page["sections"]}


def test_outcome_counts_list_kept_refusals_first():
    assert counted(CONCLUSIONS, {FAILS: 3, SURVIVES: 1}) == "survives in 1 of 4 models, does not survive in 3"
    assert counted(ASSESSMENTS, {"not robust": 1}) == "not robust in 1 of 1 model"


def page_of(study, changed):
    """The report's data, with some tables in place of the study's."""
    folder = study.folder / "changed"
    paths = {path.stem: path for path in study.table_files()}
    for name, table in changed.items():
        paths[name] = folder / f"{name}.csv"
        write_table(paths[name], table)
    return page_data(
        read_study(
            verdicts=study.folder / "verdicts.parquet",
            prompts=study.folder / "prompts.parquet",
            responses=study.response_files(),
            tables=paths.values(),
            artifacts=[],
            labels={},
            inference={"resamples": 20},
            reference="judge-0",
            judge="judge-0",
            baselines=["label-only"],
            controls=["random"],
        )
    )


def block(page, slug):
    return next(found for section in page["sections"] for found in section["blocks"] if found.get("id") == slug)
