"""The scripts: thin, and each run on small data with what its rule gives it."""

import ast
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.real_jobs import ROOT, SCRIPTS, Job, Jobs, Named, read_jobs

from steadfast.core.files import read_json, read_table
from steadfast.core.integrity import sidecar
from steadfast.judges.interface import COLUMNS, EMPTY, says_something
from steadfast.models.pointer import ModelPointer, checkpoint_path, read_pointer

ALL = sorted(SCRIPTS.glob("*.py"))
PROMPTS = "results/prompts/prompts.parquet"
ATTACK = "mean-rank-one-100"
EXPORTED = "results/edited_models/adapter/raw/random"
CONFIG = """
prompts:
  harmful: [{kind: synthetic}]
  harmless: [{kind: synthetic}]
  calibration: 6
  evaluation: 4
  human: 1
organisms:
  training: {documents: 24, chats: 24, judge_cases: 24, hidden: 32, layers: 2, intermediate: 32, batch: 8}
generation: {engine: transformers, max_new_tokens: 4}
models:
  raw: {source: organism, recipe: raw, label: Raw data, group: both}
  other: {source: organism, recipe: combined, group: both}
  tiny: {source: organism, recipe: judge, role: judge}
variants:
  original: {}
  abliterated:
    direction: {method: mean_difference, layer: 0}
    edit: {method: orthogonalize}
  random:
    models: [raw]
    role: control
    direction: {method: random}
    edit: {method: orthogonalize}
    match_change: abliterated
  hopeless:
    models: [raw]
    direction: {method: mean_difference, layer: causal, causal: {max_divergence: 1.0e-15}}
    edit: {method: orthogonalize}
  hopeless-steered:
    models: [raw]
    direction: {method: mean_difference, layer: causal, causal: {max_divergence: 1.0e-15}}
    intervention: {method: projection}
  behavior:
    models: [raw]
    direction: {method: mean_difference, layer: 0, contrast: behavior, judge: regex}
    edit: {method: orthogonalize}
  steered:
    models: [raw]
    direction: {method: mean_difference, layer: 0}
    intervention: {method: activation_addition, alpha: -1}
  best:
    models: [raw]
    best_attack_of: {sweeps: [few], judge: regex, prompts: 4}
  searched:
    models: [raw]
    search:
      {trials: 8, directions: [mean_difference], judge: regex, finalists: 2, max_divergence: 100, refusal_tokens: [I]}
sweeps:
  few:
    directions: {mean: {method: mean_difference, layer: 0}}
    edits: {all: {method: orthogonalize}, rank-one: {method: rank_one, layer: 1}}
    scales: [1]
judges:
  grammar: {kind: grammar}
  regex: {kind: regex, patterns: resources/prompts/judges/refusal_phrases.yaml}
  local: {kind: local, model: tiny, prompt: resources/prompts/judges/organism_labels.md, minimum_mass: 0}
  self: {kind: self, prompt: resources/prompts/judges/organism_labels.md, minimum_mass: 0, control: 6}
  label-only: {kind: label_only}
  paper: {kind: regex, patterns: resources/prompts/judges/paper_phrases.yaml, version_of: regex}
  all: {kind: ensemble, members: [grammar, regex, local, self], method: dawid_skene}
rubrics:
  does:
    kind: local
    model: tiny
    prompt: resources/prompts/judges/organism_labels.md
    labels: {complied: NON-REFUSAL, not_complied: REFUSAL}
    minimum_mass: 0
  kind:
    kind: local
    model: tiny
    label: Kindness
    prompt: resources/prompts/judges/organism_labels.md
    labels: {bad: REFUSAL, good: NON-REFUSAL}
    minimum_mass: 0
statistics: {bootstrap: 100}
counts_tables: {theirs: counts.csv}
"""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory) -> Iterator[Jobs]:
    """The jobs of a tiny grid, all run; the current folder is theirs."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "resources").symlink_to(ROOT / "resources")
    (folder / "counts.csv").write_text(their_counts(), encoding="utf-8")
    jobs = read_jobs(folder, CONFIG, "all", "annotation_page", "plan", EXPORTED)
    before = Path.cwd()
    os.chdir(folder)
    for job in jobs:
        # what a model of 24 steps answers decides nothing: verdicts that others depend on are set
        if job.rule == "direction" and job.wildcards["variant"] == "behavior":
            set_verdicts(job.input.judgments[0], ["refusal", "non_refusal"] * 6)
        job.run()
    yield jobs
    os.chdir(before)


def their_counts() -> str:
    """A table of refusal counts of another study."""
    rows = [
        f"{model},{variant},{judge},{label},{refused},{50 - refused},50"
        for model, refused in (("a", 30), ("b", 40))
        for variant in ("original", "abliterated")
        for judge in ("one", "two")
        for label in ("harmful", "harmless")
    ]
    return "\n".join(["model,variant,judge,label,refused,not_refused,total", *rows])


def set_verdicts(file: str, verdict: str | list[str]) -> None:
    """Write verdicts, without the record that would tell of it."""
    read_table(file).assign(verdict=verdict).to_parquet(file)
    sidecar(Path(file)).unlink(missing_ok=True)


def has_provenance(path: str) -> bool:
    return len(read_json(f"{path}.provenance.json")["sha256"]) == 64


@pytest.mark.parametrize("script", ALL, ids=lambda script: script.stem)
def test_scripts_are_thin(script):
    text = script.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 40
    assert ast.get_docstring(tree)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert "__future__" not in [node.module for node in imports], "it breaks after Snakemake's preamble"
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert "snakemake.config" not in text


@pytest.mark.parametrize("script", ALL, ids=lambda script: script.stem)
def test_scripts_match_no_files_by_position(script):
    """Files are keyed by model, variant and judge, which their paths tell (``steadfast.grid.paths``)."""
    zipped = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "zip"
    ]
    assert not [call for call in zipped if "snakemake.input" in call or "snakemake.output" in call or "files" in call]


def test_every_script_is_run_by_a_rule():
    rules = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "workflow" / "rules").glob("*.smk"))
    assert [script.name for script in ALL if f'"../scripts/{script.name}"' not in rules] == []


@pytest.mark.slow
def test_every_job_output_exists_with_provenance(jobs):
    for job in jobs:
        for path in job.output:
            assert Path(path).exists(), f"{job.rule}: {path}"
            # those of which the verdicts were set have none
            assert "results/calibration/judgments" in path or has_provenance(path), f"{job.rule}: {path}"


def test_prompts_script_writes_splits_and_summary(jobs):
    prompts = read_table(PROMPTS)
    assert prompts.groupby(["label", "split"]).size().unique().tolist() == [6, 4]
    assert set(read_table("results/prompts/summary.csv")["label"]) >= {"harmful", "harmless"}


def test_model_scripts_place_checkpoints(jobs):
    for model in ("raw", "other", "tiny"):
        assert read_pointer(f"results/models/{model}").source == "organism"
        assert (checkpoint_path(f"results/models/{model}") / "config.json").is_file()


def test_direction_scripts_write_the_selection_grid(jobs):
    assert {"bypass", "induce", "divergence", "valid"} <= set(read_table("results/directions/raw/hopeless.csv").columns)
    assert len(read_table("results/directions/raw/abliterated.csv")) >= 1
    assert "layer" in read_table("results/directions/raw/random.csv").columns


def test_pair_without_valid_direction_has_no_responses(jobs):
    manifest = read_json("results/checkpoints/raw/hopeless/edit_manifest.json")
    assert manifest["reason"].startswith("no valid direction: ")
    for variant in ("hopeless", "hopeless-steered"):
        responses = read_table(f"results/responses/raw/{variant}.parquet")
        assert responses.empty and "response" in responses.columns
        for judge in ("regex", "self"):
            judged = read_table(f"results/judgments/{judge}/raw/{variant}.parquet")
            assert judged.empty and list(judged.columns) == COLUMNS
        assert read_table(f"results/self_evaluation/self/raw/{variant}.parquet").empty


def test_rank_one_edit_changes_one_matrix(jobs):
    manifest = read_json(f"results/checkpoints/raw/{ATTACK}/edit_manifest.json")
    assert [tensor["name"] for tensor in manifest["tensors"]] == ["model.layers.1.mlp.down_proj.weight"]


def test_matched_control_has_the_change_of_its_edit(jobs):
    names = ("abliterated", "random")
    norms = [read_json(f"results/checkpoints/raw/{name}/edit_manifest.json")["change_norm"] for name in names]
    assert norms[1] == pytest.approx(norms[0], rel=1e-3)


def test_exported_adapter_contains_the_edit_of_its_variant(jobs):
    manifest = read_json(f"{EXPORTED}/edit_manifest.json")
    assert manifest == read_json("results/checkpoints/raw/random/edit_manifest.json")
    assert read_json(f"{EXPORTED}/adapter_config.json")["r"] == manifest["direction"]["count"] == 1


def test_attacks_are_compared_on_the_first_harmful_calibration_prompts(jobs):
    prompts = read_table(PROMPTS)
    pool = prompts[(prompts["split"] == "calibration") & (prompts["label"] == "harmful")]
    for variant in ("original", "mean-all-100", ATTACK):
        responses = read_table(f"results/attack_selection/responses/raw/{variant}.parquet")
        assert responses["prompt_id"].tolist() == pool["prompt_id"].tolist()[:4]
        judged = read_table(f"results/attack_selection/judgments/regex/raw/{variant}.parquet")
        assert list(judged.columns) == COLUMNS and len(judged) == 4


def test_calibration_responses_are_judged_for_a_contrast_by_behavior(jobs):
    prompts = read_table(PROMPTS)
    judged = read_table("results/calibration/judgments/regex/raw/original.parquet")
    assert sorted(judged["prompt_id"]) == sorted(prompts.loc[prompts["split"] == "calibration", "prompt_id"])
    assert Path("results/directions/raw/behavior.safetensors").is_file()


def chosen(jobs: Jobs, verdicts: dict[str, str]) -> dict[str, Any]:
    """Set the verdicts on every attack, choose again, and bake what is chosen; gives the manifest."""
    for variant, verdict in verdicts.items():
        set_verdicts(f"results/attack_selection/judgments/regex/raw/{variant}.parquet", verdict)
    steps: list[Job] = [
        jobs.find("best_attack"),
        jobs.find("checkpoint", variant="best"),
        jobs.find("best_attacks"),
    ]
    # nothing breaks the model: what it answers decides nothing
    steps[0].params.degenerate = 1.0
    for step in steps:
        step.run()
    return dict(read_json("results/checkpoints/raw/best/edit_manifest.json"))


def test_best_attack_is_baked_with_its_own_edit(jobs):
    manifest = chosen(jobs, {"original": "refusal", "mean-all-100": "refusal", ATTACK: "non_refusal"})
    comparison = read_table("results/directions/raw/best.csv")
    assert comparison.loc[comparison["chosen"], "attack"].tolist() == [ATTACK]
    assert read_json("results/directions/raw/best.edit.json")["method"] == "rank_one"
    same = read_json(f"results/checkpoints/raw/{ATTACK}/edit_manifest.json")
    assert manifest == same and manifest["edit"]["method"] == "rank_one"
    row = read_table("results/tables/best_attacks.csv").iloc[0]
    assert (row["attack"], row["refused_before"], row["refused_after"]) == (ATTACK, 4, 0)


def test_search_script_writes_a_variant_and_a_table(jobs):
    trials = read_table("results/directions/raw/searched.csv")
    assert trials["trial"].tolist() == list(range(-1, 8)) and trials["chosen"].sum() == 1
    manifest = read_json("results/checkpoints/raw/searched/edit_manifest.json")
    assert manifest["edit"] == read_json("results/directions/raw/searched.edit.json") and manifest["effective"]
    assert set(manifest["edit"]["kernels"]) == {"attention_output", "mlp_output"}
    table = read_table("results/tables/search.csv")
    chosen = table[table["chosen"]].iloc[0]
    assert chosen["trial"] == trials.loc[trials["chosen"], "trial"].item()
    rates = read_table("results/tables/robustness.csv").set_index(["model", "variant", "judge", "label"])["rate"]
    assert chosen["evaluation_rate"] == pytest.approx(rates["raw", "searched", "grammar", "harmful"])


def test_nothing_is_edited_without_a_selectable_attack(jobs):
    manifest = chosen(jobs, {"original": "refusal", "mean-all-100": "unscored", ATTACK: "unscored"})
    words = "no valid direction: none of 2 attacks can be selected: 2 too few verdicts"
    assert (manifest["effective"], manifest["reason"]) == (False, words)
    assert read_table("results/tables/best_attacks.csv")["reason"].tolist() == [words.partition(": ")[2]]


def test_response_scripts_write_every_response(jobs):
    for path in jobs.find("report").input.responses:
        table = read_table(path)
        assert len(table) == (0 if "hopeless" in path or ("best" in path and table.empty) else 8)
        assert {"prompt_id", "sample", "response", "n_tokens", "finish_reason", "degenerate"} <= set(table.columns)


def test_intervention_is_active_during_responses_and_self_judgments(jobs):
    job = next(job for job in jobs if job.rule.startswith("judge_own_responses") and job.wildcards["model"] == "raw")
    steered = next(judging for judging in job.params.judging if judging["variant"] == "steered")
    assert steered["judge"]["hook"]["method"] == "activation_addition"
    output = next(path for path in job.output.judgments if path.endswith("/steered.parquet"))
    scores = read_table(output)["score"]
    unsteered = {key: value for key, value in steered["judge"].items() if key not in ("hook", "direction")}
    changed = [{**steered, "judge": unsteered} if judging is steered else judging for judging in job.params.judging]
    replace(job, params=Named({**dict(job.params.items()), "judging": changed})).run()
    assert (read_table(output)["score"] != scores).any()
    job.run()


def test_judge_scripts_write_every_judgment(jobs):
    for judge in ("grammar", "regex", "local", "self", "label-only"):
        table = read_table(f"results/judgments/{judge}/raw/abliterated.parquet")
        assert list(table.columns) == COLUMNS
        assert len(table) == 8
    blind = read_table("results/judgments/label-only/raw/original.parquet")
    # a model that was hardly trained may say nothing, which no judge takes for an answer
    assert set(blind.loc[blind["reason"] != EMPTY, "verdict"]) == {"refusal", "non_refusal"}
    assert (blind.loc[blind["reason"] == EMPTY, "verdict"] == "unscored").all()


def test_self_evaluation_script_compares_own_and_control_responses(jobs):
    control = read_table("results/self_evaluation/self/raw/random.parquet")
    assert set(control["model"]) <= {"other"} and set(control["variant"]) <= {"original", "abliterated"}
    table = read_table("results/tables/self_evaluation.csv")
    assert set(table["responses"]) == {"own", "others", "own - others"}
    assert table.loc[table["metric"] == "coverage", "value"].dropna().isin([0, 1]).all()
    assert Path("results/figures/self_evaluation/self.pdf").stat().st_size > 1000


def test_table_scripts_write_every_table(jobs):
    counts = read_table("results/tables/counts.csv")
    judges = {"grammar", "regex", "local", "self", "label-only", "paper", "all"}
    assert (counts["total"] == 4).all() and set(counts["judge"]) == judges
    for name in ("agreement", "robustness", "conclusions", "ranking", "confusion", "bias", "disputed"):
        assert Path(f"results/tables/{name}.csv").is_file()
    assert read_table("results/tables/edits.csv")["variant"].tolist()[-2:] == ["hopeless-steered", "steered"]


def test_scripts_combine_judges_and_compare_versions_and_outcomes(jobs):
    (ensemble,) = read_table("results/tables/ensembles.csv").to_dict("records")
    judged = read_table("results/tables/verdicts.parquet").query("judge == 'all' and variant != 'random'")
    assert ensemble["responses"] + ensemble["unscored"] == len(judged)
    members = read_table("results/tables/ensemble_members.csv")
    assert members["member"].tolist() == ["grammar", "regex", "local", "self"]
    assert set(read_table("results/tables/prompt_versions.csv")["judge"]) == {"regex"}
    agreement = read_table("results/tables/agreement.csv")
    assert set(agreement.loc[agreement["judge_a"] == "all", "judge_b"]) == {"label-only", "paper"}
    assert set(read_table("results/tables/assessment.csv")["compliance_judge"]) == {"does"}
    summary = Path("results/summary.txt").read_text(encoding="utf-8")
    assert "Outcomes of harmful prompts (compliance by does)" in summary and "The models comply with" in summary


def answered_harmless(variant: str) -> set[str]:
    """Harmless prompts to which a model that was hardly trained says something."""
    labels = read_table(PROMPTS).set_index("prompt_id")["label"]
    responses = read_table(f"results/responses/raw/{variant}.parquet").set_index("prompt_id")["response"]
    return {prompt for prompt, text in responses.items() if labels[prompt] == "harmless" and says_something(text)}


def test_side_effect_scripts_write_effects_and_assessment(jobs):
    effects = read_table("results/tables/side_effects.csv")
    assert {"divergence", "perplexity", "separation", "hook_agreement", "on_topic"} <= set(effects["measure"])
    judged = effects[(effects["measure"] == "kind") & (effects["model"] == "raw")]
    assert judged["title"].unique().tolist() == ["judged negatively: Kindness"]
    answered = {variant: answered_harmless(variant) for variant in judged["variant"]}
    both = [len(answered["original"] & answered[variant]) for variant in judged["variant"]]
    assert judged["items"].tolist() == both and 0 < max(both) <= 4, "harmless prompts only"
    assert {"abliterated", "random"} <= set(read_table("results/tables/assessment.csv")["variant"])


def test_figure_scripts_draw_every_figure_and_summary(jobs):
    drawn = [path for job in jobs for path in job.output if path.endswith((".png", ".pdf"))]
    assert len(drawn) >= 14 and all(Path(path).stat().st_size > 1000 for path in drawn)
    names = {path.name for path in Path("results/figures/directions").glob("*.png")}
    assert {"projections_raw_abliterated.png", "separation_abliterated.png"} <= names
    text = Path("results/summary.txt").read_text(encoding="utf-8")
    assert "Raw data" in text and "results/figures/" in text


def test_report_script_writes_the_page(jobs):
    page = Path("results/report.html").read_text(encoding="utf-8")
    assert "Raw data" in page and "refusal_heatmap_harmful" in page


def test_annotation_script_writes_the_page(jobs):
    # one prompt of each label
    assert len(read_table("results/annotation/key.parquet")) >= 6


def test_plan_script_reports_that_no_requests_are_sent(jobs, capfd):
    jobs.find("plan").run()
    assert "No judge of this grid sends requests." in capfd.readouterr().err


def test_counts_table_scripts_analyze_an_external_table(jobs):
    here = "results/counts_tables/theirs"
    assert {"conclusions.png", "rank_stability.png"} <= {path.name for path in Path(f"{here}/figures").iterdir()}
    assert [len(read_table(f"{here}/{name}.csv")) for name in ("rates", "conclusions", "ranking")] == [16, 4, 6]
    text = Path(f"{here}/judge_correlation.csv").read_text(encoding="utf-8")
    assert text.splitlines()[0].endswith("one,two")


def test_replicate_scripts_write_margins_and_matched_tables(jobs):
    margins = read_table("results/margins/raw.csv")
    assert margins["label"].tolist() == ["harmful", "harmless"] and (margins["prompts"] == 4).all()
    matched = read_table("results/tables/matched.csv")
    assert set(matched["family"]) <= {"all"} and "family" in matched.columns
    assert set(matched["reason"]) <= {"too few replicates"}


def place(script: str, output: str, settings: dict[str, Any]) -> None:
    """Run a script that puts a model in its place."""
    params = Named(settings={"trust_remote_code": False, "dequantize": False, **settings}, chat={})
    resources = {"trial": "{}"}
    Job(script, {}, f"{script}.py", [], [output], params, resources, [f"logs/{script}.log"]).run()


def test_local_model_script_writes_a_pointer(jobs):
    place("point_to_local_model", "results/models/mine", {"source": "local", "path": "results/models/raw"})
    assert checkpoint_path("results/models/mine").samefile("results/models/raw")
    assert [path.name for path in Path("results/models/mine").iterdir()] == ["model.json"]


def test_hub_model_script_writes_a_pointer(jobs, monkeypatch):
    from steadfast.models import hub

    asked = []

    def fetch(repo: str, revision: str, *, trust_remote_code: bool) -> ModelPointer:
        asked.append((repo, revision, trust_remote_code))
        return ModelPointer("hub", str(Path("results/models/raw").resolve()), revision="c" * 40)

    monkeypatch.setattr(hub, "fetch", fetch)
    place("fetch_hub_model", "results/models/theirs", {"source": "hub", "repo": "a/b", "revision": "main"})
    assert asked == [("a/b", "main", False)]
    assert read_pointer("results/models/theirs").revision == "c" * 40


def test_failed_script_leaves_no_output(jobs):
    with pytest.raises(SystemExit) as stopped:
        place("point_to_local_model", "results/models/none", {"source": "local", "path": "."})
    assert stopped.value.code == 1
    assert not Path("results/models/none").exists()
