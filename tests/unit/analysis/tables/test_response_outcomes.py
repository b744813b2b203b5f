"""Outcomes of harmful prompts: refused, complied, neither; their wiring, and their figure."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from tests.unit.config.conftest import SMALL

from steadfast.analysis.tables.compliance import NOT_MORE, with_compliance
from steadfast.analysis.tables.outcomes import NOT_ROBUST
from steadfast.analysis.tables.response_outcomes import OUTCOMES, outcome_table
from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.grid import outcomes
from steadfast.grid.grid import Grid
from steadfast.grid.judged_pairs import judged_pairs
from steadfast.grid.judgments import judging_jobs, judgment_files
from steadfast.grid.outcomes import compliance_rubrics, outcome_results, quality_rubrics
from steadfast.grid.plan import asking_judges
from steadfast.judges.interface import Verdict, build_scorer
from steadfast.report.compliance import compliance_sentence, outcome_lines
from steadfast.report.figures.kinds.outcomes import figure as draw
from steadfast.report.text_summary import finding_lines

# refusal judge, judge of compliance, whether the response says something, what comes of it
CASES = [
    ("refusal", "not_complied", True, "refused"),
    ("refusal", "unscored", True, "refused"),
    ("refusal", "complied", True, "complied"),
    ("non_refusal", "complied", True, "complied"),
    ("non_refusal", "not_complied", True, "neither"),
    ("non_refusal", "not_complied", True, "neither"),
    ("unscored", "unscored", False, "neither"),
    ("non_refusal", "unscored", True, "unscored"),
    ("unscored", "not_complied", True, "unscored"),
    ("unscored", "complied", True, "complied"),
]
COMPLIANCE = {
    "kind": "chat",
    "base_url": "http://127.0.0.1:1/v1",
    "model": "m",
    "prompt": "resources/prompts/judges/compliance.md",
    "labels": {"complied": "COMPLIED", "not_complied": "NO-COMPLIANCE"},
}


def table() -> pd.DataFrame:
    pair = {"model": "m", "variant": "original", "sample": 0}
    rows = [
        {**pair, "prompt_id": str(n), "judge": "regex", "label": "harmful", "verdict": case[0]}
        for n, case in enumerate(CASES)
    ]
    rows += [{**rows[0], "label": "harmless", "prompt_id": "x"}, {**rows[0], "judge": "other"}]
    judged = pd.DataFrame(
        {"prompt_id": [str(n) for n in range(len(CASES))], "sample": 0, "verdict": [case[1] for case in CASES]}
    )
    silent = pd.DataFrame([{**pair, "prompt_id": str(n)} for n, case in enumerate(CASES) if not case[2]])
    return outcome_table(pd.DataFrame(rows), [("does", "m", "original", judged)], silent, judge="regex")


def test_every_response_to_a_harmful_prompt_has_one_outcome() -> None:
    (row,) = table().to_dict("records")
    expected = {name: sum(case[3] == name for case in CASES) for name in (*OUTCOMES, "unscored")}
    assert {name: row[name] for name in expected} == expected
    assert row["total"] == len(CASES) == sum(expected.values())
    assert row["both"] == 1 and row["compliance_judge"] == "does"
    scored = row["total"] - row["unscored"]
    assert row["complied_rate"] == pytest.approx(row["complied"] / scored)
    assert row["complied_low"] < row["complied_rate"] < row["complied_high"]


def test_outcome_figure_has_three_parts_per_pair() -> None:
    figure = draw(table())
    bars = [patch for patch in figure.axes[0].patches if patch.get_width() > 0]
    assert [round(patch.get_width() * len(CASES) / 100) for patch in bars] == [2, 3, 3]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(OUTCOMES)
    assert len({(patch.get_hatch(), patch.get_facecolor()) for patch in bars}) == 3
    assert "unscored" in figure.texts[1].get_text()
    without = draw(table().assign(neither=0, unscored=0))
    assert len(without.legends[0].get_texts()) == 2 and "unscored" not in without.texts[1].get_text()


def test_outcome_figure_without_judgments_says_so() -> None:
    assert "no response" in draw(table().iloc[:0]).texts[0].get_text()


@pytest.fixture
def config() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(SMALL)
    return found


def test_compliance_rubrics_read_harmful_prompts(config: dict[str, Any]) -> None:
    guard = {
        "kind": "guard",
        "preset": "qwen3guard",
        "outcome": "compliance",
        "base_url": COMPLIANCE["base_url"],
        "model": "g",
    }
    helpful = {
        **COMPLIANCE,
        "prompt": "resources/prompts/judges/helpful.md",
        "labels": {"bad": "UNHELPFUL", "good": "HELPFUL"},
    }
    config["rubrics"] = {"does": COMPLIANCE, "guard": guard, "helpful": helpful}
    grid = Grid(prepare(config))
    assert list(compliance_rubrics(grid)) == ["does", "guard"] and list(quality_rubrics(grid)) == ["helpful"]
    found = {reading.judge.name: (reading.label, reading.scale) for reading in judging_jobs(grid)}
    assert found["does"] == found["guard"] == ("harmful", "compliance")
    assert found["helpful"] == ("harmless", "quality") and found["regex"] == (None, "refusal")
    assert outcome_results(grid)[0] == "results/tables/outcomes.csv"
    assert {"does", "guard", "helpful"} <= set(asking_judges(grid))
    assert len(judgment_files(grid, compliance_rubrics(grid))) == 2 * len(judged_pairs(grid))


def test_grid_without_compliance_rubric_has_no_response_outcomes(config: dict[str, Any]) -> None:
    assert outcome_results(Grid(prepare(config))) == []


WRONG: list[tuple[str, dict[str, Any], str]] = [
    (
        "judges",
        {"kind": "guard", "preset": "qwen3guard", "outcome": "compliance"},
        "it says compliance, and judges say",
    ),
    ("rubrics", {"kind": "guard", "preset": "qwen3guard"}, "rubrics.x.outcome: 'refusal' is not allowed"),
    (
        "rubrics",
        {**COMPLIANCE, "labels": {"complied": "A", "good": "B"}},
        "allowed: words for `bad` and `good`, or for",
    ),
    ("rubrics", {**COMPLIANCE, "labels": {"complied": "A", "not_complied": "B"}}, "never names the label 'A'"),
]


@pytest.mark.parametrize(("section", "entry", "message"), WRONG)
def test_config_rejects_mixed_rubric_outcomes(
    config: dict[str, Any], section: str, entry: dict[str, Any], message: str
) -> None:
    config[section] = {**config.get(section, {}), "x": entry}
    with pytest.raises(ConfigError, match=re.escape(message)):
        prepare(config)


def test_compliance_verdicts_have_their_own_scale(tmp_path: Path) -> None:
    scorer = build_scorer({**COMPLIANCE, "store": str(tmp_path)}, "compliance")
    found = [scorer._on_scale(Verdict(name)).verdict for name in ("refusal", "non_refusal", "unscored")]
    assert found == ["complied", "not_complied", "unscored"]


def counted(model: str, variant: str, refused: int, complied: int, neither: int) -> dict[str, Any]:
    total = refused + complied + neither
    names = zip(OUTCOMES, (refused, complied, neither), strict=True)
    shares = {f"{name}_rate": number / total for name, number in names}
    numbers = dict(zip(OUTCOMES, (refused, complied, neither), strict=True))
    pair = {"model": model, "variant": variant, "judge": "regex", "compliance_judge": "does"}
    return {**pair, **numbers, **shares, "unscored": 0, "total": total}


BEFORE_AND_AFTER = pd.DataFrame(
    [
        counted("garbles", "original", 48, 1, 1),
        counted("garbles", "edited", 5, 2, 43),
        counted("complies", "original", 48, 1, 1),
        counted("complies", "edited", 5, 41, 4),
    ]
)


def test_lost_refusals_without_compliance_are_noted() -> None:
    pairs = {"model": ["garbles", "complies", "elsewhere"], "variant": "edited", "assessment": NOT_ROBUST, "note": ""}
    table = with_compliance(pd.DataFrame(pairs), BEFORE_AND_AFTER).set_index("model")
    assert table["note"].tolist() == [NOT_MORE, "", ""]
    assert table.loc["complies", ["complied_before", "complied_after", "complied_change"]].tolist() == [0.02, 0.82, 0.8]
    assert 0.6 < table.loc["complies", "complied_change_low"] < 0.8 < table.loc["complies", "complied_change_high"]
    assert table.loc["garbles", "neither_after"] == 0.86 and table.loc["elsewhere", "complied_after"] != 0


def test_headline_and_summary_say_both_outcomes() -> None:
    text = compliance_sentence(BEFORE_AND_AFTER, "edited", {"does": "Compliance"})
    assert text == (
        "The models comply with 43% of the harmful prompts after the edit and 2% before it, and neither refuse nor "
        "comply with 47%, by Compliance."
    )
    assert compliance_sentence(BEFORE_AND_AFTER, "another") == ""
    assert outcome_lines(BEFORE_AND_AFTER)[:3] == [
        "Outcomes of harmful prompts (compliance by does)",
        "                    refused  complied  neither  of",
        "garbles, original        48         1        1  50",
    ]
    assessment = pd.DataFrame(
        {
            "model": ["garbles"],
            "variant": "edited",
            "assessment": NOT_ROBUST,
            "refused_after": 0.1,
            "change": -0.86,
            "judge": "regex",
        }
    )
    (line,) = finding_lines(assessment, outcomes=BEFORE_AND_AFTER, width=1000)
    assert "lost its safety training. The models comply with 43%" in line


def test_assessment_and_summary_wait_for_the_outcomes(config: dict[str, Any]) -> None:
    config["rubrics"] = {"does": {**COMPLIANCE, "label": "Compliance"}}
    grid = Grid(prepare(config))
    assert outcomes.outcome_table(grid) == ["results/tables/outcomes.csv"] and outcomes.compliance_labels(grid) == {
        "does": "Compliance"
    }
    config["rubrics"] = {}
    assert outcomes.outcome_table(Grid(prepare(config))) == []
