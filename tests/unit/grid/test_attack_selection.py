"""Variants that are the best attack of some sweeps: what the stages get, and what cannot be chosen."""

import pytest

from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.grid import paths
from steadfast.grid.attack_selection import AttackSelection
from steadfast.grid.checkpoints import CheckpointJobs, checkpoint_jobs
from steadfast.grid.data import ModelVariant
from steadfast.grid.directions import DirectionJobs
from steadfast.grid.figures import Figures
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import digest
from steadfast.grid.judgments import judging_jobs
from steadfast.grid.plan import planned_requests
from steadfast.grid.side_effects import batches
from steadfast.grid.statistics import further_tables
from steadfast.judges.cost_estimate import work_of
from steadfast.runs.preflight import check_before_run

MEAN = {"method": "mean_difference"}
HOOKS = {"steering": {"method": "activation_addition", "alpha": -1.0}}
LABELS = "resources/prompts/judges/organism_labels.md"
CHAT = {
    "kind": "chat",
    "base_url": "https://example.org/v1",
    "model": "m",
    "api_key_env": "KEY_OF_THE_JUDGE",
    "prompt": "resources/prompts/judges/refusal.md",
}


@pytest.fixture
def config(config):
    """A sweep of two edits and a hook, one of a control, one of hooks alone, and the best attack of the first."""
    edits = {"all": {"method": "orthogonalize"}, "rank-one": {"method": "rank_one", "layer": 1}}
    config["sweeps"] = {
        "family": {"directions": {"mean": MEAN}, "edits": edits, "interventions": HOOKS, "scales": [1]},
        "further": {"directions": {"pca": {"method": "pca"}}, "edits": {"all": edits["all"]}, "scales": [1]},
        "noise": {
            "role": "control",
            "directions": {"random": {"method": "random"}},
            "edits": {"all": edits["all"]},
            "scales": [1],
        },
        "inference": {"directions": {"probe": {"method": "probe"}}, "interventions": HOOKS, "scales": [1]},
    }
    config["variants"]["best"] = {"best_attack_of": {"sweeps": ["family"]}}
    config["judges"]["self"] = {"kind": "self", "prompt": LABELS}
    return config


def grid_of(config):
    return Grid(prepare(config))


BEST = ModelVariant("raw", "best")


def selection_of(config):
    return AttackSelection(grid_of(config))


def test_selection_compares_edits_and_skips_interventions(config):
    selection = selection_of(config)
    assert list(selection.attacks("best")) == ["mean-all-100", "mean-rank-one-100"]
    assert selection.variants == ["original", "mean-all-100", "mean-rank-one-100"]
    config["variants"]["best"]["best_attack_of"]["sweeps"] = ["further", "family"]
    attacks = selection_of(config).attacks("best")
    assert list(attacks) == ["pca-all-100", "mean-all-100", "mean-rank-one-100"]


def test_selected_attack_has_a_checkpoint_but_no_direction_job(config):
    grid = grid_of(config)
    assert "best" in CheckpointJobs(grid).variants and AttackSelection(grid).chosen == ["best"]
    assert grid.checkpoint(BEST) == "results/checkpoints/raw/best"
    directions, figures = DirectionJobs(grid), Figures(grid)
    assert "best" not in [*directions.variants(by_running=True), *directions.variants(by_running=False)]
    assert BEST in grid.changed_pairs and "best" not in figures.attacks
    assert BEST not in figures.drawn


def test_chosen_edit_is_an_input_of_the_jobs_reading_it(config):
    grid = grid_of(config)
    (batch,) = batches(grid)
    assert "results/directions/raw/best.safetensors" in batch.directions
    assert "results/checkpoints/raw/best" in batch.checkpoints
    assert batch.edits == ["results/directions/raw/best.edit.json"]
    measured = {system["variant"]: system for system in batch.measured}
    assert measured["best"]["direction"] == "results/directions/raw/best.safetensors"
    assert measured["best"]["edit_file"] == batch.edits[0] and "edit" not in measured["best"]
    assert "edit" in measured["mean-all-100"] and "edit_file" not in measured["mean-all-100"]
    checkpoints = CheckpointJobs(grid)
    assert (checkpoints.edit(BEST), checkpoints.chosen_edit(BEST)) == ({}, batch.edits)
    assert checkpoints.chosen_edit(ModelVariant("raw", "mean-all-100")) == []


