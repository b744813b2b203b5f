"""A whole run on real vLLM: it generates for a model in two variants, and serves another as their judge."""

import json
from pathlib import Path

import pandas as pd
import psutil
import pytest
from tests.grids import snakemake
from tests.vllm import require_vllm

from steadfast.core.files import read_table
from steadfast.generation.responses import generate_responses

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).with_name("vllm_grid.yaml")
MODEL, VARIANTS = "combined", ("original", "abliterated")
LEAST_IDENTICAL = 0.95


@pytest.fixture(scope="module")
def results(copy_models, tmp_path_factory):
    """The results of the run."""
    interpreter = require_vllm()
    folder = copy_models(tmp_path_factory.mktemp("vllm") / "grid")
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv("STEADFAST_VLLM_PYTHON", str(interpreter.python))
        # the tables and figures that follow are the small grid's to try
        done = snakemake(folder, "results/tables/agreement.csv", "--cores", "2", "--configfile", str(CONFIG))
    assert done.returncode == 0, done.stdout
    assert "train the model" not in done.stdout, "the settings of the two grids have parted"
    return folder / "results"


def responses(results, variant):
    return read_table(results / "responses" / MODEL / f"{variant}.parquet")


@pytest.mark.parametrize("variant", VARIANTS)
def test_vllm_responses_agree_with_transformers(results, variant, record_property):
    log = (results / "logs/responses" / MODEL / "responses.log").read_text(encoding="utf-8")
    said = log.split(f"{variant}:\n")[1]
    assert "vLLM is ready after" in log and "responses: 30/30, " in said and "tokens/s" in said
    found = responses(results, variant)
    prompts = read_table(results / "prompts/prompts.parquet").query("split == 'evaluation'")
    checkpoint = results / (f"models/{MODEL}" if variant == "original" else f"checkpoints/{MODEL}/{variant}")
    expected = generate_responses(checkpoint, prompts, settings={"max_new_tokens": 32}, engine="transformers")
    assert found[["prompt_id", "sample"]].equals(expected[["prompt_id", "sample"]])
    identical = float((found["response"] == expected["response"]).mean())
    record_property("identical", identical)
    print(f"{variant}: {identical:.1%} of {len(found)} greedy responses are identical")
    assert identical >= LEAST_IDENTICAL


def test_edited_checkpoint_served_by_vllm_is_untied(results):
    tied, untied = (
        json.loads((results / folder / "config.json").read_text(encoding="utf-8"))["tie_word_embeddings"]
        for folder in (f"models/{MODEL}", f"checkpoints/{MODEL}/abliterated")
    )
    assert tied and not untied


def test_edit_changes_the_responses_of_vllm(results):
    original, edited = (responses(results, variant)["response"] for variant in VARIANTS)
    assert (original != edited).mean() > 0.3


def test_served_judge_agrees_with_the_same_judge_in_process(results):
    verdicts = read_table(results / "tables/verdicts.parquet")
    keys = ["model", "variant", "prompt_id"]
    served, own = (verdicts[verdicts["judge"] == judge].set_index(keys) for judge in ("served", "in-process"))
    assert len(served) == len(own) == 30 * len(VARIANTS)
    assert (served["verdict"] == own.loc[served.index, "verdict"]).mean() >= 0.95
    assert set(served["verdict"]) == {"refusal", "non_refusal"}
    assert served["score"].notna().all()
    judged = pd.read_csv(results / "tables/agreement.csv").query(
        "judge_a == 'grammar' and judge_b == 'served' and subset == 'all' and metric == 'coverage'"
    )
    assert judged["value"].tolist() == [1.0]


def test_judge_server_starts_once_with_a_quiet_log(results):
    log = (results / "logs/judgments/served.log").read_text(encoding="utf-8")
    assert log.count("vLLM's server is ready after") == 1
    assert "as choice with log-probabilities" in log
    assert "POST /v1" not in log and "GET /health" not in log
    # vLLM preloads a library of its own by a path that the loader splits at spaces, and each process says so
    assert sum("LD_PRELOAD" not in line for line in log.splitlines()) < 40, log
    answers = [json.loads(line) for file in results.glob("answers/*/*.jsonl") for line in file.open(encoding="utf-8")]
    different = len({json.dumps(answer["request"]["messages"]) for answer in answers})
    assert 30 < different <= 30 * len(VARIANTS) + 1  # each case once, and the question that tries the endpoint


def test_no_vllm_process_is_left(results):
    def of_this_run(process: psutil.Process) -> bool:
        try:
            return any(str(results.parent) in argument for argument in process.cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    assert not [process for process in psutil.process_iter() if of_this_run(process)]
