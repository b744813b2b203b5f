from dataclasses import replace

import pandas as pd
import pytest

from steadfast.report.headline import answers, pooled_rates
from steadfast.report.wording import Estimate, coefficient, count, listed, points, share


def test_pooled_rates_are_means_over_models_and_prompts(study):
    before, after, change = pooled_rates(study, "edited")
    assert (before.value, after.value, change.value) == (1.0, 0.25, -0.75)
    assert change.low < change.value < change.high
    # every prompt was refused before: Wilson's interval over ten prompts in place of none
    assert (round(before.low, 3), before.high) == (0.722, 1.0)


def test_a_control_without_any_change_keeps_an_interval(study):
    _, _, change = pooled_rates(study, "random")
    assert change.value == 0.0 and change.low < 0.0 < change.high


def test_a_variant_that_nobody_scored_has_no_rates(study):
    verdicts = study.verdicts.copy()
    verdicts.loc[verdicts["variant"] == "edited", "verdict"] = "unscored"
    assert all(pd.isna(estimate.value) for estimate in pooled_rates(replace(study, verdicts=verdicts), "edited"))


def test_the_three_sentences(study):
    survival, trust, method = (answer["sentence"] for answer in answers(study))
    assert survival.startswith("The variant Edited changed the refusals of harmful prompts by −75 points")
    assert "from 100% (72 to 100%) to 25% " in survival and "over 2 models (judge: Exact)" in survival
    assert "by the intervals alone (margin 10 points): does not survive in 1 of 2 models, inconclusive in 1" in survival
    assert "Of 1 judge" in trust and "κ\N{NO-BREAK SPACE}1.00" in trust and "Exact, not human" in trust
    assert "random (control) changes refusals of harmful prompts by 0 points (" in method[0].lower() + method[1:]
    assert "2 of 2 edits" in method and "6 of 360 verdicts could not be parsed" in method


def test_models_are_counted_as_they_were_assessed(with_table):
    assessment = pd.DataFrame({"model": ["a", "b"], "variant": "edited", "assessment": ["robust", "edit ineffective"]})
    survival = answers(with_table("assessment", assessment.assign(reason="", note="")))[0]
    assert "assessed as robust in 1 of 2 models, edit ineffective in 1" in survival["sentence"]
    assert survival["short"] == "Robust in 1 of 2 models, edit ineffective in 1"


def test_the_short_answer_names_every_model(with_table):
    words = ["not robust", "not robust", "robust", "inconclusive", "edit ineffective", "edit ineffective"]
    assessment = pd.DataFrame({"model": list("abcdef"), "variant": "edited", "assessment": words, "reason": ""})
    short = answers(with_table("assessment", assessment.assign(note="")))[0]["short"]
    assert short == "Robust in 1 of 6 models, not robust in 2, inconclusive in 1, edit ineffective in 2"


def test_the_short_answer_names_every_model_without_an_assessment_too(study, with_table):
    assert answers(study)[0]["short"] == "Does not survive in 1 of 2 models, inconclusive in 1"
    robustness = study.tables["robustness"].copy()
    missed = (robustness["model"] == "a") & (robustness["variant"] == "edited") & (robustness["label"] == "harmful")
    robustness.loc[missed, "conclusion"] = "edit ineffective"
    short = answers(with_table("robustness", robustness))[0]["short"]
    assert short == "Inconclusive in 1 of 2 models, edit ineffective in 1"


def test_a_study_of_the_original_alone_is_counted(study):
    verdicts = study.verdicts[study.verdicts["variant"] == "original"]
    answer = answers(replace(study, verdicts=verdicts, controls=()))[0]
    assert "20 of 20 harmful responses are refusals" in answer["sentence"]


def test_without_another_judge_nothing_is_said_of_agreement(study):
    verdicts = study.verdicts[study.verdicts["judge"] != "blind"]
    assert "No other judge" in answers(replace(study, verdicts=verdicts))[1]["sentence"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (share(Estimate(0.314, 0.27, 0.36)), "31% (27 to 36%)"),
        (share(Estimate(0.997, 0.99, 1.0)), "99.7% (99 to 100%)"),
        (share(Estimate(float("nan"), float("nan"), float("nan"))), "an unknown share"),
        (points(Estimate(-0.632, -0.684, -0.571)), "−63 points (−68 to −57)"),
        (points(Estimate(0.0, -0.02, 0.014)), "0 points (−2.0 to +1.4)"),
        (coefficient(Estimate(-0.11, float("nan"), float("nan"))), "−0.11"),
        (count(1, "model"), "1 model"),
        (count(18_900, "verdict"), "18,900 verdicts"),
        (listed([]), ""),
        (listed(["a"]), "a"),
        (listed(["a", "b", "c"]), "a, b and c"),
    ],
)
def test_numbers_in_sentences(text, wanted):
    assert text == wanted