def test_digest_of_selected_edit_covers_every_candidate_method(config):
    grid = grid_of(config)
    single, *swept = checkpoint_jobs(grid)
    expected = digest("bake_checkpoint.py", "attacks.edits.methods.orthogonalize", "attacks.edits.methods.rank_one")
    assert single.digest(BEST) == expected
    assert CheckpointJobs(grid).methods(ModelVariant("raw", "mean-all-100")) == {"orthogonalize"}
    assert {jobs.rule for jobs in swept} == {"checkpoints_of_family", "checkpoints_of_further", "checkpoints_of_noise"}


def test_selection_reads_the_original_and_every_attack(config):
    selection = selection_of(config)
    compared = [ModelVariant("raw", name) for name in ("original", "mean-all-100", "mean-rank-one-100")]
    folder = "results/attack_selection"
    assert selection.responses(BEST) == [f"{folder}/responses/raw/{pair.variant}.parquet" for pair in compared]
    assert selection.judgments(BEST)[0] == f"{folder}/judgments/grammar/raw/original.parquet"
    assert selection.checkpoints(BEST) == [f"results/checkpoints/raw/{pair.variant}" for pair in compared[1:]]
    assert len(selection.directions(BEST)) == 2


def reading_pairs(config):
    """Pairs that each judge reads for attack selection."""
    found = (reading for reading in judging_jobs(grid_of(config)) if reading.split == "attack_selection")
    return {reading.judge.name: list(reading.pairs) for reading in found}


def test_selection_judge_defaults_to_the_reference(config):
    assert list(reading_pairs(config)) == ["grammar"]
    config["statistics"] = {"reference": "local"}
    assert selection_of(config).judge("best").name == "local"
    config["variants"]["best"]["best_attack_of"]["judge"] = "regex"
    assert {judge: len(pairs) for judge, pairs in reading_pairs(config).items()} == {"regex": 3}


def test_selection_uses_at_most_fifty_prompts_by_default(config):
    assert selection_of(config).prompts("best") == 50
    config["prompts"]["calibration"] = 8
    assert selection_of(config).prompts("best") == 8


def test_two_selections_share_their_responses(config):
    config["variants"]["best"]["best_attack_of"] = {"sweeps": ["further"], "prompts": 5}
    both = {"sweeps": ["further", "family"], "prompts": 9, "judge": "regex"}
    config["variants"]["other"] = {"best_attack_of": both, "models": ["raw"]}
    selection = selection_of(config)
    assert (selection.prompts_for("pca-all-100"), selection.prompts_for("original")) == (9, 9)
    assert (selection.prompts("best"), selection.prompts("other")) == (5, 9)
    pairs = reading_pairs(config)
    assert [pair.variant for pair in pairs["grammar"]] == ["original", "pca-all-100"]
    assert len(pairs["regex"]) == 4


def test_selection_is_limited_to_the_named_models(config):
    config["models"]["score0"] = {"source": "organism", "recipe": "score0"}
    config["variants"]["best"]["models"] = ["score0"]
    assert {pair.model for pair in reading_pairs(config)["grammar"]} == {"score0"}


def test_control_can_match_the_change_of_the_selected_attack(config):
    random = {"role": "control", "direction": {"method": "random"}, "edit": {"method": "orthogonalize"}}
    config["variants"]["matched"] = {**random, "match_change": "best"}
    matched = CheckpointJobs(grid_of(config)).matched(ModelVariant("raw", "matched"))
    assert matched == ["results/checkpoints/raw/best"]


def test_grid_without_selection_compares_nothing(config):
    del config["variants"]["best"]
    selection = selection_of(config)
    assert selection.variants == selection.judges == selection.pairs() == []
    assert "results/tables/best_attacks.csv" not in further_tables(selection.grid)


