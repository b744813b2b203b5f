import json

import numpy as np
import pandas as pd
import pytest

from steadfast.analysis.tables.edits import EditedVariant, edit_table, mark_unverified
from steadfast.analysis.tables.outcomes import FAILS, INEFFECTIVE, UNVERIFIED
from steadfast.attacks.directions import Direction


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
    """A file of scores: means of the answers' check, of system and original, and items of the modules' check."""

    def make(deviation=None, unedited=50.0, modules=()):
        path = tmp_path / f"{deviation}-{unedited}-{len(modules)}.csv"
        rows = [] if deviation is None else [("hook_agreement", f"p{n}", 2 * n * deviation, unedited) for n in (0, 1)]
        rows += [("module_agreement", *module) for module in modules]
        pd.DataFrame(rows, columns=["measure", "item", "value", "original"]).to_csv(path, index=False)
        return path

    return make


@pytest.fixture
def sound(tmp_path):
    gates = {"modules_matched": 8, "worst_deviation": 0.0}
    return write(tmp_path / "m.json", {"effective": True, "gates": gates, "change_norm": 2.5, "reason": ""})


@pytest.fixture
def edits(tmp_path, direction, scores):
    systems = []
    for model, effective in (("raw", True), ("combined", False)):
        gates = {"modules_matched": 8, "worst_deviation": 0.0 if effective else 0.5}
        reason = "" if effective else "a residual ratio is off"
        manifest = {"effective": effective, "gates": gates, "change_norm": 2.5, "reason": reason}
        files = direction, scores(0.2), write(tmp_path / f"{model}.json", manifest)
        systems.append(EditedVariant(model, "abliterated", *files))
    return edit_table(systems)


def test_edit_table_has_one_row_per_checkpoint(edits):
    assert edits["model"].tolist() == ["raw", "combined"]
    assert edits["effective"].tolist() == [True, False]
    assert edits["worst_deviation"].tolist() == [0.0, 0.5]
    assert edits[["layer", "position", "stability", "same_place"]].to_numpy().tolist() == [["2", -1, 0.97, 0.8]] * 2


def test_intervention_without_valid_direction_is_ineffective(tmp_path, direction, scores):
    nothing = Direction(np.zeros((0, 4), dtype=np.float32), method="pca", reason="of 3 candidates none fits")
    nothing.save(tmp_path / "none.safetensors")
    hooks = [("a", tmp_path / "none.safetensors"), ("b", direction)]
    table = edit_table(EditedVariant(model, "steered", path, scores(), None) for model, path in hooks)
    assert table["effective"].tolist() == [False, True]
    assert table["reason"].tolist() == ["no valid direction: of 3 candidates none fits", ""]
    assert table["change_norm"].isna().all()
    assert table["verified"].tolist() == ["", ""]


def test_hook_deviation_above_the_bound_fails_the_gate(direction, scores, sound):
    table = edit_table(EditedVariant("raw", str(found), direction, scores(found), sound) for found in (0.5, 3.0))
    assert table["verified"].tolist() == ["yes", "no"]
    assert table["effective"].tolist() == [True, False]
    assert table["hook_deviation"].tolist() == [0.5, 3.0]
    assert table["hook_share"].tolist() == [0.01, 0.06]
    assert table["gate"].tolist() == ["", "answers"]
    assert table["gate_ratio"][1] == 3
    assert table["reason"][1].endswith("the distance is 6% of the edit's own effect, 3 times the bound")
    assert table["remedy"][1].startswith("delete the checkpoint and bake it again")


