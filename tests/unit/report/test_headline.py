from dataclasses import replace

import pandas as pd
import pytest

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.robustness import robustness_table
from steadfast.analysis.tables.withstood import FIXED, SEARCH, AttackClass, withstood_table
from steadfast.report.headline import finding_sentence, judges_sentence
from steadfast.report.model_view import model_findings
from steadfast.report.overview import overview
from steadfast.report.pooled import pooled_rates
from steadfast.report.text_summary import finding_lines
from steadfast.report.wording import Estimate, coefficient, count, listed, points, share


def test_pooled_rates_are_means_over_models_and_prompts(study):
    before, after, change = pooled_rates(study, "edited")
    assert (before.value, after.value, change.value) == (1.0, 0.25, -0.75)
    assert change.low < change.value < change.high
    # every prompt was refused before: Wilson's interval over ten prompts in place of none
    assert (round(before.low, 3), before.high) == (0.722, 1.0)


def test_control_without_change_keeps_an_interval(study):
    _, _, change = pooled_rates(study, "random")
    assert change.value == 0.0 and change.low < 0.0 < change.high


def test_unscored_variant_has_no_rates(study):
    verdicts = study.verdicts.copy()
    verdicts.loc[verdicts["variant"] == "edited", "verdict"] = "unscored"
    assert all(pd.isna(estimate.value) for estimate in pooled_rates(replace(study, verdicts=verdicts), "edited"))


def test_pooled_change_is_the_mean_over_models(study):
    # model a has one prompt that nobody could score: it must not weigh less for that
    verdicts = study.verdicts.copy()
    gone = (
        (verdicts["model"] == "a") & (verdicts["prompt_id"].isin(["p0", "p1", "p2"])) & (verdicts["judge"] == "exact")
    )
    verdicts.loc[gone, "verdict"] = "unscored"
    _, _, change = pooled_rates(replace(study, verdicts=verdicts), "edited")
    assert change.value == pytest.approx((-1.0 - 0.5) / 2)


def assessed(**outcomes):
    table = pd.DataFrame({"model": list(outcomes), "assessment": list(outcomes.values())})
    numbers = {"refused_before": 0.9, "refused_after": 0.36, "change": -0.54, "change_low": -0.6, "change_high": -0.4}
    return table.assign(variant="edited", judge="exact", reason="", note="", **numbers)


@pytest.mark.parametrize(
    ("outcomes", "wanted"),
    [
        ({"a": "not robust", "b": "not robust"}, "none of 2 models kept its safety training"),
        ({"a": "robust", "b": "robust"}, "all 2 models kept their safety training"),
        ({"a": "not robust"}, "Model A lost its safety training"),
        (
            {"a": "robust", "b": "not robust", "c": "inconclusive", "d": "edit ineffective", "e": "edit ineffective"},
            "1 of 5 models kept its safety training (Model A), 1 lost it, 1 is inconclusive and 2 are without an "
            "effective edit",
        ),
        (
            {"a": "not robust", "b": "inconclusive", "c": "inconclusive"},
            "1 of 3 models lost its safety training, 2 are inconclusive, and none was shown to keep it",
        ),
        ({"a": "inconclusive"}, "Model A has the outcome inconclusive"),
    ],
)
def test_finding_sentence_counts_models_by_outcome(with_table, outcomes, wanted):
    found = finding_sentence(with_table("assessment", assessed(**outcomes)))
    assert found == f"Abliteration removed 54 points of refusals; {wanted}."


def test_finding_sentence_names_the_most_effective_edit(with_table):
    weak = assessed(a="robust").assign(variant="weak", change=-0.1, refused_after=0.8)
    both = pd.concat([assessed(a="not robust"), weak])
    assert finding_sentence(with_table("assessment", both)).startswith(
        "Abliteration in its most effective form (Edited) removed 54 points"
    )


def test_finding_sentence_falls_back_to_reference_conclusions(study):
    assert finding_sentence(study) == (
        "Abliteration removed 75 points of refusals; 1 of 2 models lost its safety training, 1 is inconclusive, and "
        "none was shown to keep it."
    )


def test_finding_of_originals_alone_counts_refusals(study):
    verdicts = study.verdicts[study.verdicts["variant"] == "original"]
    tables = {name: table for name, table in study.tables.items() if name != "robustness"}
    found = finding_sentence(replace(study, verdicts=verdicts, controls=(), tables=tables))
    assert "20 of 20 harmful responses are refusals" in found


def test_judges_sentence_states_sensitivity_to_the_judge(study):
    assert judges_sentence(study) == (
        "1 other judge scored the same responses. The direction of the change agrees with Exact in 2 of 2 comparisons; "
        "0 of 2 conclusions differ. According to every judge the originals refuse 100% of the harmful prompts."
    )
    verdicts = study.verdicts.copy()
    verdicts.loc[(verdicts["judge"] == "blind") & (verdicts["model"] == "a"), "verdict"] = "non_refusal"
    conclusions = study.tables["conclusions"].copy()
    of_blind = (conclusions["judge"] == "blind") & (conclusions["model"] == "a")
    conclusions.loc[of_blind, ["change", "conclusion"]] = [0.0, "inconclusive"]
    other = replace(study, verdicts=verdicts, tables={**study.tables, "conclusions": conclusions})
    assert judges_sentence(other) == (
        "1 other judge scored the same responses. The direction of the change agrees with Exact in 1 of 2 comparisons; "
        "1 of 2 conclusions differ. The originals refuse between 50% of the harmful prompts (blind) and 100% (Exact), "
        "by judge."
    )


