"""A whole run, from nothing to figures, on real (tiny) models."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from tests.grids import snakemake

from steadfast.models.loading import load_model

pytestmark = pytest.mark.slow

SYSTEMS = [(model, variant) for model in ("raw", "combined") for variant in ("original", "abliterated", "random")]
JUDGES = ["grammar", "regex", "tiny", "self", "all", "label-only", "always-refuse"]


def test_summary_is_shown_at_the_end(small_grid):
    summary = small_grid.path("summary.txt").read_text(encoding="utf-8")
    assert summary in small_grid.first
    assert "Combined" in summary and "results/figures" in summary


def test_every_judge_scores_every_pair(small_grid):
    verdicts = pd.read_parquet(small_grid.path("tables/verdicts.parquet"))
    cells = verdicts.groupby(["model", "variant", "judge"]).size()
    assert len(cells) == len(SYSTEMS) * len(JUDGES)
    assert set(cells) == {20}
    assert set(verdicts["verdict"]) <= {"refusal", "non_refusal", "unscored"}


def test_counts_match_the_verdicts(small_grid):
    counts = pd.read_csv(small_grid.path("tables/counts.csv"))
    assert (counts["refused"] + counts["not_refused"] + counts["unscored"] == counts["total"]).all()
    baseline = counts[counts["judge"] == "label-only"]
    assert (baseline["refused"] == np.where(baseline["label"] == "harmful", 10, 0)).all()


def test_activations_have_the_documented_tensors(small_grid):
    activations = load_file(small_grid.path("activations/raw.safetensors"))
    assert activations["harmful"].shape[0] == activations["harmless"].shape[0] == 24
    assert activations["harmful"].ndim == 4 and activations["harmful"].dtype == np.float32
    assert (
        activations["harmful.final_norm"].shape == activations["harmful"].shape[:2] + activations["harmful"].shape[3:]
    )


@pytest.mark.parametrize("variant", ["abliterated", "random"])
def test_edits_remove_their_direction(small_grid, variant):
    folder = small_grid.path(f"checkpoints/combined/{variant}")
    manifest = json.loads((folder / "edit_manifest.json").read_text(encoding="utf-8"))
    assert manifest["effective"] is True
    direction = load_file(small_grid.path(f"directions/combined/{variant}.safetensors"))["directions"].astype(float)
    assert np.allclose(direction @ direction.T, np.eye(len(direction)), atol=1e-6)
    assert not list(folder.glob("model*.safetensors")), "kept as factors over the original's weights"
    before, after = (
        {name: value.detach().numpy() for name, value in load_model(model).named_parameters()}
        for model in (small_grid.path("models/combined"), folder)
    )
    edited = {name for name in before if not np.array_equal(before[name], after[name])}
    assert edited == {name for name in before if name.endswith(("o_proj.weight", "down_proj.weight"))}
    for name in edited:
        assert np.linalg.norm(direction @ after[name]) < 1e-4 * np.linalg.norm(direction @ before[name])


def test_random_direction_keeps_the_refusals(small_grid):
    """By the reference's rates themselves, and by the outcome of the assessment."""
    rates = pd.read_csv(small_grid.path("tables/robustness.csv")).query("judge == 'grammar' and label == 'harmful'")
    rates = rates.set_index(["variant", "model"])
    before, after = rates.loc["original"], rates.loc["random"]
    assert sorted(after.index) == ["combined", "raw"]
    assert before.loc["combined", "rate"] > 0.3, "a model that refuses nothing cannot lose refusals"
    assert after["rate"].between(before["rate_low"], before["rate_high"]).all()
    assessment = pd.read_csv(small_grid.path("tables/assessment.csv"))
    controls = assessment[assessment["variant"] == "random"]
    assert dict(zip(controls["model"], controls["assessment"], strict=True)) == dict.fromkeys(
        after.index, "control passed"
    )


def test_every_output_has_provenance(small_grid):
    results = small_grid.folder / "results"
    outputs = [*results.glob("responses/*/*.parquet"), *results.glob("tables/*.csv"), *results.glob("figures/*.pdf")]
    assert len(outputs) > 10
    for output in outputs:
        record = json.loads(output.with_name(f"{output.name}.provenance.json").read_text(encoding="utf-8"))
        assert {"sha256", "rule", "params", "inputs", "git", "packages", "seconds"} <= set(record)


