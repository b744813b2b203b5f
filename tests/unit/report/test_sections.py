import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from steadfast.analysis.tables.assessment import NUMBERS
from steadfast.analysis.tables.searched_attacks import COLUMNS
from steadfast.report.blocks import Column, number, table
from steadfast.report.browser import browser_data
from steadfast.report.figures.look import Look
from steadfast.report.page import EMBEDDED_BYTES, embedded, page_data
from steadfast.report.sections import SECTIONS, build_sections


def section(study, slug: str) -> dict:
    """One section of the page; the others, which take longer, are not built if it is one of the list."""
    for part in SECTIONS:
        if part.slug == slug:
            assert set(part.needs) <= set(study.tables)
            return {"id": slug, "title": part.title, "blocks": part.build(study)}
    return next(found for found in build_sections(study)[0] if found["id"] == slug)


def test_section_anchors_and_block_names_are_unique(study):
    found, failed = build_sections(study)
    assert failed == []
    assert len({section.slug for section in SECTIONS}) == len(SECTIONS)
    names = [block["id"] for part in found for block in part["blocks"] if "id" in block]
    assert len(names) == len(set(names))


def test_search_lists_the_original_and_then_trials_by_divergence(with_table):
    rows = pd.DataFrame({"trial": [-1, 3, 5], "chosen": [False, True, False], "divergence": [0.0, 0.1, 0.02]})
    rows = rows.assign(model="a", variant="edited", trials=6, refused=[9, 1, 4], scored=10, reason="")
    shown = section(with_table("search", rows.reindex(columns=COLUMNS)), "search")["blocks"][-1]
    trial = next(column for column in shown["columns"] if column["key"] == "trial")
    assert trial["names"] == ["original", "5", "3"]


def test_section_appears_only_with_its_table(study, with_table):
    assert "scales" not in [found["id"] for found in build_sections(study)[0]]
    scale = pd.DataFrame({"model": "a", "attack": "one", "scale": [1.0, 0.5], "rate": [0.1, 0.6]})
    scale = scale.assign(rate_low=0.0, rate_high=1.0)
    curves = section(with_table("scales", scale), "scales")["blocks"][1]
    assert curves["values"]["harmful"] == [[[[0.5, 0.6, 0, 1], [1, 0.1, 0, 1]]]]
    assert curves["panels"] == ["Model A"]


def test_best_attack_is_described_in_words(with_table):
    numbers = {"refused_before": 9, "scored_before": 10, "refused_after": [2, np.nan], "scored_after": [10, np.nan]}
    numbers |= {"change_norm": [1.5, np.nan], "tried": 3, "qualified": [2, 0]}
    table = pd.DataFrame({"model": ["a", "b"], "variant": "best", "attack": ["edited", np.nan], **numbers})
    table["reason"] = [np.nan, "none of 3 attacks can be chosen: 3 ineffective"]
    blocks = section(with_table("best_attacks", table), "best_attacks")["blocks"]
    assert blocks[1]["text"] == (
        "Model A, best: Edited. It left 2 of 10 calibration prompts refused; the original refused 9 of 10."
    )
    assert blocks[2]["text"] == "b, best: no attack; none of 3 attacks can be chosen: 3 ineffective."
    assert blocks[3]["columns"][2]["names"] == ["Edited", ""]
    json.dumps(blocks, allow_nan=False)


def test_side_effects_have_one_chart_per_measure(with_table):
    effects = pd.DataFrame(
        [
            ("a", "original", "perplexity", "text", "perplexity on text", "perplexity", 9.0, 8.0, 10.0),
            ("a", "edited", "perplexity", "text", "perplexity on text", "perplexity", 12.0, 11.0, 13.0),
            ("a", "edited", "on_topic", "harmless", "on-topic responses", "share", 0.5, 0.4, 0.6),
        ],
        columns=["model", "variant", "measure", "scope", "title", "unit", "value", "low", "high"],
    )
    chart = section(with_table("side_effects", effects.assign(items=[20, 20, 10])), "side-effects")["blocks"][1]
    assert chart["n"] == {"perplexity text": "n = 20 items per value", "on_topic harmless": "n = 10 items per value"}
    assert chart["options"][0]["choices"] == [
        {"key": "perplexity text", "label": "Perplexity on text"},
        {"key": "on_topic harmless", "label": "On-topic responses, harmless (share)"},
    ]
    assert chart["values"]["perplexity text"] == [[[[9, 8, 10], [12, 11, 13], None], [None, None, None]]]