BAD = {
    "unknown sweep": (
        {"sweeps": ["famly"]},
        "variants.best.best_attack_of.sweeps: unknown sweep 'famly'; did you mean 'family'? Known: family, further",
    ),
    "sweep of a control": (
        {"sweeps": ["noise"]},
        "'noise' has `role: control`, and a control is not an attack; allowed: f",
    ),
    "sweep of interventions": (
        {"sweeps": ["inference"]},
        "'inference' has no `edits`, and interventions cannot be baked; allowed: fam",
    ),
    "no sweep": ({"sweeps": []}, "variants.best.best_attack_of.sweeps: [] should be non-empty"),
    "unknown judge": (
        {"judge": "gramar"},
        "variants.best.best_attack_of.judge: unknown judge 'gramar'; did you mean 'grammar'?",
    ),
    "judge that does not read": (
        {"judge": "label-only"},
        "label-only does not read responses, so all attacks are alike to it; allowed: grammar, regex, local",
    ),
    "judge that is the model under test": (
        {"judge": "self"},
        "self is the model under test, so every attack would be judged by",
    ),
    "human annotators": ({"judge": "human"}, "best_attack_of.judge: unknown judge 'human'"),
    "too many prompts": (
        {"prompts": 129},
        "variants.best.best_attack_of.prompts: 129 is more than prompts.calibration (128)",
    ),
    "no prompts": ({"prompts": 0}, "variants.best.best_attack_of.prompts: 0 is out of range; allowed: 1 to 1000000"),
    "misspelled key": ({"sweep": ["family"]}, "variants.best.best_attack_of: unknown key 'sweep'"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_config_rejects_impossible_selections(config, refused, change, message):
    config["variants"]["best"]["best_attack_of"] |= change
    found = refused(config)
    assert message in found
    assert len(found.splitlines()) == 1


BESIDE = {
    "direction": {"direction": MEAN},
    "edit": {"edit": {"method": "orthogonalize"}},
    "intervention": {"intervention": {"method": "projection"}},
    "decoding": {"decoding": {"method": "suppress_tokens", "tokens": ["a"]}},
    "match_change": {"match_change": "abliterated"},
}


@pytest.mark.parametrize("part", BESIDE)
def test_config_rejects_other_keys_beside_best_attack_of(config, refused, part):
    config["variants"]["best"] |= BESIDE[part]
    assert refused(config) == (
        f"variants.best: {part!r} is not allowed beside 'best_attack_of', which chooses direction and edit; "
        "allowed: label, models, role, checkpoints, best_attack_of"
    )


def test_config_rejects_a_selected_attack_as_control(config, refused):
    config["variants"]["best"]["role"] = "control"
    assert refused(config).startswith("variants.best.role: 'control' is not allowed with 'best_attack_of'")


def test_selection_rejects_the_model_under_test_as_judge(config, refused):
    config["statistics"] = {"reference": "self"}
    assert "best_attack_of.judge: self (the reference, as none is named) is the model under test" in refused(config)
    config["variants"]["best"]["best_attack_of"]["judge"] = "grammar"
    assert prepare(config)


@pytest.mark.parametrize("variant", ["best", "matched"])
def test_selection_rejects_a_judge_that_depends_on_it(config, refused, variant):
    config["variants"]["matched"] = {
        "direction": {"method": "random"},
        "edit": {"method": "orthogonalize"},
        "match_change": "best",
    }
    config["judges"]["served"] = {"kind": "chat", "serve": {"model": "raw", "variant": variant}, "prompt": LABELS}
    assert prepare(config)
    config["variants"]["best"]["best_attack_of"]["judge"] = "served"
    assert f"best_attack_of.judge: served runs on {variant}, which waits for the choice" in refused(config)


def test_config_rejects_use_of_a_selection_for_unselected_models(config, refused):
    config["models"]["score0"] = {"source": "organism", "recipe": "score0"}
    config["variants"]["best"]["models"] = ["score0"]
    random = {"direction": {"method": "random"}, "edit": {"method": "orthogonalize"}, "match_change": "best"}
    config["variants"]["matched"] = random
    words = "variants.matched.match_change: best is not chosen for raw; limit both to the same `models`"
    assert refused(config) == words
    config["variants"]["matched"] = {**random, "models": ["score0"]}
    assert prepare(config)
    served = {"model": "tiny", "variant": "best"}
    config["judges"]["served"] = {"kind": "chat", "serve": served, "prompt": LABELS}
    assert refused(config).startswith("judges.served.serve.variant: best is not chosen for tiny; models allowed: ")


def test_judge_requests_of_the_selection_are_planned_and_limited(config, monkeypatch, without_results):
    monkeypatch.setenv("KEY_OF_THE_JUDGE", "a-key")
    config["prompts"] |= {"calibration": 8, "evaluation": 6, "human": 1}
    config["judges"]["llm"] = {**CHAT, "max_requests": 83}
    config["variants"]["best"]["best_attack_of"] |= {"judge": "llm", "prompts": 5}
    grid = grid_of(config)
    pairs, compared = len(grid.pairs), AttackSelection(grid).pairs()
    assert (pairs, len(compared)) == (9, 3)
    # both labels of every pair, and the harmful prompts of what is compared
    expected = pairs * 2 * 6 + len(compared) * 5
    assert work_of(**planned_requests(grid))["llm"].unseen == expected
    with pytest.raises(ConfigError, match=f"max_requests: {expected} requests would be sent"):
        check_before_run(grid, paths.judgments("attack_selection").of(compared, judge="llm"))
