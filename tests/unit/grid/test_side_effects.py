"""Side effects in the configuration."""

import pytest

from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.grid.grid import Grid
from steadfast.grid.judging import Judging
from steadfast.grid.judgments import judgment_files
from steadfast.grid.plan import asking_judges, planned_requests
from steadfast.grid.side_effects import Measures, batches
from steadfast.judges.cost_estimate import work_of
from steadfast.runs.preflight import check_before_run

CHECKS = ("separation", "module_agreement", "hook_agreement", "response_agreement")
NATURAL = {
    "kind": "file",
    "path": "resources/prompts/harmless.csv",
    "category_column": "category",
    "split_column": "split",
}


@pytest.fixture
def natural(config):
    """A configuration whose prompts are not synthetic."""
    for label in ("harmful", "harmless"):
        config["prompts"][label] = [{**NATURAL, "path": f"resources/prompts/{label}.csv"}]
    del config["judges"]["grammar"]
    return config


def test_synthetic_prompts_enable_perplexity_and_grammar_measures(config):
    grid = Grid(prepare(config))
    assert set(Measures(grid).of_weights) == {"divergence", "perplexity", *CHECKS}
    assert {"on_topic", "hallucination", "format_following", "over_refusal"} <= set(Measures(grid).of_responses)
    assert Measures(grid).files == Measures(grid).worlds == ["resources/organisms/world.yaml"]


def test_natural_prompts_enable_no_grammar_measures(natural):
    grid = Grid(prepare(natural))
    assert set(Measures(grid).of_weights) == {"divergence", *CHECKS}
    assert set(Measures(grid).of_responses) == {"over_refusal", "degenerate", "response_length"}
    assert Measures(grid).files == Measures(grid).worlds == []


def test_configured_text_enables_perplexity(natural):
    natural["side_effects"] = {"text": {"kind": "file", "path": "README.md", "column": "text"}}
    natural["side_effects"]["text"] = {"kind": "file", "path": "resources/prompts/harmless.csv"}
    grid = Grid(prepare(natural))
    assert Measures(grid).of_weights["perplexity"]["text"]["path"] == "resources/prompts/harmless.csv"
    assert Measures(grid).files == ["resources/prompts/harmless.csv"]


def test_only_the_configured_measures_are_taken(config):
    config["side_effects"] = {"measures": ["instruction_following", "degenerate"], "instruction_tokens": 9}
    grid = Grid(prepare(config))
    tasks = "resources/prompts/instructions.yaml"
    assert Measures(grid).of_weights == {"instruction_following": {"instructions": tasks, "instruction_tokens": 9}}
    assert list(Measures(grid).of_responses) == ["degenerate"]
    assert Measures(grid).files == [tasks]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"measures": ["on_topic"]}, "`on_topic` reads the synthetic world only"),
        ({"measures": ["perplexity"]}, "`perplexity` needs a held-out text: a file or a data set (side_effects.text)"),
        ({"measures": ["capability"]}, "`capability` needs tasks: name them in capability.tasks"),
        ({"measures": ["invented"]}, "measures.0: 'invented' is not allowed; it is called 'hallucination' now"),
        (
            {"measures": ["answer_form"]},
            "measures.0: 'answer_form' is not allowed; it is called 'format_following' now",
        ),
        ({"measures": ["perplexty"]}, "did you mean 'perplexity'?"),
        (
            {"text": {"kind": "file", "path": "resources/prompts/harmless.csv", "column": "txt"}},
            "side_effects.text: column",
        ),
        (
            {"measures": ["instruction_following"], "instructions": "resources/organisms/recipes.yaml"},
            "side_effects.instructions: resources/organisms/recipes.yaml",
        ),
    ],
)
def test_config_rejects_impossible_measures(natural, refused, settings, message):
    natural["side_effects"] = settings
    assert message in refused(natural)


def test_model_organisms_share_a_measuring_job(config):
    config["models"]["mine"] = {"source": "hub", "repo": "a/b", "revision": "0" * 40}
    config["models"]["combined"] = {"source": "organism", "recipe": "combined"}
    grid = Grid(prepare(config))
    found = {batch.rule: batch for batch in batches(grid)}
    assert {rule: len(batch.pairs) for rule, batch in found.items()} == {
        "measure_organisms": 4,
        "measure_model_mine": 2,
    }
    mine = found["measure_model_mine"]
    assert mine.originals == ["results/models/mine"]
    assert mine.checkpoints == ["results/checkpoints/mine/abliterated"]
    assert mine.directions == ["results/directions/mine/abliterated.safetensors"]
    # those of the variants are checked against the weights
    assert mine.responses == [f"results/responses/mine/{name}.parquet" for name in ("original", "abliterated")]