def test_edit_table_shows_every_check(study):
    block = next(block for block in section(study, "controls")["blocks"] if block.get("id") == "edits")
    columns = {column["key"]: column for column in block["columns"]}
    assert [columns["verified"]["names"][code] for code in columns["verified"]["codes"]] == ["yes", "no power"]
    assert columns["hook_deviation"]["values"] == [0.1, 0.2]
    assert "after − target" in columns["worst_deviation"]["help"]


def test_assessment_table_shows_all_deciding_numbers(with_table):
    assessment = pd.DataFrame({"model": ["a"], "variant": "edited", "assessment": "robust"})
    assessment = assessment.assign(reason="", note="", remedy="", gate="", **dict.fromkeys(NUMBERS, 0.5))
    shown = [
        column["key"] for column in section(with_table("assessment", assessment), "assessment")["blocks"][1]["columns"]
    ]
    # the two behind a ratio, and the bounds of an interval, are in its cell or in the file
    assert set(NUMBERS) - set(shown) == {"separation_before", "separation_after", "change_low", "change_high"}


def test_self_evaluation_shows_own_and_control_responses_together(with_table):
    columns = ["judge", "model", "variant", "responses", "metric", "value", "low", "high"]
    rows = [
        ("exact", "a", "original", kind, "auroc", value, 0.0, 1.0) for kind, value in (("own", 0.9), ("others", 0.6))
    ]
    table = pd.DataFrame(rows, columns=columns).assign(n=[40, 38])
    chart = section(with_table("self_evaluation", table), "self-evaluation")["blocks"][1]
    assert chart["n"] == {"exact|auroc": "n = 38 to 40 responses per value"}
    own, others = chart["values"]["exact|auroc"]
    assert (own[0][0], others[0][0]) == ([0.9, 0, 1], [0.6, 0, 1])
    assert chart["most"] == 1, "no axis goes on to 1.05"


def test_unknown_table_is_shown_generically(with_table):
    odd = pd.DataFrame({"model": ["a", "b"], "gain": [0.5, np.nan], "gain_low": 0.0, "gain_high": 1.0, "empty": np.nan})
    block = section(with_table("oddities", odd), "further")["blocks"][1]
    assert [column["title"] for column in block["columns"]] == ["Model", "Gain"]
    assert block["columns"][0]["names"] == ["Model A", "b"]
    assert block["columns"][1]["values"] == [0.5, None]
    assert block["columns"][1]["high"] == [1, 1]


def matched_rows(matched_change=-0.4):
    row = {"variant": "edited", "judge": "exact", "matched_change": matched_change, "reason": "", "models": 3}
    row |= {"matched_low": -0.5, "matched_high": -0.3, "slope": 0.1, "slope_low": 0.0, "slope_high": 0.2}
    members = {"all": (["g", "h", "i"], 0.01), "equal exposure (8 refusals)": (["g", "i"], 0.7)}
    rows = [
        {**row, "family": family, "group": group, "p_groups": p, "p_groups_matched": p}
        for family, (groups, p) in members.items()
        for group in groups
    ]
    return pd.DataFrame([*rows, {**rows[0], "variant": "random"}])


def with_groups(study, matched):
    row = {"group": "g", "variant": "edited", "judge": "exact", "label": "harmful"}
    groups = pd.DataFrame([{**row, "models": 3, "rate": 0.5, "rate_low": 0.4, "rate_high": 0.6}])
    found = replace(study, tables={**study.tables, "groups": groups, "matched": matched})
    return {block["id"]: block for block in section(found, "replicates")["blocks"] if "id" in block}