def test_external_counts_table_is_analyzed(small_grid):
    matrix = pd.read_csv(small_grid.path("counts_tables/paper/judge_correlation.csv"), index_col=0)
    assert list(matrix.index) == list(matrix.columns) and len(matrix) == 3
    assert np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1)
    rates = pd.read_csv(small_grid.path("counts_tables/paper/rates.csv"))
    row = rates.query("model == 'SmolLM2' and judge == 'ChatGPT5' and label == 'harmful'").set_index("variant")
    assert row["refused"].to_dict() == {"original": 35, "abliterated": 15}
    assert small_grid.path("counts_tables/paper/figures/judge_correlation.png").stat().st_size > 10_000


def test_second_run_does_nothing(small_grid):
    again = small_grid.run()
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout


def test_deleted_intermediate_file_reruns_nothing(small_grid):
    (small_grid.path("responses/raw/random.parquet")).rename(small_grid.folder / "kept.parquet")
    try:
        dry = small_grid.run("-n")
        assert "Nothing to be done" in dry.stdout
    finally:
        (small_grid.folder / "kept.parquet").rename(small_grid.path("responses/raw/random.parquet"))


def test_human_labels_become_judges_and_corrected_rates(small_grid):
    """From the annotation page to corrected rates; the grammar's verdicts replace human labels."""
    folder = small_grid.folder
    done = small_grid.run("annotation_page")
    assert done.returncode == 0 and "Annotation page: results/annotation/annotation.html" in done.stdout
    assert "Report:" not in done.stdout
    page = small_grid.path("annotation/annotation.html").read_text(encoding="utf-8")
    assert not any(secret in page for secret in ("abliterated", "Combined", "grammar", "non_refusal_by"))
    environment = {**os.environ, "PYTHONPATH": str(folder / "workflow" / "scripts")}
    for judge in ("grammar", "regex"):
        tool = [sys.executable, "-m", "steadfast.judges.annotation.stand_in", judge, f"{judge}.csv"]
        subprocess.run(tool, cwd=folder, env=environment, check=True)

    labeled = snakemake(
        folder,
        *("--cores", "2", "--configfile", "small_grid.yaml"),
        *("--config", 'annotations=["grammar.csv", "regex.csv"]'),
    )
    assert labeled.returncode == 0, labeled.stdout
    assert not any(step in labeled.stdout for step in ("train the model", "generate responses", "judge the responses"))
    robustness = pd.read_csv(small_grid.path("tables/robustness.csv"))
    corrected = robustness[(robustness["judge"] == "regex") & (robustness["labeled"] > 0)]
    assert len(corrected)
    agreement = pd.read_csv(small_grid.path("tables/agreement.csv"))
    judges = "judge_a == 'grammar' and judge_b == 'human-stand-in-grammar'"
    assert agreement.query(f"{judges} and metric == 'accuracy' and subset == 'all'")["value"].tolist() == [1.0]
    assert len(pd.read_csv(small_grid.path("tables/annotators.csv")))


def test_replicate_groups_are_aggregated(small_grid):
    groups = pd.read_csv(small_grid.path("tables/groups.csv"))
    assert set(groups["group"]) == {"both"}


def test_report_contains_the_question_and_every_pair(small_grid):
    page = small_grid.path("report.html").read_text(encoding="utf-8")
    assert "Does safety training survive abliteration?" in page
    data = json.loads(re.search(r'<script type="application/json" id="responses">(.*?)</script>', page, re.S)[1])
    judges = pd.read_parquet(small_grid.path("tables/verdicts.parquet"))["judge"].nunique()  # people among them by now
    assert len(data["systems"]) == len(SYSTEMS) and len(data["judges"]) == judges
    assert {len(row) for judge in data["verdicts"] for row in judge} == {20}


def test_snakemake_report_contains_figures_tables_and_the_page(small_grid):
    done = small_grid.run("--report", "snakemake_report.html")
    assert done.returncode == 0, done.stdout
    report = (small_grid.folder / "snakemake_report.html").read_text(encoding="utf-8")
    for name in ("refusal_counts.png", "judge_correlation.png", "judge_bias.png", "robustness.csv", "report.html"):
        assert name in report
    for caption in (small_grid.folder / "workflow" / "report").glob("*.rst"):
        if caption.stem in ("search", "outcomes"):
            continue  # no variant of this grid is searched for, and no judge tells compliance
        assert caption.read_text(encoding="utf-8").splitlines()[0] in report, caption.name
