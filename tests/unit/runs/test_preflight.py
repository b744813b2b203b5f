"""What a run needs from outside is looked at before its first job, and only if the run needs it."""

import os
import subprocess
import sys

import pytest
import yaml
from tests.hub_simulator import TOKEN, client_variables, hub_simulator
from tests.unit.config.conftest import ROOT, config, in_the_repository, without_results

from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.grid.grid import Grid
from steadfast.runs.preflight import check_before_run

__all__ = ["config", "in_the_repository", "without_results"]
PROMPT = "resources/prompts/judges/refusal.md"
CHECK = """
import sys, warnings, yaml
from steadfast.config.checks import prepare
from steadfast.grid.grid import Grid
from steadfast.runs.preflight import check_before_run
from steadfast.core.errors import ConfigError
warnings.simplefilter("ignore")
try:
    check_before_run(Grid(prepare(yaml.safe_load(sys.stdin))), sys.argv[1:])
except ConfigError as error:
    print(error)
"""


def judgments(judge: str) -> list[str]:
    return [f"results/judgments/{judge}/raw/original.parquet"]


@pytest.fixture
def asked(config):
    """The small grid with a judge behind an API."""
    config["judges"]["asked"] = {
        "kind": "chat",
        "base_url": "https://example.org/v1",
        "model": "m",
        "api_key_env": "KEY_OF_THE_TEST",
        "prompt": PROMPT,
    }
    return config


def test_missing_api_key_stops_a_run_needing_it(asked, monkeypatch):
    monkeypatch.delenv("KEY_OF_THE_TEST", raising=False)
    grid = Grid(prepare(asked))
    with pytest.raises(ConfigError, match=r"judges\.asked\.api_key_env: .*KEY_OF_THE_TEST is not set"):
        check_before_run(grid, judgments("asked"))
    check_before_run(grid, judgments("regex"))
    monkeypatch.setenv("KEY_OF_THE_TEST", "a-key")
    check_before_run(grid, judgments("asked"))


def test_request_limit_is_checked_before_responses_exist(asked, monkeypatch, tmp_path):
    monkeypatch.setenv("KEY_OF_THE_TEST", "a-key")
    asked["judges"]["asked"]["max_requests"] = 10
    grid = Grid(prepare(asked))
    with pytest.raises(ConfigError, match=r"judges\.asked\.max_requests: \d+ requests would be sent"):
        check_before_run(grid, judgments("asked"))
    check_before_run(grid, judgments("regex"))


def test_calibration_judgments_count_towards_the_request_limit(asked, monkeypatch, without_results):
    monkeypatch.setenv("KEY_OF_THE_TEST", "a-key")
    asked["prompts"] |= {"calibration": 8, "evaluation": 6, "human": 1}
    asked["generation"] = {"samples": 2, "temperature": 1.0}
    # two systems, two classes, two samples
    asked["judges"]["asked"]["max_requests"] = 2 * 2 * 2 * 6
    check_before_run(Grid(prepare(asked)), judgments("asked"))
    asked["variants"]["abliterated"]["direction"] |= {"contrast": "behavior", "judge": "asked"}
    with pytest.raises(ConfigError, match=rf"max_requests: {48 + 2 * 2 * 8} requests would be sent"):
        check_before_run(Grid(prepare(asked)), judgments("asked"))
    asked["variants"]["abliterated"]["direction"]["judge"] = "regex"
    check_before_run(Grid(prepare(asked)), judgments("asked"))


def test_cost_limit_error_states_its_assumptions(asked, monkeypatch, without_results):
    monkeypatch.setenv("KEY_OF_THE_TEST", "a-key")
    prices = {"price_per_million_input": 1.0, "price_per_million_output": 1.0}
    asked["judges"]["asked"] |= {**prices, "max_cost": 0.01}
    with pytest.raises(ConfigError, match=r"judges\.asked\.max_cost: .*prompts of 1,000 words are assumed"):
        check_before_run(Grid(prepare(asked)), judgments("asked"))
    asked["judges"]["asked"]["max_cost"] = 100.0
    check_before_run(Grid(prepare(asked)), judgments("asked"))


@pytest.mark.parametrize("made", ["judgments/served/raw/original", "calibration/judgments/served/raw/original"])
def test_gpus_of_a_judge_are_checked_for_every_split(config, made):
    weights = {"repo": "maker/model", "revision": "main"}
    config["judges"]["served"] = {"kind": "chat", "serve": weights, "prompt": PROMPT, "gpus": 4}
    config["variants"]["abliterated"]["direction"] |= {"contrast": "behavior", "judge": "served"}
    grid = Grid(prepare(config))
    with pytest.raises(ConfigError, match=r"judges\.served\.gpus: 4 GPUs are asked for, and 2 can be used here"):
        check_before_run(grid, [f"results/{made}.parquet"], gpus=2)
    check_before_run(grid, [f"results/{made}.parquet"], gpus=4)
    check_before_run(grid, ["results/calibration/judgments/regex/raw/original.parquet"], gpus=2)


@pytest.fixture
def from_the_hub(config, tmp_path):
    """Check a grid with a model, a judge's weights and prompts of the hub, in a client process of its own."""
    here = {"repo": "maker/model", "revision": "main"}
    config["models"]["big"] = {"source": "hub", **here}
    config["judges"]["open"] = {"kind": "chat", "serve": here, "prompt": PROMPT}
    config["prompts"]["harmless"] = [{"kind": "dataset", **here}]
    del config["judges"]["grammar"]

    def check(url: str, *outputs: str, **variables: str) -> list[str]:
        mine = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        environment = {**mine, "PYTHONPATH": "workflow/scripts", **client_variables(url, tmp_path / "hub"), **variables}
        command = [sys.executable, "-c", CHECK, *outputs]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, input=yaml.safe_dump(config), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return check


@pytest.mark.slow
def test_gated_repositories_are_named_with_their_config_key(from_the_hub):
    outputs = ["results/models/big", "results/models/served-open", "results/prompts/prompts.parquet"]
    with hub_simulator() as hub:
        hub.locked = "gated"
        lines = from_the_hub(hub.url, *outputs)
        assert [line.partition(": ")[0] for line in lines] == ["models.big", "judges.open.serve", "prompts.harmless.0"]
        assert all("maker/model is gated: accept its license" in line and "HF_TOKEN" in line for line in lines)
        assert from_the_hub(hub.url, *outputs, HF_TOKEN=TOKEN) == []
        hub.requests.clear()
        assert from_the_hub(hub.url, "results/models/raw") == []
        assert hub.requests == []
