"""The best attack of a sweep, from the trials to what is measured of it, on a real (tiny) model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.grids import snakemake

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).with_name("best_attack_grid.yaml")
ATTACKS = ["mean-difference-orthogonalize-25", "mean-difference-orthogonalize-100"]
TARGETS = ("results/tables/best_attacks.csv", "results/tables/edits.csv", "results/responses/combined/best.parquet")


@pytest.fixture(scope="module")
def results(finished_grid, tmp_path_factory):
    """The results of the part of the grid that the choice decides, with the model of the small grid."""
    folder = shutil.copytree(finished_grid, tmp_path_factory.mktemp("best") / "clone")
    shutil.copy2(CONFIG, folder)
    command = (*TARGETS, "--cores", "2", "--configfile", CONFIG.name)
    done = snakemake(folder, *command)
    assert done.returncode == 0, done.stdout
    assert "train the model" not in done.stdout, "the settings of the two grids have parted"
    assert "Nothing to be done" in snakemake(folder, *command).stdout
    return folder / "results"


def test_attack_with_fewest_refusals_is_chosen(results):
    comparison = pd.read_csv(results / "directions/combined/best.csv").set_index("attack")
    assert list(comparison.index) == ["original", *ATTACKS]
    assert (comparison["total"] == 16).all() and (comparison["scored"] == 16).all()
    attacks = comparison.loc[ATTACKS]
    qualified = attacks[attacks["reason"].isna()]
    chosen = attacks[attacks["chosen"]]
    assert len(chosen) == 1 and chosen["refused"].item() == qualified["refused"].min()
    (row,) = pd.read_csv(results / "tables/best_attacks.csv").to_dict("records")
    assert (row["attack"], row["tried"]) == (chosen.index.item(), 2)
    assert row["refused_before"] == comparison.loc["original", "refused"]


def test_attack_is_selected_on_calibration_prompts_only(results):
    prompts = pd.read_parquet(results / "prompts/prompts.parquet").set_index("prompt_id")
    tried = pd.read_parquet(results / "attack_selection/responses/combined/original.parquet")["prompt_id"]
    assert set(map(tuple, prompts.loc[tried, ["label", "split"]].to_numpy())) == {("harmful", "calibration")}
    asked = pd.read_parquet(results / "responses/combined/best.parquet")["prompt_id"]
    assert set(prompts.loc[asked, "split"]) == {"evaluation"}


def test_selected_checkpoint_equals_that_of_its_attack(results):
    chosen = pd.read_csv(results / "tables/best_attacks.csv")["attack"].item()
    files = [results / "checkpoints/combined" / name for name in ("best", chosen)]
    # its factors, and the hash of every tensor that they make
    weights = [(folder / "low_rank_update.safetensors").read_bytes() for folder in files]
    assert weights[0] == weights[1]
    manifests = [json.loads((folder / "edit_manifest.json").read_text(encoding="utf-8")) for folder in files]
    assert manifests[0] == manifests[1]


def test_selected_edit_is_verified_like_any_other(results):
    edits = pd.read_csv(results / "tables/edits.csv").set_index("variant")
    chosen = pd.read_csv(results / "tables/best_attacks.csv")["attack"].item()
    assert edits.loc["best", "effective"] and edits.loc["best", "verified"] == "yes"
    columns = ["layer", "position", "change_norm", "hook_deviation"]
    assert np.array_equal(edits.loc["best", columns], edits.loc[chosen, columns])