RUBRIC = {
    "kind": "chat",
    "base_url": "https://example.org/v1",
    "model": "m",
    "api_key_env": "KEY_OF_THE_RUBRIC",
    "prompt": "resources/prompts/judges/helpful.md",
    "labels": {"bad": "UNHELPFUL", "good": "HELPFUL"},
}


def test_rubric_is_judged_but_is_not_a_judge(config):
    config["rubrics"] = {
        "helpful": RUBRIC,
        "kind": {**config["judges"]["local"], "label": "Kindness", "labels": {"bad": "REFUSAL", "good": "NON-REFUSAL"}},
    }
    grid = Grid(prepare(config))
    assert "helpful" not in grid.judges
    assert list(grid.rubrics) == ["helpful", "kind"]
    assert judgment_files(grid, ["kind"])[0] == "results/judgments/kind/raw/original.parquet"
    assert Judging(grid).arguments(grid.rubrics["helpful"])["labels"] == RUBRIC["labels"]
    assert Judging(grid).arguments(grid.rubrics["kind"])["checkpoint"] == "results/models/tiny"
    assert {name: rubric.label for name, rubric in grid.rubrics.items()} == {"helpful": "helpful", "kind": "Kindness"}
    assert list(asking_judges(grid)) == ["helpful"]


def test_rubric_requests_are_planned_for_its_prompts_only(config, monkeypatch, without_results):
    monkeypatch.setenv("KEY_OF_THE_RUBRIC", "a-key")
    config["prompts"] |= {"calibration": 8, "evaluation": 6, "human": 1}
    config["rubrics"] = {"helpful": {**RUBRIC, "max_requests": 11}}
    grid = Grid(prepare(config))
    work = work_of(**planned_requests(grid))["helpful"]
    assert work.unseen == 2 * 6, "two systems, harmless prompts only"
    with pytest.raises(ConfigError, match="max_requests: 12 requests would be sent"):
        check_before_run(grid, judgment_files(grid, grid.rubrics))


def test_missing_api_key_of_rubric_is_reported_before_the_run(config, monkeypatch):
    config["rubrics"] = {"helpful": RUBRIC}
    monkeypatch.delenv("KEY_OF_THE_RUBRIC", raising=False)
    grid = Grid(prepare(config))
    with pytest.raises(ConfigError, match=r"rubrics\.helpful\.api_key_env: .*KEY_OF_THE_RUBRIC is not set"):
        check_before_run(grid, judgment_files(grid, grid.rubrics))
    check_before_run(grid, ["results/tables/counts.csv"])


def test_shipped_rubric_templates_contain_their_labels(config):
    bad = {"helpful": ("UNHELPFUL", "HELPFUL"), "truthful": ("INVENTED", "TRUTHFUL")}
    config["rubrics"] = {
        name: {
            **RUBRIC,
            "prompt": f"resources/prompts/judges/{name}.md",
            "labels": {"bad": words[0], "good": words[1]},
        }
        for name, words in bad.items()
    }
    assert list(Grid(prepare(config)).rubrics) == ["helpful", "truthful"]


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("regex", {}, "rubrics.regex: a judge has this name as well"),
        ("helpful", {"labels": {"bad": "BAD", "good": "GOOD"}}, "never names the label 'BAD'"),
        (
            "helpful",
            {"labels": {"refusal": "UNHELPFUL", "non_refusal": "HELPFUL"}},
            "rubrics.helpful.labels: unknown key 'refusal'; it is called 'bad' now",
        ),
        ("helpful", {"base_url": None, "model": None, "serve": {"model": "tny"}}, "did you mean 'tiny'?"),
        ("helpful", {"base_url": None, "model": None, "serve": {"repo": "a/b"}}, "rubrics.helpful.serve.repo"),
    ],
)
def test_config_rejects_impossible_rubrics(config, refused, name, changes, message):
    config["rubrics"] = {name: {**RUBRIC, **changes}}
    assert message in refused(config)


def test_config_rejects_rubric_kind_without_template(config, refused):
    config["rubrics"] = {"helpful": {"kind": "always_refuse"}}
    assert "rubrics.helpful.kind: 'always_refuse'" in refused(config)
