"""The grid: which files there are, and which slice of the configuration each stage gets."""

import re
from types import SimpleNamespace

import pytest

from steadfast.config.checks import prepare
from steadfast.grid.checkpoints import CheckpointJobs, checkpoint_jobs
from steadfast.grid.data import ModelVariant
from steadfast.grid.directions import DirectionJobs, direction_jobs
from steadfast.grid.figures import Figures
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import Jobs, digest, either
from steadfast.grid.judging import Judging
from steadfast.grid.judgments import judgment_files, self_judging_jobs
from steadfast.grid.models import ModelDirectoryJobs
from steadfast.grid.prompts import prompt_files, prompts_digest
from steadfast.grid.responses import response_jobs, sampling
from steadfast.grid.self_evaluation import SelfEvaluation
from steadfast.judges.interface import build_judge

RAW, SCORE0 = ModelVariant("raw", "abliterated"), ModelVariant("score0", "original")


def arguments(grid, judge, itself=None):
    """What a judge is built from."""
    return Judging(grid).arguments(grid.judges[judge], itself)


def source_models(grid, model):
    """Pairs whose responses a model judges as a control."""
    return SelfEvaluation(grid).source_models("self", model)


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


def test_pairs_combine_models_under_test_with_every_variant(grid):
    assert grid.studied == ["raw", "score0"]
    assert grid.pairs == [
        ModelVariant(model, variant) for model in ("raw", "score0") for variant in ("original", "abliterated", "random")
    ]
    assert CheckpointJobs(grid).variants == ["abliterated", "random"]
    assert grid.controls == ["random"]


def test_models_of_a_source_include_judges(grid):
    assert ModelDirectoryJobs(grid).from_source("organism") == ["raw", "tiny", "score0"]
    assert ModelDirectoryJobs(grid).from_source("hub") == []


def test_original_variant_uses_the_checkpoint_of_its_model(grid):
    assert grid.checkpoint(ModelVariant("raw", "original")) == "results/models/raw"
    assert grid.checkpoint(ModelVariant("raw", "random")) == "results/checkpoints/raw/random"


def test_every_judge_has_a_judgment_file_for_every_pair(grid):
    assert len(judgment_files(grid)) == len(grid.judges) * len(grid.pairs)
    assert judgment_files(grid, ["regex"])[0] == "results/judgments/regex/raw/original.parquet"


def test_judges_are_selected_by_scope(grid):
    judging = Judging(grid)
    assert [judge.name for judge in judging.with_scope("pair")] == ["self"]
    assert [judge.name for judge in judging.with_scope("grid")] == ["grammar", "regex", "local", "label-only"]


def test_reference_defaults_to_first_judge_reading_responses(grid, config):
    assert grid.baselines == ["label-only"]
    assert grid.reference == "grammar"
    config["judges"] = {"label-only": {"kind": "label_only"}, **config["judges"]}
    assert Grid(prepare(config)).reference == "grammar"
    config["statistics"] = {"reference": "regex"}
    assert Grid(prepare(config)).reference == "regex"


def test_model_labels_default_to_names(grid):
    assert grid.labels["models"] == {"raw": "raw", "tiny": "tiny", "score0": "Score 0"}


@pytest.mark.parametrize(("key", "value"), [("label", "Another"), ("group", "another"), ("gpus", 2)])
def test_label_group_and_gpus_do_not_change_model_settings(grid, config, key, value):
    before = ModelDirectoryJobs(grid).settings(SCORE0)
    config["models"]["score0"][key] = value
    assert ModelDirectoryJobs(Grid(prepare(config))).settings(SCORE0) == before


def test_seed_changes_model_settings(grid, config):
    config["models"]["score0"]["seed"] = 4
    assert ModelDirectoryJobs(Grid(prepare(config))).settings(SCORE0) != ModelDirectoryJobs(grid).settings(SCORE0)


def test_label_does_not_change_judge_arguments(grid, config):
    before = arguments(grid, "regex")
    config["judges"]["regex"]["label"] = "Phrases"
    assert arguments(Grid(prepare(config)), "regex") == before


def test_local_judge_gets_its_checkpoint_as_argument_and_input(grid):
    given, files = arguments(grid, "local"), Judging(grid).files(grid.judges["local"])
    assert given["checkpoint"] == "results/models/tiny"
    assert "model" not in given
    assert {"results/models/tiny", "resources/prompts/judges/organism_labels.md"} <= set(files)


def test_self_judge_gets_the_checkpoint_of_its_pair(grid):
    own = {variant: arguments(grid, "self", ModelVariant("raw", variant)) for variant in ("abliterated", "original")}
    assert own["abliterated"]["checkpoint"] == "results/checkpoints/raw/abliterated"
    assert own["original"]["checkpoint"] == "results/models/raw"


