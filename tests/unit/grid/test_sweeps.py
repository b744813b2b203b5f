"""Sweeps become variants, and variants that differ in scale alone become one attack."""

import pytest

from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.grid.checkpoints import CheckpointJobs
from steadfast.grid.data import ModelVariant
from steadfast.grid.directions import DirectionJobs
from steadfast.grid.figures import Figures
from steadfast.grid.grid import Grid

FAMILY = {
    "directions": {"mean": {"method": "mean_difference"}, "probe": {"method": "probe", "layer": 0.5}},
    "edits": {"all": {"method": "orthogonalize"}, "rank-one": {"method": "rank_one", "layer": 1, "scale": 2.0}},
    "interventions": {"steering": {"method": "activation_addition", "alpha": -1.0}},
    "scales": [0.5, 1.25],
}


@pytest.fixture
def swept(config):
    config["sweeps"] = {"family": FAMILY}
    return Grid(prepare(config))


def test_sweep_combines_every_direction_change_and_scale(swept):
    names = {
        f"{direction}-{change}-{scale}"
        for direction in ("mean", "probe")
        for change in ("all", "rank-one", "steering")
        for scale in (50, 125)
    }
    assert set(swept.variants) == {"original", "abliterated", *names}


def test_scales_multiply_the_scale_or_alpha(swept):
    settings = {name: variant.settings for name, variant in swept.variants.items()}
    assert settings["mean-all-50"]["edit"]["scale"] == 0.5
    assert settings["mean-rank-one-125"]["edit"]["scale"] == 2.5
    assert settings["probe-steering-50"]["intervention"]["alpha"] == -0.5
    all_blocks, one_block = (DirectionJobs(swept).settings(f"probe-{edit}-50") for edit in ("all", "rank-one"))
    assert one_block == {**all_blocks, "keys_layer": 1}


def test_attacks_record_direction_change_blocks_and_scale(swept):
    attacks = Figures(swept).attacks
    assert attacks["mean-all-50"] == {
        "direction": "mean",
        "change": "all",
        "blocks": "all",
        "scale": 0.5,
        "control": False,
    }
    assert attacks["mean-rank-one-125"]["blocks"] == "at 1"
    assert attacks["probe-steering-125"]["scale"] == 1.25
    assert attacks["probe-steering-125"]["blocks"] == "of the direction"
    assert attacks["abliterated"]["direction"] == "mean-difference"


def test_variants_differing_beyond_scale_are_separate_attacks(config):
    mean = {"method": "mean_difference", "layer": 1}
    edit = {"method": "orthogonalize", "scale": 0.5}
    config["variants"] = {
        "original": {},
        "half": {"direction": mean, "edit": edit},
        "whole": {"direction": mean, "edit": {**edit, "scale": 1.0}},
        "late": {"direction": mean, "edit": {**edit, "layers": [1, 2], "skip_first": 1}, "label": "Late"},
        "matched": {"role": "control", "direction": {"method": "random"}, "edit": edit, "match_change": "whole"},
    }
    grid = Grid(prepare(config))
    attacks = Figures(grid).attacks
    assert attacks["half"]["change"] == attacks["whole"]["change"] == "orthogonalize"
    assert attacks["late"]["change"] == "orthogonalize (Late)"
    assert attacks["late"]["blocks"] == "1 to 2 but the first 1"
    assert "matched" not in attacks, "its scale is not that of its settings"
    assert Figures(grid).scales == ["results/tables/scales.csv"]
    assert "results/figures/scales" in Figures(grid).folders
    del config["variants"]["half"]
    assert Figures(Grid(prepare(config))).scales == []


BAD = {
    "no edits or interventions": (
        {"directions": FAMILY["directions"], "scales": [1]},
        "sweeps.family: has neither `edits` nor",
    ),
    "no scales": ({**FAMILY, "scales": []}, "sweeps.family.scales: [] should be non-empty"),
    "one scale twice": ({**FAMILY, "scales": [0.501, 0.502]}, "there is a variant 'mean-all-50' already"),
    "scale of nothing": (
        {**FAMILY, "scales": [0]},
        "sweeps.family.scales.0: 0 is out of range; allowed: above 0 and at most 1000",
    ),
    "misspelled method": (
        {**FAMILY, "edits": {"all": {"method": "orthogonalise"}}},
        "sweeps.family.edits.all.method: 'orthogonalise' is not allowed; did you mean 'orthogonalize'?",
    ),
    "impossible combination": (
        {**FAMILY, "directions": {"noise": {"method": "random"}}},
        "variants.noise-rank-one-50.edit: rank_one rests on the two classes",
    ),
}


@pytest.mark.parametrize(("sweep", "message"), BAD.values(), ids=BAD)
def test_config_rejects_impossible_sweeps(config, refused, sweep, message):
    config["sweeps"] = {"family": sweep}
    assert message in refused(config)


def test_a_sweep_says_how_its_edited_models_are_kept(config):
    config["sweeps"] = {"family": {**FAMILY, "checkpoints": "adapter"}}
    config["runtime"] = {"checkpoints": "bake"}
    jobs = CheckpointJobs(Grid(prepare(config)))
    kept = {name: jobs.form(ModelVariant("raw", name)) for name in ("mean-all-50", "abliterated")}
    assert kept == {"mean-all-50": "adapter", "abliterated": "bake"}
    config["sweeps"]["family"]["edits"] = {"norms": {"method": "norm_preserving"}}
    with pytest.raises(ConfigError, match=r"edit of mean-norms-50 and 3 more, which preserves norms; .*or the sweep"):
        prepare(config)
