from dataclasses import replace

import pandas as pd

from steadfast.analysis.tables.assessment import NUMBERS
from steadfast.report.blocks import EDITED, MOST_COLUMNS, OF_PAGE, Column, table
from steadfast.report.model_view import model_findings
from steadfast.report.sections import build_sections
from steadfast.report.view import view_data


def test_view_lists_controls_and_baselines_hidden_at_first(study):
    view = view_data(study)
    assert [judge["baseline"] for judge in view["judges"]] == [False, False, True]
    assert view["models"] == [{"key": "a", "label": "Model A"}, {"key": "b", "label": "b"}]
    assert (view["controls"], view["asides"]) == (["random"], ["random", "label-only"])


def test_tables_show_at_most_eight_columns_at_once(study):
    wide = replace(study, tables={**study.tables, "wide": pd.DataFrame({f"number_{n}": [n] for n in range(12)})})
    tables = [block for part in build_sections(wide)[0] for block in part["blocks"] if block["type"] == "table"]
    beside = {block["id"]: sum(not column["detail"] for column in block["columns"]) for block in tables}
    assert beside["wide"] == MOST_COLUMNS and max(beside.values()) <= MOST_COLUMNS
    known = {block["id"]: {column["key"] for column in block["columns"]} for block in tables}
    assert "order-by" not in set().union(*known.values()), "in the address this is how a table is sorted"
    sorts = {block["id"]: block["sort"].removeprefix("-") for block in tables if block["sort"]}
    assert sorts and all(key in known[name] for name, key in sorts.items())


def test_table_opens_with_filters_that_match_rows():
    data = pd.DataFrame({"variant": ["original", "edited"], "judge": "x", "label": "harmless"})
    columns = [Column(key, key, "name") for key in data]
    asked = {"variant": EDITED, "judge": OF_PAGE, "label": "harmful"}
    assert table("t", "T", data, columns, opening=asked)["opening"] == {"variant": EDITED, "judge": OF_PAGE}
    assert table("t", "T", data[1:], columns, opening=asked)["opening"] == {"judge": OF_PAGE}


def test_every_model_has_its_own_finding(study):
    found = model_findings(replace(study, configuration={"models": {"a": {"source": "hub", "repository": "me/a"}}}))
    assert found["b"]["sentence"] == ("b, Edited: refusals of harmful prompts went from 100% to 50%: inconclusive.")
    remarks = {remark["title"]: remark["text"] for remark in found["a"]["remarks"]}
    assert remarks["Source"] == "hub, repository me/a"
    assert remarks["Outcome of each variant"].startswith("Edited: does not survive (−100 points)")
    assert remarks["Harmless prompts"] == "0% refused before, 0% after"


def test_best_attacks_are_part_of_the_assessment(study, with_table):
    withstood = pd.DataFrame({"model": ["a"], "statement": ["inconclusive: refusals 90% to 0%"], "by_class": [""]})
    assessment = pd.DataFrame({"model": ["a"], "variant": "edited", "assessment": "robust"})
    assessment = assessment.assign(reason="", note="", remedy="", gate="", **dict.fromkeys(NUMBERS, 0.5))
    both = replace(
        with_table("assessment", assessment), tables={**study.tables, "assessment": assessment, "withstood": withstood}
    )
    found = {part["id"]: [block.get("id") for block in part["blocks"]] for part in build_sections(both)[0]}
    assert "withstood" in found["assessment"] and "further" not in found
