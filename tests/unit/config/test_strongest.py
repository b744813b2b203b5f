"""Variants that are the strongest attack of some sweeps: what the stages are told, and what cannot be chosen."""

import pytest

from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.grid.data import ModelVariant
from steadfast.grid.grid import Grid
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
    """A sweep of two edits and a hook, one of a control, one of hooks alone, and the strongest of the first."""
    edits = {"all": {"method": "orthogonalize"}, "rank-one": {"method": "rank_one", "layer": 1}}
    config["sweeps"] = {
        "family": {"directions": {"mean": MEAN}, "edits": edits, "hooks": HOOKS, "strengths": [1]},
        "further": {"directions": {"pca": {"method": "pca"}}, "edits": {"all": edits["all"]}, "strengths": [1]},
        "noise": {
            "role": "control",
            "directions": {"random": {"method": "random"}},
            "edits": {"all": edits["all"]},
            "strengths": [1],
        },
        "inference": {"directions": {"probe": {"method": "probe"}}, "hooks": HOOKS, "strengths": [1]},
    }
    config["variants"]["strongest"] = {"strongest_of": {"sweeps": ["family"]}}
    config["judges"]["self"] = {"kind": "self", "prompt": LABELS}
    return config


def grid_of(config):
    return Grid(prepare(config))


def test_attacks_with_an_edit_are_tried_and_hooks_are_not(config):
    grid = grid_of(config)
    assert list(grid.tried_attacks("strongest")) == ["mean-all-100", "mean-rank-one-100"]
    assert grid.tried_variants() == ["original", "mean-all-100", "mean-rank-one-100"]
    config["variants"]["strongest"]["strongest_of"]["sweeps"] = ["further", "family"]
    assert list(grid_of(config).tried_attacks("strongest")) == ["pca-all-100", "mean-all-100", "mean-rank-one-100"]


def test_it_is_edited_like_any_other_variant_and_found_by_no_search(config):
    grid = grid_of(config)
    assert "strongest" in grid.edited_variants() and grid.chosen_variants() == ["strongest"]
    assert grid.checkpoint("raw", "strongest") == "results/checkpoints/raw/strongest"
    searched = [*grid.directed_variants(by_running=True), *grid.directed_variants(by_running=False)]
    assert "strongest" not in searched
    assert ModelVariant("raw", "strongest") in grid.changed_systems() and "strongest" not in grid.attacks()
    assert "strongest" not in [system.variant for system in grid.shown_directions()]


def test_what_is_measured_has_its_direction_and_leaves_its_edit_to_the_checkpoint(config):
    grid = grid_of(config)
    ((_, systems),) = grid.measured_batches().items()
    inputs = grid.measured_inputs(systems)
    assert "results/directions/raw/strongest.safetensors" in inputs["directions"]
    assert "results/checkpoints/raw/strongest" in inputs["checkpoints"]
    measured = {system["variant"]: system for system in grid.measured_systems(systems)}
    assert measured["strongest"]["direction"] == "results/directions/raw/strongest.safetensors"
    assert "edit" not in measured["strongest"] and "edit" in measured["mean-all-100"]
    assert grid.edit("strongest") == {}


def test_the_edits_digest_covers_every_method_that_could_be_chosen(config):
    grid = grid_of(config)
    expected = grid.digest(
        "bake_checkpoint.py", "attacks.edits.methods.orthogonalize", "attacks.edits.methods.rank_one"
    )
    assert grid.edit_digest("strongest") == expected != grid.edit_digest("mean-all-100")


def test_the_choice_reads_the_original_first_and_then_every_attack(config):
    files = grid_of(config).choice_inputs("raw", "strongest")
    assert files["responses"] == [
        f"results/trials/responses/raw/{name}.parquet" for name in ("original", "mean-all-100", "mean-rank-one-100")
    ]
    assert files["judgments"][0] == "results/trials/judgments/grammar/raw/original.parquet"
    assert files["checkpoints"] == [f"results/checkpoints/raw/mean-{name}-100" for name in ("all", "rank-one")]
    assert len(files["directions"]) == 2


