"""The grid: which files there are, and which slice of the configuration each stage is told."""

import re

import pytest

from steadfast.config.checks import prepare
from steadfast.grid.data import ModelVariant
from steadfast.grid.grid import Grid


@pytest.fixture
def grid(config):
    """Two models, three variants, all kinds of judges."""
    config["models"]["score0"] = {"source": "organism", "recipe": "score0", "seed": 3, "label": "Score 0"}
    config["variants"]["random"] = {
        "role": "control",
        "direction": {"method": "random"},
        "edit": {"method": "orthogonalize"},
    }
    config["judges"]["self"] = {"kind": "self", "prompt": "resources/prompts/judges/organism_labels.md"}
    return Grid(prepare(config))


def test_systems_are_the_models_under_test_in_every_variant(grid):
    assert grid.models == ["raw", "score0"]
    assert grid.systems == [
        ModelVariant(model, variant) for model in ("raw", "score0") for variant in ("original", "abliterated", "random")
    ]
    assert grid.edited_variants() == ["abliterated", "random"]
    assert grid.controls() == ["random"]


def test_models_of_a_source_include_judges(grid):
    assert grid.models_from("organism") == ["raw", "tiny", "score0"]
    assert grid.models_from("hub") == []


def test_the_original_has_no_checkpoint_of_its_own(grid):
    assert grid.checkpoint("raw", "original") == "results/models/raw"
    assert grid.checkpoint("raw", "random") == "results/checkpoints/raw/random"


def test_judgments_are_judge_by_judge_and_match_their_cells(grid):
    assert len(grid.judgments()) == len(grid.judges) * len(grid.systems)
    assert grid.judgments(["regex"])[0] == "results/judgments/regex/raw/original.parquet"
    assert [f"results/judgments/{judge}/{model}/{variant}.parquet" for judge, model, variant in grid.cells()] == (
        grid.judgments()
    )


def test_judges_by_scope(grid):
    assert grid.judges_with_scope("system") == ["self"]
    assert grid.judges_with_scope("grid") == ["grammar", "regex", "local", "label-only"]


def test_the_reference_is_the_first_judge_that_reads(grid, config):
    assert grid.baselines == ["label-only"]
    assert grid.reference == "grammar"
    config["judges"] = {"label-only": {"kind": "label_only"}, **config["judges"]}
    assert Grid(prepare(config)).reference == "grammar"
    config["statistics"] = {"reference": "regex"}
    assert Grid(prepare(config)).reference == "regex"


def test_labels_default_to_names(grid):
    assert grid.labels("models") == {"raw": "raw", "tiny": "tiny", "score0": "Score 0"}


@pytest.mark.parametrize(("key", "value"), [("label", "Another"), ("group", "another"), ("gpus", 2)])
def test_how_a_model_is_shown_or_run_is_not_what_it_is(grid, config, key, value):
    before = grid.model_settings("score0")
    config["models"]["score0"][key] = value
    assert Grid(prepare(config)).model_settings("score0") == before


def test_what_a_model_is_changes_its_settings(grid, config):
    config["models"]["score0"]["seed"] = 4
    assert Grid(prepare(config)).model_settings("score0") != grid.model_settings("score0")


def test_a_judges_label_is_not_among_its_arguments(grid, config):
    before = grid.judge_arguments("regex")
    config["judges"]["regex"]["label"] = "Phrases"
    assert Grid(prepare(config)).judge_arguments("regex") == before


def test_a_local_judge_is_told_its_checkpoint_and_reads_it(grid):
    arguments = grid.judge_arguments("local")
    assert arguments["checkpoint"] == "results/models/tiny"
    assert "model" not in arguments
    assert "results/models/tiny" in grid.judge_files("local")
    assert "resources/prompts/judges/organism_labels.md" in grid.judge_files("local")


def test_a_judge_of_itself_is_told_the_systems_checkpoint(grid):
    assert grid.judge_arguments("self", "raw", "abliterated")["checkpoint"] == "results/checkpoints/raw/abliterated"
    assert grid.judge_arguments("self", "raw", "original")["checkpoint"] == "results/models/raw"