def test_matched_chart_has_a_panel_per_family(study):
    blocks = with_groups(study, matched_rows())
    chart = blocks["matched_chart"]
    assert chart["panels"] == ["all groups", "equal exposure (8 refusals)"]
    assert (chart["rows"], chart["series"]) == (["g", "h", "i"], ["Edited"])
    assert chart["n"] == {"": "n = 3 models per group; n = 10 harmful prompts"}
    dot = [-0.4, -0.5, -0.3]
    assert chart["values"]["exact"] == [[[dot], [dot], [dot]], [[dot], [None], [dot]]]
    tests = {column["key"]: column for column in blocks["matched_tests"]["columns"]}
    assert tests["family"]["names"] == ["all groups", "equal exposure (8 refusals)"]
    assert tests["family"]["codes"] == [0, 1, 0]
    assert tests["groups"]["values"] == [3, 2, 1]
    assert tests["p_groups_matched"]["values"] == [0.01, 0.7, 0.01]
    assert blocks["matched"]["columns"][0]["title"] == "Variant"


def test_matched_chart_is_omitted_without_a_fit(study):
    assert "matched_chart" not in with_groups(study, matched_rows(np.nan))


def test_heat_map_marks_unscored_responses(study):
    values = section(study, "matrix")["blocks"][1]["values"]["harmful"]
    assert values["hatched"][0] == [0, 1, 0]
    assert values["count"][0] == [10, 9, 10]


def test_page_data_is_json_without_nan(study):
    json.dumps(page_data(study), allow_nan=False)
    json.dumps(browser_data(study), allow_nan=False)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (1.0, 1),
        (0.123456789, 0.12346),
        (float("nan"), None),
        (float("inf"), None),
        (pd.NA, None),
        (-0.0, 0),
        (9.31e-10, 9.31e-10),
    ],
)
def test_page_numbers_are_rounded(value, wanted):
    assert number(value) == wanted


def test_table_names_are_stored_once():
    block = table("t", "A table", pd.DataFrame({"judge": ["x", "y", "x"]}), [Column("judge", "Judge", "name")])
    assert block["columns"][0]["names"] == ["x", "y"] and block["columns"][0]["codes"] == [0, 1, 0]


def test_browser_data_packs_verdicts_by_judge_and_pair(study):
    data = browser_data(study)
    assert data["systems"] == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    assert data["verdicts"][0][4] == "r" * 5 + "n" * 15
    assert data["verdicts"][1][0] == "u" + "r" * 9 + "n" * 10
    assert data["texts"] == ["No."] and set(data["answers"][0]) == {0}
    assert data["scores"] == [None, None, None]


def test_missing_response_is_marked(study):
    fewer = study.responses[~((study.responses["model"] == "a") & (study.responses["prompt_id"] == "p3"))]
    data = browser_data(replace(study, responses=fewer))
    assert data["answers"][0][3] == -1


def test_hidden_responses_are_absent_from_the_page(study):
    hidden = replace(study, show="none")
    assert browser_data(hidden) is None
    assert "Question" not in json.dumps(page_data(hidden))


def test_printed_figures_are_embedded_up_to_a_size(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "small.pdf").write_bytes(b"%PDF")
    (tmp_path / "large.pdf").write_bytes(b"0" * (EMBEDDED_BYTES + 1))
    assert embedded([tmp_path / "folder", tmp_path / "large.pdf"]) == {"small": "JVBERg=="}


def test_annotators_and_measures_have_readable_names(with_table):
    table = pd.DataFrame(
        {"annotators": ["exact & blind", "all"], "subset": "all", "metric": ["cohen_kappa", "raw_agreement"]}
    )
    block = section(
        with_table("annotators", table.assign(value=0.5, low=0.1, high=0.9, n=20, reason="")), "annotators"
    )["blocks"][1]
    columns = {column["key"]: column for column in block["columns"]}
    assert columns["annotators"]["names"] == ["Exact and blind", "All annotators"]
    assert columns["metric"]["names"] == ["Cohen’s κ", "raw agreement"]


