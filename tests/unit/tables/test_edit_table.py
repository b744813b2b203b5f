import json

import pandas as pd
import pytest

from steadfast.tables.edits import INEFFECTIVE, edit_table, mark_ineffective, warning_lines


@pytest.fixture
def edits(tmp_path):
    manifests = []
    for model, effective in (("raw", True), ("combined", False)):
        path = tmp_path / f"{model}.json"
        gates = {"modules_matched": 8, "worst_deviation": 0.0 if effective else 0.5}
        reason = "" if effective else "a residual ratio is off"
        path.write_text(json.dumps({"effective": effective, "gates": gates, "change_norm": 2.5, "reason": reason}))
        manifests.append((model, "abliterated", path))
    return edit_table(manifests)


def test_one_row_per_edited_checkpoint(edits):
    assert edits["model"].tolist() == ["raw", "combined"]
    assert edits["effective"].tolist() == [True, False]
    assert edits["worst_deviation"].tolist() == [0.0, 0.5]


def test_no_conclusion_is_drawn_from_an_edit_that_missed(edits):
    rows = [
        {"model": model, "variant": variant, "label": label, "conclusion": "survives" if variant != "original" else ""}
        for model in ("raw", "combined")
        for variant in ("original", "abliterated")
        for label in ("harmful", "harmless")
    ]
    marked = mark_ineffective(pd.DataFrame(rows).assign(note=""), edits)
    changed = marked[marked["conclusion"] == INEFFECTIVE]
    assert changed[["model", "variant", "label"]].to_numpy().tolist() == [["combined", "abliterated", "harmful"]]
    assert changed["note"].tolist() == ["a residual ratio is off"]
    assert (marked["conclusion"] == "survives").sum() == 3


def test_no_edits_change_nothing():
    table = pd.DataFrame(
        {"model": ["raw"], "variant": ["original"], "label": ["harmful"], "conclusion": [""], "note": [""]}
    )
    assert mark_ineffective(table, edit_table([])).equals(table)
    assert warning_lines(edit_table([])) == []


def test_an_ineffective_edit_is_named_at_the_end(edits):
    assert warning_lines(edits) == ["warning: combined/abliterated: edit ineffective: a residual ratio is off"]