@pytest.mark.parametrize(
    ("modules", "gate", "reason"),
    [
        ([("block 0, MLP output", 0.3, 50.0), ("block 1, MLP output", -0.9, 20.0)], "", ""),
        (
            [("block 0, MLP output", 0.3, 50.0), ("block 1, MLP output", 47.5, 50.0)],
            "modules",
            "1 of 2 edited modules do not apply the edit: block 1, MLP output applies 5% of the target change "
            "(100% ± 2.0%; 47.5 times the bound)",
        ),
        (
            [("block 0, MLP output", -4.0, 20.0), ("block 1, MLP output", -2.0, 50.0)],
            "modules",
            "2 of 2 edited modules do not apply the edit: block 0, MLP output applies 120% of the target change "
            "(100% ± 5.0%; 4 times the bound)",
        ),
    ],
    ids=["right", "missed", "too much"],
)
def test_deviating_module_is_named(direction, scores, sound, modules, gate, reason):
    """Whatever the answers of the whole model say."""
    row = edit_table([EditedVariant("raw", "edited", direction, scores(0.5, 9.0, modules), sound)]).iloc[0]
    assert (row["gate"], row["effective"], row["verified"]) == (gate, not gate, "no" if gate else "yes")
    assert row["reason"] == reason
    assert (row["modules"], row["modules_checked"]) == (8, 2)
    assert row["module_deviation"] == max(abs(value) for _, value, _ in modules)


def test_all_failed_gates_are_reported_and_first_is_named(tmp_path, direction, scores):
    gates = {"modules_matched": 8, "worst_deviation": 0.5, "worst_ratio": 12.0, "failed": "weights"}
    manifest = {"effective": False, "gates": gates, "change_norm": 2.5, "reason": "stored weights deviate"}
    files = direction, scores(3.0, 4.0, [("embedding", 5.0, 10.0)]), write(tmp_path / "m.json", manifest)
    row = edit_table([EditedVariant("raw", "edited", *files)]).iloc[0]
    assert (row["gate"], row["gate_ratio"]) == ("weights", 12)
    assert [part in row["reason"] for part in ("stored weights", "edited modules", "does not match")] == [True] * 3


@pytest.mark.parametrize(
    ("deviation", "unedited", "word", "effective"),
    [(0.5, 1.01, "yes", True), (0.5, 0.9, "no power", True), (1.5, 0.9, "no", False), (1.5, 3.0, "no", False)],
)
def test_hook_check_without_power_verifies_nothing(direction, scores, sound, deviation, unedited, word, effective):
    row = edit_table([EditedVariant("raw", "random", direction, scores(deviation, unedited), sound)]).iloc[0]
    assert (row["verified"], row["effective"]) == (word, effective)
    assert bool(row["reason"]) != effective


def test_modules_alone_can_verify_an_edit(direction, scores, sound):
    files = direction, scores(0.5, 0.9, [("block 0, MLP output", 0.1, 50.0)]), sound
    assert edit_table([EditedVariant("raw", "random", *files)]).iloc[0]["verified"] == "yes"


def test_non_finite_deviations_decide_nothing(direction, scores, sound):
    files = direction, scores(np.nan, np.nan, [("block 0, MLP output", np.nan, 50.0)]), sound
    row = edit_table([EditedVariant("raw", "edited", *files)]).iloc[0]
    assert (row["verified"], row["effective"], row["modules_checked"]) == ("", True, 0)


def test_ineffective_edit_has_no_conclusion(edits):
    rows = [
        {"model": model, "variant": variant, "label": label, "conclusion": "survives" if variant != "original" else ""}
        for model in ("raw", "combined")
        for variant in ("original", "abliterated")
        for label in ("harmful", "harmless")
    ]
    marked = mark_unverified(pd.DataFrame(rows).assign(note=""), edits)
    changed = marked[marked["conclusion"] == INEFFECTIVE]
    assert changed[["model", "variant", "label"]].to_numpy().tolist() == [["combined", "abliterated", "harmful"]]
    assert changed["note"].tolist() == ["a residual ratio is off"]
    assert (marked["conclusion"] == "survives").sum() == 3


def test_lost_refusals_with_unverified_edit_are_marked_unverified(edits):
    """Something took them, though it was not the edit that was asked for."""
    rows = [{"model": "combined", "variant": "abliterated", "label": "harmful", "conclusion": FAILS, "note": ""}]
    assert mark_unverified(pd.DataFrame(rows), edits)["conclusion"].tolist() == [UNVERIFIED]


def test_marking_without_edits_changes_nothing():
    table = pd.DataFrame(
        {"model": ["raw"], "variant": ["original"], "label": ["harmful"], "conclusion": [""], "note": [""]}
    )
    assert mark_unverified(table, edit_table([])).equals(table)