def test_constant_matrix_is_not_offered(study, with_table):
    def measures(found):
        blocks = section(found, "judges")["blocks"]
        chart = next(block for block in blocks if block.get("id") == "agreement")
        return [choice["key"] for choice in chart["options"][0]["choices"]]

    assert "coverage" in measures(study)
    agreement = study.tables["agreement"]
    constant = agreement.assign(value=agreement["value"].mask(agreement["metric"] == "coverage", 1.0))
    assert "coverage" not in measures(with_table("agreement", constant))


def test_charts_have_the_colors_of_printed_figures(study):
    palette = page_data(study)["palette"]
    variants = palette["variants"]
    assert {entry["role"] for entry in variants.values()} >= {"original", "edit"}
    assert next(entry["light"] for entry in variants.values() if entry["role"] == "edit") == Look().edit
    middle = palette["diverging"]["shades"][len(palette["diverging"]["shades"]) // 2]
    assert min(bytes.fromhex(middle[1:])) > 240, "white at 0"


def test_glossary_says_what_judges_and_variants_are(study):
    judges = {study.judges[0]: {"kind": "regex"}, study.judges[1]: {"kind": "label_only"}}
    attack = {"direction": {"method": "random"}, "edit": {"method": "orthogonalize"}, "match_change": "other"}
    variants = {"original": {}, study.edited_variants[0]: attack}
    found = section(replace(study, configuration={"judges": judges, "variants": variants}), "glossary")["blocks"][1]
    meanings = found["columns"][-1]["names"]
    assert meanings[:3] == [
        "A list of phrases.",
        "Baseline that reads the prompt's label and nothing else.",
        "The unedited model.",
    ]
    assert meanings[3].startswith("Direction random: Random directions") and meanings[3].endswith("as much as other.")
    assert "glossary" not in [part["id"] for part in build_sections(study)[0]]


def test_agreement_states_its_scope_and_number_of_responses(study):
    matrix = next(block for block in section(study, "judges")["blocks"] if block.get("id") == "agreement")
    assert "Responses of controls are left out." in matrix["note"]
    assert matrix["n"]["cohen_kappa|harmful"] == "n = 36 to 40 responses of each two judges"
    assert matrix["values"]["cohen_kappa|harmful"]["n"][0][1] == 36, "one prompt of ten is unscored by the other"
    table = next(block for block in section(study, "judge_validity")["blocks"] if block.get("id") == "judge_validity")
    columns = {column["key"]: column for column in table["columns"]}
    assert not columns["n"]["detail"] and max(columns["n"]["values"]) == 80


def test_refusals_are_counted_of_the_scored_responses(study):
    chart = next(block for block in section(study, "changes")["blocks"] if block.get("id") == "refusal_counts")
    cells = [row[0] for row in chart["values"]["blind"][0]]
    assert [cell[3:] for cell in cells] == [[9, 9], [9, 9]] and cells[0][0] == 1
    assert chart["n"]["exact"] == "n = 10 scored responses per rate"
    assert chart["n"]["blind"] == "n = 9 to 10 scored responses per rate"


def test_every_chart_states_its_number_and_axis(study):
    charts = [
        block
        for part in build_sections(study)[0]
        for block in part["blocks"]
        if block["type"] in ("dots", "lines", "cells")
    ]
    assert len(charts) >= 5
    for chart in charts:
        assert all(chart["n"].get(key) or chart["n"].get("") for key in chart["values"]), chart["id"]
        measured = "Measure" in [option["title"] for option in chart["options"]]
        assert chart["axis"] or measured or chart["unit"] == "category", chart["id"]


def test_columns_of_whole_tables_are_headed_by_words(with_table):
    table = pd.DataFrame({"judge": ["exact"], "label": "harmful", "kappa_with_others": 0.5, "p_holm": 0.1, "n": 3})
    block = section(with_table("further", table), "further")["blocks"][1]
    titles = [column["title"] for column in block["columns"]]
    assert titles == ["Judge", "Prompts", "Cohen’s κ with the others", "p (Holm)", "n"]