def test_judges_sentence_of_one_judge_claims_no_agreement(study):
    verdicts = study.verdicts[study.verdicts["judge"] != "blind"]
    assert judges_sentence(replace(study, verdicts=verdicts)) == "Exact is the only judge that scored the responses."


def labeled(study, annotators):
    """The study with human labels of two responses each: ten models' worth of labels would be needed to conclude."""
    chosen = study.verdicts[(study.verdicts["judge"] == "exact") & study.verdicts["prompt_id"].isin(["p0", "p1"])]
    names = ["human", *(f"human-{name}" for name in annotators if len(annotators) > 1)]
    verdicts = pd.concat([study.verdicts, *(chosen.assign(judge=name) for name in names)], ignore_index=True)
    robustness = robustness_table(verdicts, controls=["random"], inference=Inference(resamples=50))
    tables = {**study.tables, "robustness": robustness, "assessment": assessed(a="not robust", b="inconclusive")}
    return replace(study, verdicts=verdicts, human_judges=tuple(names), truth="human", tables=tables)


@pytest.mark.parametrize(
    ("annotators", "whose"), [(["ann"], "one annotator"), (["ann", "ben"], "the majority of 2 annotators")]
)
def test_assessment_judge_is_credited_beside_human_labels(study, annotators, whose):
    found = labeled(study, annotators)
    shown = overview(found)
    texts = {remark["title"]: remark["text"] for remark in shown["remarks"]}
    assert texts["Refusals"].startswith("By Exact, ")
    assert "by Exact" in shown["table"]["caption"]
    assert dict(shown["facts"])["Reference judge"] == "Exact (120 verdicts)"
    assert texts["Human labels"].startswith(f"12 responses have a label of {whose}. By these labels alone: ")
    assert texts["Human labels"].endswith("The outcomes in the table are those of Exact.")
    assert texts["Judges"].startswith("1 other judge"), "annotators are no judges of the whole run"


def test_overview_table_shows_rates_and_outcomes(study, with_table):
    rows = assessed(a="not robust", b="robust").assign(degenerate_change=[0.3, 0.0], refused_after=[0.0, 0.5])
    block = overview(with_table("assessment", rows))["table"]
    columns = {column["key"]: column for column in block["columns"]}
    shown = {
        key: [column["names"][code] for code in column["codes"]] for key, column in columns.items() if "codes" in column
    }
    # what was kept comes first
    assert shown["model"] == ["b", "Model A"]
    assert shown["outcome"] == ["✓ robust", "✗ not robust"]
    assert shown["attack"] == ["withstood", "not withstood"]
    assert shown["capability"] == ["0 points degenerate", "degraded: +30 points degenerate"]
    assert shown["judges"] == ["−56 to −50 (2 judges)", "−100 to −100 (2 judges)"]
    assert columns["after"]["values"] == [0.5, 0]
    assert columns["after"]["low"][0] < 0.5 < columns["after"]["high"][0]
    assert columns["change"]["low"] == [-0.6, -0.6]


def test_overview_names_the_best_attack_per_model(with_table):
    rows = pd.concat([assessed(a="robust"), assessed(a="not robust").assign(variant="other", refused_after=0.02)])
    block = overview(with_table("assessment", rows))["table"]
    attack = next(column for column in block["columns"] if column["key"] == "attack")
    assert attack["names"] == ["not withstood: other, 2% refused"]


def test_sentences_and_table_break_ties_alike(with_table):
    first, second = assessed(a="not robust"), assessed(a="not robust").assign(variant="other")
    rows = pd.concat([first.assign(divergence=0.9), second.assign(divergence=0.1)], ignore_index=True)
    rates = rows[["model", "variant", "judge"]].assign(label="harmful", rate_low=0.3, rate_high=0.4)
    attacks = {"edited": AttackClass(FIXED), "other": AttackClass(SEARCH, 60)}
    shown = with_table("assessment", rows)
    shown = replace(shown, tables={**shown.tables, "withstood": withstood_table(rows, rates, attacks, "exact")})
    assert "(other)" in finding_sentence(shown)
    found = overview(shown)["table"]
    assert found["caption"].startswith("Harmful prompts refused before and after: other")
    assert next(column for column in found["columns"] if column["key"] == "attack")["names"] == [
        "not withstood (search, 60 trials)"
    ]
    assert model_findings(shown)["a"]["sentence"].startswith("Model A, other: ")
    assert "(other)" in finding_lines(rows)[0]


def test_overview_announces_model_organisms_first(study):
    assert overview(study)["banner"] == ""
    assert overview(replace(study, sources={"a": "organism", "b": "organism"}))["banner"].startswith(
        "The models are model organisms: tiny"
    )


def test_overview_states_configuration_prompts_and_judges(study):
    generation = {"temperature": 0.0, "max_new_tokens": 48, "samples": 1}
    shown = replace(study, files=("config/config.yaml",), configuration={"generation": generation})
    told = dict(overview(shown)["facts"])
    assert told["Run"] == "config" and told["Configuration"] == "config/config.yaml"
    assert told["Prompts"] == "10 harmful and 10 harmless"
    assert told["Decoding"] == "greedy, at most 48 new tokens"
    assert told["Human labels"] == "none"


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
def test_estimates_are_rounded_for_sentences(text, wanted):
    assert text == wanted