def test_the_judge_is_the_reference_unless_one_is_named(config):
    assert grid_of(config).choosing_judges() == ["grammar"]
    config["statistics"] = {"reference": "local"}
    assert grid_of(config).choosing_judge("strongest") == "local"
    config["variants"]["strongest"]["strongest_of"]["judge"] = "regex"
    grid = grid_of(config)
    assert grid.choosing_judges() == ["regex"]
    assert len(grid.trial_judgments("regex")) == 3 and grid.trial_judgments("grammar") == []


def test_the_prompts_are_fifty_or_all_there_are(config):
    assert grid_of(config).choosing_prompts("strongest") == 50
    config["prompts"]["calibration"] = 8
    assert grid_of(config).choosing_prompts("strongest") == 8


def test_two_choices_share_their_trials(config):
    config["variants"]["strongest"]["strongest_of"] = {"sweeps": ["further"], "prompts": 5}
    both = {"sweeps": ["further", "family"], "prompts": 9, "judge": "regex"}
    config["variants"]["other"] = {"strongest_of": both, "models": ["raw"]}
    grid = grid_of(config)
    assert (grid.tried_prompts("pca-all-100"), grid.tried_prompts("original")) == (9, 9)
    assert (grid.choosing_prompts("strongest"), grid.choosing_prompts("other")) == (5, 9)
    assert [system.variant for system in grid.trial_systems("grammar")] == ["original", "pca-all-100"]
    assert len(grid.trial_systems("regex")) == 4


def test_a_choice_is_made_for_the_models_that_it_is_limited_to(config):
    config["models"]["score0"] = {"source": "organism", "recipe": "score0"}
    config["variants"]["strongest"]["models"] = ["score0"]
    assert {system.model for system in grid_of(config).trial_systems("grammar")} == {"score0"}


def test_a_control_can_be_scaled_to_it(config):
    random = {"role": "control", "direction": {"method": "random"}, "edit": {"method": "orthogonalize"}}
    config["variants"]["matched"] = {**random, "match_change": "strongest"}
    assert grid_of(config).matched_checkpoint("raw", "matched") == ["results/checkpoints/raw/strongest"]


def test_grids_without_a_choice_try_nothing(config):
    del config["variants"]["strongest"]
    grid = grid_of(config)
    assert grid.tried_variants() == grid.choosing_judges() == grid.chosen_systems() == []
    assert "results/tables/strongest.csv" not in grid.further_results()