def test_self_evaluation_control_takes_the_previous_model(grid, config):
    both = ["original", "abliterated"]
    assert source_models(grid, "raw") == [ModelVariant("score0", variant) for variant in both], (
        "the first takes the second"
    )
    assert source_models(grid, "score0") == [ModelVariant("raw", variant) for variant in both]
    own, _ = self_judging_jobs(grid)
    job = SimpleNamespace(judge="self", model="score0")
    assert own.others(job)[0] == "results/responses/raw/original.parquet"
    before = {model: source_models(grid, model) for model in grid.studied}
    config["models"]["later"] = {"source": "organism", "recipe": "raw", "seed": 5}
    config["variants"]["later"] = {"direction": {"method": "pca"}, "edit": {"method": "orthogonalize"}}
    more = Grid(prepare(config))
    assert {model: source_models(more, model) for model in grid.studied} == before
    assert source_models(more, "later") == [ModelVariant("score0", variant) for variant in both]


def test_self_evaluation_has_no_control_without_another_model(grid, config):
    config["judges"]["self"]["control"] = 0
    assert source_models(Grid(prepare(config)), "raw") == []
    config["judges"]["self"]["control"] = 10
    del config["models"]["score0"]
    assert source_models(Grid(prepare(config)), "raw") == []


def test_control_size_does_not_change_judge_arguments(grid, config):
    before = arguments(grid, "self", ModelVariant("raw", "original"))
    config["judges"]["self"]["control"] = 8
    changed = Grid(prepare(config))
    assert arguments(changed, "self", ModelVariant("raw", "original")) == before
    assert [SelfEvaluation(each).control("self")["size"] for each in (grid, changed)] == [100, 8]


def test_self_evaluation_is_omitted_when_it_is_the_reference(grid, config):
    assert SelfEvaluation(grid).results == ["results/tables/self_evaluation.csv"]
    assert "results/figures/self_evaluation" in Figures(grid).folders
    config["statistics"] = {"reference": "self"}
    assert SelfEvaluation(Grid(prepare(config))).results == []


def test_every_judge_is_built_from_its_arguments(grid):
    """What the workflow passes is what the modules take; building needs no weights to be there for cheap kinds."""
    for name in ("grammar", "regex", "label-only"):
        assert build_judge(arguments(grid, name)).judge([]) == []


def test_runtime_settings_are_not_part_of_any_slice(grid, config):
    config["runtime"] = {"device": "cpu", "batch_tokens": 7}
    other = Grid(prepare(config))
    for slice_of in (
        sampling,
        lambda grid: Jobs(grid).chat(RAW),
        lambda grid: ModelDirectoryJobs(grid).settings(RAW),
        lambda grid: arguments(grid, "local"),
        lambda grid: DirectionJobs(grid).settings(RAW.variant),
    ):
        assert slice_of(other) == slice_of(grid)


def test_positions_include_those_of_all_directions(grid, config):
    assert DirectionJobs(grid).positions == [-1]
    config["variants"]["early"] = {
        "direction": {"method": "mean_difference", "position": -3},
        "edit": {"method": "orthogonalize"},
    }
    assert DirectionJobs(Grid(prepare(config))).positions == [-3, -1]


def test_prompt_files_and_digest_cover_each_source_once(grid):
    grid.config["prompts"]["language"] = "en"
    assert prompt_files(grid) == ["resources/organisms/world.yaml"]
    assert prompts_digest(grid) == digest("build_prompts.py", "prompts.sources.kinds.synthetic")


def test_either_pattern_matches_whole_names_only():
    pattern = either(["a-b", "c.d"])
    assert re.fullmatch(pattern, "a-b")
    assert not re.fullmatch(pattern, "cxd")
    assert not re.fullmatch(either([]), "")
    assert not re.fullmatch(either([]), "x")


def test_judges_of_one_kind_share_a_digest(grid, config):
    config["judges"]["paper"] = {"kind": "regex", "patterns": "resources/prompts/judges/paper_phrases.yaml"}
    grid = Grid(prepare(config))
    digests = {name: Judging(grid).digest(judge) for name, judge in grid.judges.items()}
    assert digests["paper"] == digests["regex"]
    assert len(set(digests.values())) == len({entry["kind"] for entry in config["judges"].values()})


def test_digests_cover_script_and_method(grid):
    directions, checkpoints = direction_jobs(grid, by_running=False)[0], checkpoint_jobs(grid)[0]
    abliterated, random = grid.edited_pairs[:2]
    assert len(directions.digest(abliterated)) == len(checkpoints.digest(abliterated)) == 16
    assert directions.digest(abliterated) != directions.digest(random)
    assert checkpoints.digest(abliterated) == checkpoints.digest(random)


def test_response_digest_depends_on_the_configured_engine(config):
    digests = []
    for engine in ("auto", "transformers", "vllm"):
        config["generation"] = {"engine": engine}
        digests.append(response_jobs(Grid(prepare(config)))[0].digest(ModelVariant("raw", "original")))
    assert len(set(digests)) == 3


def test_checkpoint_form_follows_the_runtime_setting(config):
    config["runtime"] = {"checkpoints": "bake"}
    assert CheckpointJobs(Grid(prepare(config))).form(ModelVariant("raw", "abliterated")) == "bake"
    config["runtime"] = {}
    assert CheckpointJobs(Grid(prepare(config))).form(ModelVariant("raw", "abliterated")) == "auto"
