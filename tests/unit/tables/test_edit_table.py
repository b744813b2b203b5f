import json

import numpy as np
import pandas as pd
import pytest

from steadfast.directions import Direction
from steadfast.tables.edits import INEFFECTIVE, edit_table, mark_ineffective


def write(path, content):
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def direction(tmp_path):
    details = {"stability": {"median_cosine": 0.97}}
    found = Direction(np.eye(1, 4, dtype=np.float32), method="pca", layer="2", position=-1, details=details)
    found.save(tmp_path / "one.safetensors")
    return tmp_path / "one.safetensors"


@pytest.fixture
def edits(tmp_path, direction):
    systems = []
    for model, effective in (("raw", True), ("combined", False)):
        gates = {"modules_matched": 8, "worst_deviation": 0.0 if effective else 0.5}
        reason = "" if effective else "a residual ratio is off"
        manifest = {"effective": effective, "gates": gates, "change_norm": 2.5, "reason": reason}
        systems.append(((model, "abliterated"), direction, write(tmp_path / f"{model}.json", manifest)))
    return edit_table(systems)


def test_one_row_per_edited_checkpoint(edits):
    assert edits["model"].tolist() == ["raw", "combined"]
    assert edits["effective"].tolist() == [True, False]
    assert edits["worst_deviation"].tolist() == [0.0, 0.5]
    assert edits[["layer", "position", "stability"]].to_numpy().tolist() == [["2", -1, 0.97]] * 2


def test_a_hook_without_a_valid_direction_is_named(tmp_path, direction):
    nothing = Direction(np.zeros((0, 4), dtype=np.float32), method="pca", reason="of 3 candidates none fits")
    nothing.save(tmp_path / "none.safetensors")
    table = edit_table([(("a", "steered"), tmp_path / "none.safetensors", None), (("b", "steered"), direction, None)])
    assert table["effective"].tolist() == [False, True]
    assert table["reason"].tolist() == ["no valid direction: of 3 candidates none fits", ""]
    assert table["change_norm"].isna().all()


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
