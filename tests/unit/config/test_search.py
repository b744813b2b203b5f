"""Variants that a search finds: what the stages get, and what cannot be searched."""

import pytest

from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.grid import paths
from steadfast.grid.attack_classes import attack_classes
from steadfast.grid.attack_search import AttackSearch
from steadfast.grid.attack_selection import AttackSelection
from steadfast.grid.checkpoints import CheckpointJobs
from steadfast.grid.data import ModelVariant
from steadfast.grid.directions import DirectionJobs
from steadfast.grid.grid import Grid
from steadfast.grid.report import Results
from steadfast.grid.side_effects import batches

SEARCHED = ModelVariant("raw", "searched")
CONTROL = {"role": "control", "search": {"directions": ["random"], "edits": ["orthogonalize"]}}


def grid_of(config, **search):
    config["variants"]["searched"] = {"search": {"trials": 8, **search}}
    return Grid(prepare(config))


def test_search_entry_with_defaults_is_complete(config):
    grid = grid_of(config)
    search = AttackSearch(grid)
    assert search.variants == ["searched"] and search.outputs == [paths.DIRECTION.at(model="raw", variant="searched")]
    assert search.judge(SEARCHED).name == "grammar"
    assert search.settings(SEARCHED)["trials"] == 8 and search.settings(SEARCHED)["max_divergence"] == 0.1
    assert search.judge_arguments(SEARCHED)["kind"] == "grammar"
    assert not AttackSelection(grid).variants


def test_searched_variant_has_a_checkpoint_job_like_others(config):
    grid = grid_of(config)
    checkpoints = CheckpointJobs(grid)
    assert "searched" in checkpoints.variants
    assert checkpoints.edit(SEARCHED) == {}
    assert checkpoints.chosen_edit(SEARCHED) == [paths.CHOSEN_EDIT.at(model="raw", variant="searched")]
    assert checkpoints.methods(SEARCHED) == set(grid.variants["searched"].settings["search"]["edits"])
    system = next(each for batch in batches(grid) for each in batch.measured if each["variant"] == "searched")
    assert system["edit_file"] == paths.CHOSEN_EDIT.at(model="raw", variant="searched")
    assert paths.table("search") in Results(grid).all and paths.table("best_attacks") not in Results(grid).all


def test_recorded_positions_are_those_of_the_search(config):
    assert DirectionJobs(grid_of(config, positions=[-1, -3])).positions == [-3, -1]


def test_control_can_match_the_change_of_a_search(config):
    random = {"role": "control", "direction": {"method": "random"}, "edit": {"method": "orthogonalize"}}
    config["variants"]["matched"] = {**random, "match_change": "searched"}
    grid = grid_of(config)
    assert CheckpointJobs(grid).matched(ModelVariant("raw", "matched")) == [grid.checkpoint(SEARCHED)]


@pytest.mark.parametrize(
    ("variant", "problem"),
    [
        (
            {"search": {}, "edit": {"method": "orthogonalize"}},
            "variants.searched: 'edit' is not allowed beside 'search'",
        ),
        ({"search": {"directions": ["fille"]}}, "file"),
        ({"search": {"directions": ["file"]}}, "directions: file needs settings of its own; allowed: "),
        ({"search": {"directions": ["pca", "random"]}}, "random directions are a control; search along them alone"),
        ({"search": {"directions": ["random"], "edits": ["orthogonalize"]}}, "role: 'study' is not allowed"),
        ({"search": {}, "role": "control"}, "role: 'control' is not allowed with these `directions`"),
        ({"search": {"directions": ["random"], "edits": ["rank_one"]}, "role": "control"}, "edits: rank_one rests on"),
        ({"search": {"depth": [0.5, 0.5]}}, "depth: [0.5, 0.5] is not a range"),
        ({"search": {"scale": [1, 0.5]}}, "scale: [1, 0.5] is not a range"),
        ({"search": {"judge": "label-only"}}, "judge: label-only does not read responses"),
        ({"search": {"judge": "gramar"}}, "unknown judge 'gramar'"),
        ({"search": {"prompts": 900}}, "prompts: 900 is more than prompts.calibration"),
        ({"search": {"trials": 0}}, "trials"),
        ({"search": {"rule": "best"}}, "rule"),
    ],
)
def test_config_rejects_impossible_searches(config, variant, problem):
    config["variants"]["searched"] = variant
    with pytest.raises(ConfigError) as error:
        prepare(config)
    assert problem in str(error.value)


def test_search_rejects_unsuitable_judges(config):
    prompt = "resources/prompts/judges/refusal.md"
    config["judges"]["asked"] = {
        "kind": "chat",
        "base_url": "https://example.org/v1",
        "model": "m",
        "api_key_env": "K",
        "prompt": prompt,
    }
    config["judges"]["self"] = {"kind": "self", "prompt": "resources/prompts/judges/organism_labels.md"}
    for judge, why in (("asked", "sends requests"), ("self", "is the model under test")):
        config["variants"]["searched"] = {"search": {"judge": judge}}
        with pytest.raises(ConfigError, match=why):
            prepare(config)


def test_control_can_search_among_random_directions(config):
    config["variants"]["noise"] = CONTROL
    grid = grid_of(config)
    assert AttackSearch(grid).variants == ["noise", "searched"] and "noise" in grid.controls


@pytest.mark.parametrize(
    ("search", "complete"),
    [({}, True), ({"targets": ["mlp_output"]}, False), ({"scale": [0.0, 0.9]}, False), ({"scale": [0.0, 1.0]}, True)],
)
def test_whether_a_search_tries_complete_edits(config, search, complete):
    assert attack_classes(grid_of(config, **search))["searched"]["complete"] is complete


@pytest.mark.parametrize(("wanted", "kept"), [(None, False), (True, True), (False, False)])
def test_edited_models_of_a_search_stay_on_request(config, wanted, kept):
    config["runtime"] = {"keep_checkpoints": wanted}
    assert Grid(prepare(config)).keeps_checkpoints is (wanted is not False)
    assert grid_of(config).keeps_checkpoints is kept
