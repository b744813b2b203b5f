import json

import numpy as np
import pandas as pd
import pytest

from steadfast.directions import Direction
from steadfast.tables.edits import INEFFECTIVE, ChangedSystem, edit_table, mark_ineffective


def write(path, content):
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def direction(tmp_path):
    details = {"stability": {"median_cosine": 0.97, "same_place": 0.8}}
    found = Direction(np.eye(1, 4, dtype=np.float32), method="pca", layer="2", position=-1, details=details)
    found.save(tmp_path / "one.safetensors")
    return tmp_path / "one.safetensors"


@pytest.fixture
def scores(tmp_path):
    """A file of scores with the given means of the hook-versus-baked check, of system and original, or without it."""

    def make(deviation=None, unedited=50.0):
        path = tmp_path / f"{deviation}-{unedited}.csv"
        rows = 0 if deviation is None else 2
        columns = {"measure": ["hook_agreement"] * rows, "value": [0.0, 2 * (deviation or 0)][:rows]}
        pd.DataFrame({**columns, "original": [unedited] * rows}).to_csv(path, index=False)
        return path

    return make


@pytest.fixture
def edits(tmp_path, direction, scores):
    systems = []
    for model, effective in (("raw", True), ("combined", False)):
        gates = {"modules_matched": 8, "worst_deviation": 0.0 if effective else 0.5}
        reason = "" if effective else "a residual ratio is off"
        manifest = {"effective": effective, "gates": gates, "change_norm": 2.5, "reason": reason}
        files = direction, scores(0.2), write(tmp_path / f"{model}.json", manifest)
        systems.append(ChangedSystem(model, "abliterated", *files))
    return edit_table(systems)


def test_one_row_per_edited_checkpoint(edits):
    assert edits["model"].tolist() == ["raw", "combined"]
    assert edits["effective"].tolist() == [True, False]
    assert edits["worst_deviation"].tolist() == [0.0, 0.5]
    assert edits[["layer", "position", "stability", "same_place"]].to_numpy().tolist() == [["2", -1, 0.97, 0.8]] * 2


def test_a_hook_without_a_valid_direction_is_named(tmp_path, direction, scores):
    nothing = Direction(np.zeros((0, 4), dtype=np.float32), method="pca", reason="of 3 candidates none fits")
    nothing.save(tmp_path / "none.safetensors")
    hooks = [("a", tmp_path / "none.safetensors"), ("b", direction)]
    table = edit_table(ChangedSystem(model, "steered", path, scores(), None) for model, path in hooks)
    assert table["effective"].tolist() == [False, True]
    assert table["reason"].tolist() == ["no valid direction: of 3 candidates none fits", ""]
    assert table["change_norm"].isna().all()
    assert table["verified"].tolist() == ["", ""]


def test_a_checkpoint_that_does_not_answer_as_the_hooked_original_is_ineffective(tmp_path, direction, scores):
    gates = {"modules_matched": 8, "worst_deviation": 0.0}
    manifest = write(tmp_path / "m.json", {"effective": True, "gates": gates, "change_norm": 2.5, "reason": ""})
    table = edit_table(ChangedSystem("raw", str(found), direction, scores(found), manifest) for found in (0.5, 3.0))
    assert table["verified"].tolist() == ["yes", "no"]
    assert table["effective"].tolist() == [True, False]
    assert table["hook_deviation"].tolist() == [0.5, 3.0]
    assert table["reason"][1].endswith("hooks on the edited modules (3 times the tolerance)")


@pytest.mark.parametrize(
    ("deviation", "unedited", "word", "effective"),
    [(0.5, 1.01, "yes", True), (0.5, 0.9, "no power", True), (1.5, 0.9, "no", False), (1.5, 3.0, "no", False)],
)
def test_where_the_original_answers_alike_nothing_is_verified(
    tmp_path, direction, scores, deviation, unedited, word, effective
):
    gates = {"modules_matched": 8, "worst_deviation": 0.0}
    manifest = write(tmp_path / "m.json", {"effective": True, "gates": gates, "change_norm": 2.5, "reason": ""})
    row = edit_table([ChangedSystem("raw", "random", direction, scores(deviation, unedited), manifest)]).iloc[0]
    assert (row["verified"], row["effective"]) == (word, effective)
    assert bool(row["reason"]) != effective


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