BAD = {
    "unknown sweep": (
        {"sweeps": ["famly"]},
        "variants.strongest.strongest_of.sweeps: unknown sweep 'famly'; did you mean 'family'? Known: family, further",
    ),
    "sweep of a control": (
        {"sweeps": ["noise"]},
        "'noise' has `role: control`, and a control is no attack; allowed: f",
    ),
    "sweep of hooks": (
        {"sweeps": ["inference"]},
        "'inference' has no `edits`, and hooks cannot be baked; allowed: fam",
    ),
    "no sweep": ({"sweeps": []}, "variants.strongest.strongest_of.sweeps: [] should be non-empty"),
    "unknown judge": (
        {"judge": "gramar"},
        "variants.strongest.strongest_of.judge: unknown judge 'gramar'; did you mean 'grammar'?",
    ),
    "judge that does not read": (
        {"judge": "label-only"},
        "label-only does not read responses, so all attacks are alike to it; allowed: grammar, regex, local",
    ),
    "judge that is the system": (
        {"judge": "self"},
        "self is the system under test, so every attack would be judged by",
    ),
    "people": ({"judge": "human"}, "strongest_of.judge: unknown judge 'human'"),
    "too many prompts": (
        {"prompts": 129},
        "variants.strongest.strongest_of.prompts: 129 is more than prompts.calibration (128)",
    ),
    "no prompts": ({"prompts": 0}, "variants.strongest.strongest_of.prompts: 0 is out of range; allowed: 1 to 1000000"),
    "misspelled key": ({"sweep": ["family"]}, "variants.strongest.strongest_of: unknown key 'sweep'"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_choices_that_cannot_be_made(config, refused, change, message):
    config["variants"]["strongest"]["strongest_of"] |= change
    found = refused(config)
    assert message in found
    assert len(found.splitlines()) == 1


BESIDE = {
    "direction": {"direction": MEAN},
    "edit": {"edit": {"method": "orthogonalize"}},
    "hook": {"hook": {"method": "projection"}},
    "decoding": {"decoding": {"method": "suppress_tokens", "tokens": ["a"]}},
    "match_change": {"match_change": "abliterated"},
}


@pytest.mark.parametrize("part", BESIDE)
def test_nothing_stands_beside_a_choice(config, refused, part):
    config["variants"]["strongest"] |= BESIDE[part]
    assert refused(config) == (
        f"variants.strongest: {part!r} is not allowed beside 'strongest_of', which chooses direction and edit; "
        "allowed: label, models, role, strongest_of"
    )


def test_it_is_no_control(config, refused):
    config["variants"]["strongest"]["role"] = "control"
    assert refused(config).startswith("variants.strongest.role: 'control' is not allowed with 'strongest_of'")


def test_the_reference_that_cannot_choose_must_be_replaced(config, refused):
    config["statistics"] = {"reference": "self"}
    assert "strongest_of.judge: self (the reference, as none is named) is the system under test" in refused(config)
    config["variants"]["strongest"]["strongest_of"]["judge"] = "grammar"
    assert prepare(config)


@pytest.mark.parametrize("variant", ["strongest", "matched"])
def test_a_judge_that_waits_for_the_choice_cannot_make_it(config, refused, variant):
    config["variants"]["matched"] = {
        "direction": {"method": "random"},
        "edit": {"method": "orthogonalize"},
        "match_change": "strongest",
    }
    config["judges"]["served"] = {"kind": "chat", "serve": {"model": "raw", "variant": variant}, "prompt": LABELS}
    assert prepare(config)
    config["variants"]["strongest"]["strongest_of"]["judge"] = "served"
    assert f"strongest_of.judge: served runs on {variant}, which waits for the choice" in refused(config)


def test_a_choice_that_is_used_for_models_for_which_it_is_not_made(config, refused):
    config["models"]["score0"] = {"source": "organism", "recipe": "score0"}
    config["variants"]["strongest"]["models"] = ["score0"]
    random = {"direction": {"method": "random"}, "edit": {"method": "orthogonalize"}, "match_change": "strongest"}
    config["variants"]["matched"] = random
    words = "variants.matched.match_change: strongest is not chosen for raw; limit both to the same `models`"
    assert refused(config) == words
    config["variants"]["matched"] = {**random, "models": ["score0"]}
    assert prepare(config)
    served = {"model": "tiny", "variant": "strongest"}
    config["judges"]["served"] = {"kind": "chat", "serve": served, "prompt": LABELS}
    assert refused(config).startswith("judges.served.serve.variant: strongest is not chosen for tiny; models allowed: ")


def test_what_a_judge_is_asked_on_trial_is_planned_and_limited(config, monkeypatch, without_results):
    monkeypatch.setenv("KEY_OF_THE_JUDGE", "a-key")
    config["prompts"] |= {"calibration": 8, "evaluation": 6, "human": 1}
    config["judges"]["llm"] = {**CHAT, "max_requests": 83}
    config["variants"]["strongest"]["strongest_of"] |= {"judge": "llm", "prompts": 5}
    grid = grid_of(config)
    systems, tried = len(grid.systems), len(grid.trial_systems("llm"))
    assert (systems, tried) == (9, 3)
    # both classes of every system, and the harmful prompts of what is tried
    expected = systems * 2 * 6 + tried * 5
    assert work_of(**grid.asked_work())["llm"].unseen == expected
    with pytest.raises(ConfigError, match=f"max_requests: {expected} requests would be sent"):
        check_before_run(grid, grid.trial_judgments("llm"))