def test_a_model_judges_the_one_before_it_as_a_control(grid, config):
    pair = ["original", "abliterated"]
    assert grid.donors("self", "raw") == [["score0", variant] for variant in pair], "the first takes the second"
    assert grid.donors("self", "score0") == [["raw", variant] for variant in pair]
    assert grid.donated_responses("self", "score0")[0] == "results/responses/raw/original.parquet"
    before = {model: grid.donors("self", model) for model in grid.models}
    config["models"]["later"] = {"source": "organism", "recipe": "raw", "seed": 5}
    config["variants"]["later"] = {"direction": {"method": "pca"}, "edit": {"method": "orthogonalize"}}
    more = Grid(prepare(config))
    assert {model: more.donors("self", model) for model in grid.models} == before
    assert more.donors("self", "later") == [["score0", variant] for variant in pair]


def test_there_is_no_control_without_another_model_or_where_none_is_wanted(grid, config):
    config["judges"]["self"]["control"] = 0
    assert Grid(prepare(config)).donors("self", "raw") == []
    config["judges"]["self"]["control"] = 10
    del config["models"]["score0"]
    assert Grid(prepare(config)).donors("self", "raw") == []


def test_the_size_of_the_control_is_no_argument_of_the_judge(grid, config):
    before = grid.judge_arguments("self", "raw", "original")
    config["judges"]["self"]["control"] = 8
    changed = Grid(prepare(config))
    assert changed.judge_arguments("self", "raw", "original") == before
    assert (grid.control("self")["size"], changed.control("self")["size"]) == (100, 8)


def test_the_reference_is_not_held_against_itself(grid, config):
    assert grid.self_monitoring() == [
        "results/tables/self_monitoring.csv",
        "results/figures/self_monitoring/self.pdf",
        "results/figures/self_monitoring/self.png",
    ]
    config["statistics"] = {"reference": "self"}
    assert Grid(prepare(config)).self_monitoring() == []


def test_every_judge_can_be_built_from_its_arguments_keys(grid):
    """What the workflow passes is what the modules take; building needs no weights to be there for cheap kinds."""
    from steadfast.core.registry import load

    for name in ("grammar", "regex", "label-only"):
        arguments = grid.judge_arguments(name)
        assert load("steadfast.judges.kinds", arguments.pop("kind")).build(**arguments).judge([]) == []


def test_knobs_of_the_machine_are_in_no_slice(grid, config):
    config["runtime"] = {"device": "cpu", "batch_tokens": 7}
    other = Grid(prepare(config))
    for slice_of in (
        lambda grid: grid.sampling(),
        lambda grid: grid.chat_settings("raw"),
        lambda grid: grid.model_settings("raw"),
        lambda grid: grid.judge_arguments("local"),
        lambda grid: grid.direction("abliterated"),
    ):
        assert slice_of(other) == slice_of(grid)


def test_positions_of_all_directions_and_the_last(grid, config):
    assert grid.positions() == [-1]
    config["variants"]["early"] = {
        "direction": {"method": "mean_difference", "position": -3},
        "edit": {"method": "orthogonalize"},
    }
    assert Grid(prepare(config)).positions() == [-3, -1]


def test_prompts_read_their_files_once(grid):
    grid.config["prompts"]["language"] = "en"
    assert grid.prompt_files() == ["resources/organisms/world.yaml"]
    assert grid.prompt_modules() == ["prompts.sources.kinds.synthetic"]


def test_either_matches_whole_names_only(grid):
    pattern = grid.either(["a-b", "c.d"])
    assert re.fullmatch(pattern, "a-b")
    assert not re.fullmatch(pattern, "cxd")
    assert not re.fullmatch(grid.either([]), "")
    assert not re.fullmatch(grid.either([]), "x")


def test_digests_tell_kinds_apart_and_judges_of_one_kind_share_theirs(grid, config):
    config["judges"]["paper"] = {"kind": "regex", "patterns": "resources/prompts/judges/paper_phrases.yaml"}
    grid = Grid(prepare(config))
    digests = {judge: grid.judge_digest(judge) for judge in grid.judges}
    assert digests["paper"] == digests["regex"]
    assert len(set(digests.values())) == len({stanza["kind"] for stanza in config["judges"].values()})


def test_every_rule_can_be_told_the_digest_of_its_script(grid):
    for variant in grid.edited_variants():
        assert len(grid.direction_digest(variant)) == len(grid.edit_digest(variant)) == 16
    assert grid.direction_digest("abliterated") != grid.direction_digest("random")
    assert grid.edit_digest("abliterated") == grid.edit_digest("random")


def test_responses_depend_on_the_code_of_the_engines_that_may_make_them(config):
    digests = []
    for engine in ("auto", "transformers", "vllm"):
        config["generation"] = {"engine": engine}
        digests.append(Grid(prepare(config)).responses_digest())
    assert len(set(digests)) == 3
