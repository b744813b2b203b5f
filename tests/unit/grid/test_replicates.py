"""Models with several seeds become replicates of one group."""

import pytest

from steadfast.config.checks import prepare
from steadfast.grid.data import ModelVariant
from steadfast.grid.figures import Figures
from steadfast.grid.grid import Grid
from steadfast.grid.models import ModelDirectoryJobs
from steadfast.grid.replicates import Replicates
from steadfast.grid.statistics import further_tables


@pytest.fixture
def replicated(config):
    config["models"]["raw"] = {"source": "organism", "recipe": "raw", "seeds": [0, 7], "label": "Raw data", "gpus": 1}
    return config


def test_every_seed_becomes_its_own_model(replicated):
    models = prepare(replicated)["models"]
    assert list(models) == ["raw-seed0", "raw-seed7", "tiny"]
    seventh = models["raw-seed7"]
    assert (seventh["seed"], seventh["recipe"], seventh["gpus"]) == (7, "raw", 1)
    assert (seventh["group"], seventh["label"]) == ("raw", "Raw data (seed 7)")
    assert "seeds" not in seventh


def test_replicate_settings_equal_those_of_a_single_seed(replicated, config):
    config["models"]["single"] = {"source": "organism", "recipe": "raw", "seed": 7}
    grid = Grid(prepare(config))
    settings = ModelDirectoryJobs(grid).settings
    assert settings(ModelVariant("raw-seed7", "original")) == settings(ModelVariant("single", "original"))
    assert Replicates(grid).groups == {"raw-seed0": "raw", "raw-seed7": "raw"}
    assert Replicates(grid).labels == {"raw": "Raw data"}


def test_replicates_keep_a_configured_group_name(replicated):
    replicated["models"]["raw"]["group"] = "unfiltered"
    replicated["models"]["raw"]["group_label"] = "Unfiltered data"
    grid = Grid(prepare(replicated))
    assert set(Replicates(grid).groups.values()) == {"unfiltered"}
    assert Replicates(grid).labels == {"unfiltered": "Unfiltered data"}


def test_replicate_tables_exist_only_for_grids_with_replicates(replicated, config):
    grid = Grid(prepare(replicated))
    results = [*further_tables(grid), *Figures(grid).files]
    assert {"results/tables/groups.csv", "results/figures/replicates.png"} <= set(results)
    del config["models"]["raw"]["seeds"]
    assert further_tables(Grid(prepare(config))) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"raw": {"seed": 3}}, "models.raw: has both 'seed' and 'seeds'"),
        ({"raw": {"seeds": [1, 1]}}, "models.raw.seeds: [1, 1] has non-unique elements"),
        ({"raw": {"seeds": [-1]}}, "models.raw.seeds.0: -1 is out of range; allowed: 0 to 4294967295"),
        ({"raw-seed7": {"source": "organism", "recipe": "raw"}}, "'raw-seed7' is the name of another model"),
    ],
)
def test_config_rejects_impossible_replicates(replicated, refused, change, message):
    for name, entry in change.items():
        replicated["models"].setdefault(name, {}).update(entry)
    assert message in refused(replicated)


def test_comparison_families_must_name_existing_groups(replicated, config, refused):
    config["models"]["other"] = {"source": "organism", "recipe": "score0", "group": "mine"}
    replicated["statistics"] = {"families": {"both of them": ["raw", "mine"]}}
    assert Grid(prepare(replicated)).config["statistics"]["families"] == {"both of them": ["raw", "mine"]}
    replicated["statistics"]["families"] = {"all": ["raw", "mine"], "wrong": ["raw", "min"]}
    message = refused(replicated)
    assert "statistics.families.all: this name is kept for the family of all groups" in message
    assert "statistics.families.wrong: unknown group 'min'; did you mean 'mine'? Known: mine, raw" in message
    replicated["statistics"]["families"] = {"alone": ["raw"]}
    assert "statistics.families.alone: ['raw'] is too short" in refused(replicated)


def test_a_judge_must_name_one_of_the_replicates(replicated, refused):
    replicated["judges"]["local"]["model"] = "raw"
    assert "judges.local.model: unknown model 'raw'; Known: raw-seed0" in refused(replicated)


def test_variant_limited_to_a_model_covers_its_replicates(replicated):
    replicated["variants"]["tagged"] = {"decoding": {"method": "tag_conditioned", "tag": "Unsafe:"}, "models": ["raw"]}
    assert prepare(replicated)["variants"]["tagged"]["models"] == ["raw-seed0", "raw-seed7"]
