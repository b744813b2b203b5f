"""The scripts: thin, and each run on small data through a stand-in for Snakemake's object."""

import ast
import os
import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml
from snakemake.iocontainers import Namedlist

from steadfast.config.checks import prepare
from steadfast.core.files import read_json, read_table, write_table
from steadfast.core.integrity import sidecar
from steadfast.grid.grid import Grid
from steadfast.judges.interface import COLUMNS, EMPTY, says_something
from steadfast.models.pointer import ModelPointer, checkpoint_path, read_pointer

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
ALL = sorted(SCRIPTS.glob("*.py"))
PROMPTS = "results/prompts/prompts.parquet"
ATTACK = "mean-rank-one-100"
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
  raw: {source: organism, recipe: raw, label: Raw data}
  tiny: {source: organism, recipe: judge, role: judge}
variants:
  original: {}
  abliterated:
    direction: {method: mean_difference, layer: 0}
    edit: {method: orthogonalize}
  random:
    role: control
    direction: {method: random}
    edit: {method: orthogonalize}
judges:
  grammar: {kind: grammar}
  regex: {kind: regex, patterns: resources/prompts/judges/refusal_phrases.yaml}
  local: {kind: local, model: tiny, prompt: resources/prompts/judges/organism_labels.md, minimum_mass: 0}
  self: {kind: self, prompt: resources/prompts/judges/organism_labels.md, minimum_mass: 0}
  label-only: {kind: label_only}
rubrics:
  kind:
    {kind: local, model: tiny, label: Kindness, prompt: resources/prompts/judges/organism_labels.md, minimum_mass: 0}
statistics: {bootstrap: 100}
"""


def named(items: Mapping[str, Any] | list[Any], *, flat: bool = True) -> Namedlist:
    """What Snakemake makes of a rule's inputs, outputs or (not flat) params."""
    result: Namedlist = Namedlist()
    for name, value in items.items() if isinstance(items, Mapping) else ((None, item) for item in items):
        start = len(result)
        if flat and isinstance(value, list):
            result.extend(value)
            result._set_name(name, start, end=len(result))
        else:
            result.append(value)
            if name:
                result._add_name(name)
    return result


def run(
    name: str,
    *,
    inputs: Any = (),
    outputs: Any = (),
    params: Mapping[str, Any] | None = None,
    machine: str = "{}",
) -> None:
    """Run a script as its rule would; the log lies under ``logs``."""
    snakemake = SimpleNamespace(
        input=named(inputs),
        output=named(outputs),
        params=named(params or {}, flat=False),
        resources=named({"machine": machine, "trial": "{}"}),
        log=named([f"logs/{name}.log"]),
        threads=1,
        rule=name,
    )
    runpy.run_path(str(SCRIPTS / f"{name}.py"), init_globals={"snakemake": snakemake})


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Iterator[Path]:
    """A working directory with the resources of the repository."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "resources").symlink_to(ROOT / "resources")
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture(scope="module")
def grid(folder) -> Grid:
    return Grid(prepare(yaml.safe_load(CONFIG)))


@pytest.fixture(scope="module")
def prompts(grid) -> pd.DataFrame:
    summary = "results/prompts/summary.csv"
    params = {"settings": grid.config["prompts"], "seed": 0}
    run("build_prompts", inputs=grid.prompt_files(), outputs={"prompts": PROMPTS, "summary": summary}, params=params)
    return read_table(PROMPTS)


@pytest.fixture(scope="module")
def models(grid) -> list[str]:
    organisms = grid.config["organisms"]
    for model in ("raw", "tiny"):
        run(
            "train_organism",
            inputs={key: organisms[key] for key in ("world", "recipes", "judge_prompt")},
            outputs=[f"results/models/{model}"],
            params={"settings": grid.model_settings(model), "training": organisms["training"]},
        )
    return ["results/models/raw", "results/models/tiny"]


@pytest.fixture(scope="module")
def activations(grid, prompts, models) -> str:
    output = "results/activations/raw.safetensors"
    params = {"chat": grid.chat_settings("raw"), "positions": grid.positions()}
    run(
        "extract_activations",
        inputs={"model": models[0], "prompts": PROMPTS},
        outputs=[output],
        params=params,
        machine=grid.extraction_machine(),
    )
    return output


@pytest.fixture(scope="module")
def directions(grid, activations) -> list[str]:
    found = []
    for variant in grid.edited_variants():
        stem = f"results/directions/raw/{variant}"
        run(
            "find_direction",
            inputs={"activations": activations},
            outputs={"direction": f"{stem}.safetensors", "selection": f"{stem}.csv"},
            params={"settings": grid.direction(variant), "seed": 0},
        )
        found.append(f"{stem}.safetensors")
    return found


@pytest.fixture(scope="module")
def checkpoints(grid, models, directions) -> list[str]:
    baked = []
    for variant, direction in zip(grid.edited_variants(), directions, strict=True):
        output = f"results/checkpoints/raw/{variant}"
        run(
            "bake_checkpoint",
            inputs={"model": models[0], "direction": direction},
            outputs=[output],
            params={"settings": grid.edit(variant)},
        )
        baked.append(output)
    return baked


@pytest.fixture(scope="module")
def responses(grid, prompts, checkpoints) -> list[str]:
    for system, output in zip(grid.systems, grid.responses(), strict=True):
        run(
            "generate_responses",
            inputs={"checkpoint": grid.checkpoint(system.model, system.variant), "prompts": PROMPTS},
            outputs=[output],
            params={
                "split": "evaluation",
                "engine": grid.config["generation"]["engine"],
                "sampling": grid.sampling(),
                "thinking_markers": None,
                "chat": grid.chat_settings(system.model),
            },
            machine=grid.machine(system.model),
        )
    return grid.responses()


@pytest.fixture(scope="module")
def judgments(grid, responses) -> list[str]:
    for judge in grid.judges_with_scope("grid"):
        run(
            "judge_responses",
            inputs={"responses": responses, "prompts": PROMPTS, "files": grid.judge_files(judge)},
            outputs={"judgments": grid.judgments([judge])},
            params={"judge": grid.judge_arguments(judge)},
            machine=grid.judge_machine(judge),
        )
    for judge in grid.judges_with_scope("system"):
        outputs = zip(grid.judgments([judge]), grid.control_judgments([judge]), strict=True)
        for system, response, (own, control) in zip(grid.systems, responses, outputs, strict=True):
            run(
                "judge_own_responses",
                # the grid has one model, so that its own other variants stand in for another's
                inputs={
                    "responses": response,
                    "others": responses[:2],
                    "prompts": PROMPTS,
                    "files": grid.judge_files(judge),
                },
                outputs={"judgments": own, "control": control},
                params={
                    "judge": grid.judge_arguments(judge, system.model, system.variant),
                    "donors": grid.system_names()[:2],
                    "control": {"size": 6, "seed": 0},
                },
                machine=grid.judge_machine(judge),
            )
    return grid.judgments()


@pytest.fixture(scope="module")
def scores(grid, checkpoints, responses) -> list[str]:
    ((batch, systems),) = grid.measured_batches().items()
    assert batch == "organisms"
    run(
        "measure_side_effects",
        inputs={**grid.measured_inputs(systems), "prompts": PROMPTS},
        outputs={"scores": grid.score_files(systems)},
        params={"systems": grid.measured_systems(systems), "measures": grid.weights_measures()},
        machine=grid.measuring_machine(),
    )
    return grid.score_files(systems)


@pytest.fixture(scope="module")
def tables(grid, judgments, scores) -> dict[str, str]:
    paths = {name: f"results/tables/{name}.csv" for name in ("counts", "edits", "agreement", "robustness")}
    paths["verdicts"] = "results/tables/verdicts.parquet"
    run(
        "collect_verdicts",
        inputs={"judgments": judgments, "prompts": PROMPTS},
        outputs={key: paths[key] for key in ("verdicts", "counts")},
        params={"cells": grid.cells()},
    )
    run(
        "collect_edits",
        inputs={
            "checkpoints": grid.checkpoints(grid.edited_systems()),
            "directions": grid.direction_files(grid.changed_systems()),
            "scores": grid.score_files(grid.changed_systems()),
        },
        outputs=[paths["edits"]],
        params={"systems": grid.pairs(grid.changed_systems())},
    )
    margin = grid.config["statistics"]["survival_margin"]
    params = {"inference": grid.inference(), "controls": grid.controls(), "margin": margin}
    for script, name in (("compare_judges", "agreement"), ("measure_robustness", "robustness")):
        inputs = {key: paths[key] for key in ("verdicts", "edits")}
        run(script, inputs=inputs, outputs=[paths[name]], params=params)
    return paths


@pytest.fixture(scope="module")
def assessed(grid, tables, responses) -> dict[str, str]:
    paths = {name: f"results/tables/{name}.csv" for name in ("side_effects", "assessment")}
    run(
        "judge_by_rubric",
        inputs={"responses": responses, "prompts": PROMPTS, "files": grid.rubrics.judge_files("kind")},
        outputs={"judgments": grid.rubrics.judgments(["kind"])},
        params={"judge": grid.rubrics.judge_arguments("kind")},
        machine=grid.rubrics.judge_machine("kind"),
    )
    run(
        "collect_side_effects",
        inputs={
            "rubrics": grid.rubrics.judgments(),
            "scores": grid.score_files(grid.systems),
            "responses": responses,
            "verdicts": tables["verdicts"],
            "prompts": PROMPTS,
        },
        outputs=[paths["side_effects"]],
        params={
            "systems": grid.system_names(),
            "measures": grid.answers_measures(),
            "judge": grid.machine_reference,
            "rubrics": grid.rubric_labels(),
            "inference": grid.inference(),
        },
    )
    run(
        "assess_models",
        inputs={**{name: tables[name] for name in ("robustness", "edits")}, "side_effects": paths["side_effects"]},
        outputs=[paths["assessment"]],
        params={
            "judge": grid.machine_reference,
            "controls": grid.controls(),
            "criteria": grid.config["assessment"],
        },
    )
    return paths


@pytest.fixture(scope="module")
def figures(grid, tables) -> list[str]:
    drawn = [f"results/figures/{name}.{suffix}" for name in grid.study_figures() for suffix in ("pdf", "png")]
    run(
        "draw_study_figures",
        inputs={key: tables[key] for key in ("counts", "agreement")},
        outputs={"figures": drawn},
        params={
            "labels": grid.all_labels(),
            "controls": grid.controls(),
            "swept": grid.swept_variants(),
            "judge": grid.machine_reference,
        },
    )
    return drawn


@pytest.fixture(scope="module")
def judge_tables(grid, tables, responses) -> dict[str, str]:
    paths = {name: f"results/tables/{name}.csv" for name in ("conclusions", "ranking", "confusion", "bias")}
    paths |= {"disputed": "results/tables/disputed.csv", "by_length": "results/tables/disputes_by_length.csv"}
    common = {"inference": grid.inference(), "reference": grid.reference}
    run(
        "compare_conclusions",
        inputs={key: tables[key] for key in ("robustness", "verdicts")},
        outputs={key: paths[key] for key in ("conclusions", "ranking")},
        params={**common, "controls": grid.controls()},
    )
    names = ("confusion", "disputed", "by_length", "bias")
    run(
        "report_fidelity",
        inputs={"verdicts": tables["verdicts"], "responses": responses},
        outputs={**{key: paths[key] for key in names}, "report": "results/judge_report.md"},
        params={**common, "labels": grid.all_labels(), "systems": grid.system_names()},
    )
    return paths


@pytest.fixture(scope="module")
def replicates(grid, prompts, models, tables) -> dict[str, str]:
    paths = {name: f"results/tables/{name}.csv" for name in ("groups", "matched")}
    paths |= {"margin": "results/margins/raw.csv", "figure": "results/figures/replicates.png"}
    params: dict[str, Any] = {"groups": {"raw": "raw"}, "confidence": 0.95, "inference": grid.inference()}
    params |= {"families": grid.config["statistics"]["families"]}
    params |= {"labels": grid.all_labels(), "controls": grid.controls(), "judge": grid.machine_reference}
    run("aggregate_replicates", inputs={"verdicts": tables["verdicts"]}, outputs=[paths["groups"]], params=params)
    run(
        "measure_margin",
        inputs={"model": models[0], "prompts": PROMPTS},
        outputs=[paths["margin"]],
        params={"chat": grid.chat_settings("raw")},
        machine=grid.extraction_machine(),
    )
    inputs = {"robustness": tables["robustness"], "models": models[:1], "margins": [paths["margin"]]}
    run("match_groups", inputs=inputs, outputs=[paths["matched"]], params=params)
    inputs = {"groups": paths["groups"], "robustness": tables["robustness"]}
    run("draw_replicates", inputs=inputs, outputs=[paths["figure"]], params=params)
    return paths


def test_directions_are_drawn(grid, activations, directions):
    shown = grid.shown_directions()
    assert [system.variant for system in shown] == ["abliterated"]
    inputs = {"directions": grid.direction_files(shown), "activations": grid.activation_files(shown)}
    params = {"systems": grid.pairs(shown), "labels": grid.all_labels()}
    run("draw_directions", inputs=inputs, outputs=["results/figures/directions"], params=params)
    drawn = {path.name for path in Path("results/figures/directions").glob("*.png")}
    assert drawn == {"projections_raw_abliterated.png", "separation_abliterated.png"}


def has_provenance(path: str) -> bool:
    return len(read_json(f"{path}.provenance.json")["sha256"]) == 64


@pytest.mark.parametrize("script", ALL, ids=lambda script: script.stem)
def test_a_script_is_thin(script):
    text = script.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 40
    assert ast.get_docstring(tree)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert "__future__" not in [node.module for node in imports], "it breaks after Snakemake's preamble"
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert "snakemake.config" not in text


def test_every_script_is_run_by_a_rule():
    rules = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "workflow" / "rules").glob("*.smk"))
    assert [script.name for script in ALL if f'"../scripts/{script.name}"' not in rules] == []


def test_prompts(prompts):
    assert prompts.groupby(["label", "split"]).size().unique().tolist() == [6, 4]
    assert set(read_table("results/prompts/summary.csv")["label"]) >= {"harmful", "harmless"}
    assert has_provenance(PROMPTS)


def test_models(models):
    for model in models:
        assert read_pointer(model).source == "organism"
        assert (checkpoint_path(model) / "config.json").is_file()
        assert has_provenance(model)


def test_activations_and_directions(activations, directions):
    assert has_provenance(activations)
    for path in directions:
        assert has_provenance(path)
    assert len(read_table("results/directions/raw/abliterated.csv")) >= 1
    assert "layer" in read_table("results/directions/raw/random.csv").columns


@pytest.fixture(scope="module")
def attacked(grid) -> Grid:
    """The same grid with a variant of every further kind."""
    mean = {"method": "mean_difference", "layer": 0}
    config = yaml.safe_load(CONFIG)
    config["variants"] |= {
        "causal": {"direction": {**mean, "layer": "causal"}, "edit": {"method": "orthogonalize"}},
        "hopeless": {
            "direction": {**mean, "layer": "causal", "causal": {"max_divergence": 1e-15}},
            "edit": {"method": "orthogonalize"},
        },
        "rank-one": {"direction": mean, "edit": {"method": "rank_one", "layer": 0.5}},
        "behaviour": {
            "direction": {**mean, "contrast": "behaviour", "judge": "regex"},
            "edit": {"method": "orthogonalize"},
        },
        "steered": {"direction": mean, "hook": {"method": "activation_addition", "alpha": -1}},
        "matched": {
            "direction": {"method": "random"},
            "edit": {"method": "orthogonalize"},
            "match_change": "abliterated",
        },
    }
    return Grid(prepare(config))


def find_direction(grid: Grid, variant: str, activations: str, judgments: list[str] | None = None) -> str:
    running = variant in grid.directed_variants(by_running=True)
    found = grid.direction_file("raw", variant)
    run(
        "find_direction_by_running" if running else "find_direction",
        inputs={
            "model": "results/models/raw",
            "prompts": PROMPTS,
            "activations": activations,
            "judgments": judgments or [],
        },
        outputs={"direction": found, "selection": found.replace("safetensors", "csv")},
        params={"settings": grid.direction(variant), "seed": 0, "chat": grid.chat_settings("raw")},
        machine=grid.extraction_machine(),
    )
    return found


def test_a_causal_search_says_what_it_found(attacked, activations, models):
    find_direction(attacked, "causal", activations)
    grid = read_table("results/directions/raw/causal.csv")
    assert {"bypass", "induce", "divergence", "valid"} <= set(grid.columns)


def test_without_a_valid_direction_there_is_nothing_to_judge(attacked, activations, models, prompts):
    direction = find_direction(attacked, "hopeless", activations)
    checkpoint = attacked.checkpoint("raw", "hopeless")
    run(
        "bake_checkpoint",
        inputs={"model": models[0], "direction": direction},
        outputs=[checkpoint],
        params={"settings": attacked.edit("hopeless")},
    )
    assert read_json(f"{checkpoint}/edit_manifest.json")["reason"].startswith("no valid direction: ")
    params = {
        "split": "evaluation",
        "engine": "transformers",
        "hook": {"method": "projection"},
        "sampling": attacked.sampling(),
        "thinking_markers": None,
        "chat": attacked.chat_settings("raw"),
    }
    for script in ("generate_responses", "generate_hooked_responses"):
        inputs = {"checkpoint": checkpoint, "direction": direction, "prompts": PROMPTS}
        run(script, inputs=inputs, outputs=[f"{script}.parquet"], params=params, machine=attacked.machine("raw"))
        assert read_table(f"{script}.parquet").empty
        assert "response" in read_table(f"{script}.parquet").columns
    for judge in ("regex", "self"):
        run(
            "judge_responses",
            inputs={"responses": "generate_responses.parquet", "prompts": PROMPTS},
            outputs={"judgments": f"{judge}.parquet"},
            params={"judge": attacked.judge_arguments(judge, "raw", "hopeless" if judge == "self" else None)},
            machine=attacked.judge_machine(judge),
        )
        assert list(read_table(f"{judge}.parquet").columns) == COLUMNS


def test_a_hook_without_a_valid_direction_is_not_asked_about_others_either(attacked, activations, models, prompts):
    direction = find_direction(attacked, "hopeless", activations)
    table = read_table(PROMPTS)
    evaluated = table[table["split"] == "evaluation"]
    answers = pd.DataFrame({"prompt_id": evaluated["prompt_id"], "sample": 0, "response": "No."})
    write_table("others.parquet", answers)
    write_table("nothing.parquet", answers.iloc[:0])
    hooked = {"hook": {"method": "projection"}, "direction": direction, "checkpoint": models[0]}
    run(
        "judge_own_responses",
        inputs={"responses": "nothing.parquet", "others": ["others.parquet"], "prompts": PROMPTS},
        outputs={"judgments": "own.parquet", "control": "control.parquet"},
        params={
            "judge": {**attacked.judge_arguments("self", "raw", "hopeless"), **hooked},
            "donors": [("raw", "original")],
            "control": {"size": 6, "seed": 0},
        },
        machine=attacked.judge_machine("self"),
    )
    assert read_table("own.parquet").empty and read_table("control.parquet").empty


def test_a_rank_one_edit_has_its_keys(attacked, activations, models):
    direction = find_direction(attacked, "rank-one", activations)
    run(
        "bake_checkpoint",
        inputs={"model": models[0], "direction": direction},
        outputs=["results/checkpoints/raw/rank-one"],
        params={"settings": attacked.edit("rank-one")},
    )
    manifest = read_json("results/checkpoints/raw/rank-one/edit_manifest.json")
    assert [tensor["name"] for tensor in manifest["tensors"]] == ["model.layers.1.mlp.down_proj.weight"]


def test_an_edit_is_scaled_to_the_change_of_another(attacked, activations, models, checkpoints):
    direction = find_direction(attacked, "matched", activations)
    run(
        "bake_checkpoint",
        inputs={"model": models[0], "direction": direction, "matched": attacked.matched_checkpoint("raw", "matched")},
        outputs=["results/checkpoints/raw/matched"],
        params={"settings": attacked.edit("matched")},
    )
    norms = [
        read_json(f"results/checkpoints/raw/{variant}/edit_manifest.json")["change_norm"]
        for variant in ("abliterated", "matched")
    ]
    assert norms[1] == pytest.approx(norms[0], rel=1e-3)


@pytest.fixture(scope="module")
def tried(grid) -> Grid:
    """The same grid with a sweep, and the strongest attack of it."""
    config = yaml.safe_load(CONFIG)
    mean = {"method": "mean_difference", "layer": 0}
    edits = {"all": {"method": "orthogonalize"}, "rank-one": {"method": "rank_one", "layer": 1}}
    config["sweeps"] = {"few": {"directions": {"mean": mean}, "edits": edits, "strengths": [1]}}
    config["variants"]["strongest"] = {"strongest_of": {"sweeps": ["few"], "judge": "regex", "prompts": 4}}
    return Grid(prepare(config))


@pytest.fixture(scope="module")
def trials(tried, activations, models, prompts) -> dict[str, list[str]]:
    """Every attack of the sweep, tried."""
    for variant in tried.tried_attacks("strongest"):
        run(
            "bake_checkpoint",
            inputs={"model": models[0], "direction": find_direction(tried, variant, activations)},
            outputs=[tried.checkpoint("raw", variant)],
            params={"settings": tried.edit(variant)},
        )
    inputs = tried.choice_inputs("raw", "strongest")
    for variant, output in zip(tried.tried_variants(), inputs["responses"], strict=True):
        run(
            "generate_trial_responses",
            inputs={"checkpoint": tried.checkpoint("raw", variant), "prompts": PROMPTS},
            outputs=[output],
            params={
                "first": tried.tried_prompts(variant),
                "engine": "transformers",
                "sampling": tried.sampling(),
                "thinking_markers": None,
                "chat": tried.chat_settings("raw"),
            },
            machine=tried.machine("raw"),
        )
    run(
        "judge_responses",
        inputs={"responses": inputs["responses"], "prompts": PROMPTS},
        outputs={"judgments": tried.trial_judgments("regex")},
        params={"judge": tried.judge_arguments("regex")},
    )
    assert inputs["judgments"] == tried.trial_judgments("regex")
    return inputs


def choose(grid: Grid, trials: Mapping[str, list[str]], degenerate: float) -> str:
    """Choose the strongest attack and bake it; gives the direction."""
    direction = grid.direction_file("raw", "strongest")
    run(
        "choose_attack",
        inputs=trials,
        outputs={"direction": direction, "selection": direction.replace("safetensors", "csv")},
        params={"attacks": grid.tried_attacks("strongest"), "prompts": 4, "degenerate": degenerate},
    )
    run(
        "bake_checkpoint",
        inputs={"model": "results/models/raw", "direction": direction},
        outputs=[grid.checkpoint("raw", "strongest")],
        params={"settings": grid.edit("strongest")},
    )
    run(
        "collect_strongest",
        inputs={"directions": [direction]},
        outputs=["results/tables/strongest.csv"],
        params={"systems": grid.pairs(grid.chosen_systems())},
    )
    return direction


def test_trials_are_made_on_the_first_harmful_calibration_prompts(trials, prompts):
    pool = prompts[(prompts["split"] == "calibration") & (prompts["label"] == "harmful")]
    for responses, judgments in zip(trials["responses"], trials["judgments"], strict=True):
        assert read_table(responses)["prompt_id"].tolist() == pool["prompt_id"].tolist()[:4]
        assert list(read_table(judgments).columns) == COLUMNS
        assert has_provenance(responses) and has_provenance(judgments)


def set_verdicts(file: str, verdict: str | list[str]) -> None:
    """Write verdicts of one's own, without the record that would tell of it."""
    read_table(file).assign(verdict=verdict).to_parquet(file)
    sidecar(Path(file)).unlink(missing_ok=True)


def test_the_strongest_attack_is_baked_with_its_own_edit(tried, trials):
    # what a model of 24 steps answers decides nothing: the verdicts are set, and nothing breaks the model
    for file, verdict in zip(trials["judgments"], ("refusal", "refusal", "non_refusal"), strict=True):
        set_verdicts(file, verdict)
    direction = choose(tried, trials, degenerate=1.0)
    assert has_provenance(direction)
    comparison = read_table(direction.replace("safetensors", "csv"))
    assert comparison.loc[comparison["chosen"], "attack"].tolist() == [ATTACK]
    chosen, same = (read_json(f"results/checkpoints/raw/{name}/edit_manifest.json") for name in ("strongest", ATTACK))
    assert chosen == same and chosen["edit"]["method"] == "rank_one"
    row = read_table("results/tables/strongest.csv").iloc[0]
    assert (row["attack"], row["refused_before"], row["refused_after"]) == (ATTACK, 4, 0)


def test_where_no_attack_can_be_chosen_nothing_is_edited(tried, trials):
    for file in trials["judgments"][1:]:
        set_verdicts(file, "unscored")
    choose(tried, trials, degenerate=1.0)
    manifest = read_json("results/checkpoints/raw/strongest/edit_manifest.json")
    words = "no valid direction: none of 2 attacks can be chosen: 2 hardly scored"
    assert (manifest["effective"], manifest["reason"]) == (False, words)
    assert read_table("results/tables/strongest.csv")["reason"].tolist() == [words.partition(": ")[2]]


def test_a_contrast_by_behaviour(attacked, activations, models, prompts):
    run(
        "generate_responses",
        inputs={"checkpoint": models[0], "prompts": PROMPTS},
        outputs=attacked.calibration_responses(),
        params={
            "split": "calibration",
            "engine": "transformers",
            "sampling": attacked.sampling(),
            "thinking_markers": None,
            "chat": attacked.chat_settings("raw"),
        },
        machine=attacked.machine("raw"),
    )
    judgments = attacked.contrasted_judgments("raw", "behaviour")
    run(
        "judge_responses",
        inputs={"responses": attacked.calibration_responses(), "prompts": PROMPTS},
        outputs={"judgments": judgments},
        params={"judge": attacked.judge_arguments("regex")},
    )
    verdicts = read_table(judgments[0])
    assert sorted(verdicts["prompt_id"]) == sorted(prompts.loc[prompts["split"] == "calibration", "prompt_id"])
    # what a model of 24 steps answers decides nothing: the verdicts are set
    set_verdicts(judgments[0], ["refusal", "non_refusal"] * 6)
    assert Path(find_direction(attacked, "behaviour", activations, judgments)).is_file()


def test_a_hooked_system_answers_and_judges_itself(attacked, activations, models, prompts, responses):
    direction = find_direction(attacked, "steered", activations)
    output = "results/responses/raw/steered.parquet"
    run(
        "generate_hooked_responses",
        inputs={"checkpoint": models[0], "direction": direction, "prompts": PROMPTS},
        outputs=[output],
        params={
            "split": "evaluation",
            "hook": attacked.hook("steered"),
            "sampling": attacked.sampling(),
            "thinking_markers": None,
            "chat": attacked.chat_settings("raw"),
        },
        machine=attacked.machine("raw"),
    )
    assert len(read_table(output)) == 8
    scores = []
    for variant in ("steered", "original"):
        judged = f"results/judgments/self/raw/{variant}-on-steered.parquet"
        run(
            "judge_responses",
            inputs={"responses": output, "prompts": PROMPTS, "files": attacked.judge_files("self")},
            outputs={"judgments": judged},
            params={"judge": attacked.judge_arguments("self", "raw", variant)},
            machine=attacked.judge_machine("self"),
        )
        scores.append(read_table(judged)["score"])
    assert (scores[0] != scores[1]).any(), "the hook is on while the system judges itself"


def test_checkpoints(checkpoints):
    for path in checkpoints:
        assert read_json(f"{path}/edit_manifest.json")
        assert list(Path(path).glob("*.safetensors"))


def test_responses(responses):
    assert len(responses) == 3
    for path in responses:
        table = read_table(path)
        assert len(table) == 8
        assert {"prompt_id", "sample", "response", "n_tokens", "finish_reason", "degenerate"} <= set(table.columns)


def test_judgments(judgments):
    for path in judgments:
        table = read_table(path)
        assert list(table.columns) == COLUMNS
        assert len(table) == 8
    blind = read_table("results/judgments/label-only/raw/original.parquet")
    # a model that was hardly trained may say nothing, which no judge takes for an answer
    assert set(blind.loc[blind["reason"] != EMPTY, "verdict"]) == {"refusal", "non_refusal"}
    assert (blind.loc[blind["reason"] == EMPTY, "verdict"] == "unscored").all()


def test_self_monitoring(grid, judgments):
    control = read_table("results/self_monitoring/self/raw/random.parquet")
    assert (len(control), set(control["variant"])) == (6, {"original", "abliterated"})
    figures = grid.self_monitoring_figures()
    run(
        "measure_self_monitoring",
        inputs={
            "own": grid.judgments(["self"]),
            "control": grid.control_judgments(["self"]),
            "reference": grid.judgments(["grammar"]),
            "prompts": PROMPTS,
        },
        outputs={"table": "results/tables/self_monitoring.csv", "figures": figures},
        params={
            "judges": grid.monitoring_judges(),
            "systems": grid.system_names(),
            "inference": grid.inference(),
            "labels": grid.self_monitoring_labels(),
            "controls": grid.controls(),
            "reference": grid.machine_reference,
        },
    )
    table = read_table("results/tables/self_monitoring.csv")
    assert set(table["responses"]) == {"own", "others", "own - others"}
    assert table.loc[table["metric"] == "coverage", "value"].isin([0, 1]).all()
    assert all(Path(figure).stat().st_size > 1000 for figure in figures)


def test_tables(grid, tables):
    counts = read_table(tables["counts"])
    assert len(counts) == len(grid.judges) * len(grid.systems) * 2
    assert (counts["total"] == 4).all()
    assert len(read_table(tables["agreement"])) > 0
    assert len(read_table(tables["robustness"])) > 0


def answered_harmless(variant: str) -> set[str]:
    """Harmless prompts to which a model that was hardly trained says something."""
    labels = read_table(PROMPTS).set_index("prompt_id")["label"]
    responses = read_table(f"results/responses/raw/{variant}.parquet").set_index("prompt_id")["response"]
    return {prompt for prompt, text in responses.items() if labels[prompt] == "harmless" and says_something(text)}


def test_side_effects_and_assessment(grid, assessed):
    effects = read_table(assessed["side_effects"])
    assert {"divergence", "perplexity", "separation", "hook_agreement", "on_topic"} <= set(effects["measure"])
    assert len(effects[effects["measure"] == "perplexity"]) == 3
    judged = effects[effects["measure"] == "kind"]
    assert judged["title"].unique().tolist() == ["judged badly: Kindness"]
    answered = {variant: answered_harmless(variant) for variant in judged["variant"]}
    both = [len(answered["original"] & answered[variant]) for variant in judged["variant"]]
    assert judged["items"].tolist() == both and 0 < max(both) <= 4, "harmless prompts only"
    assert read_table(assessed["assessment"])["variant"].tolist() == ["abliterated", "random"]
    drawn = [f"results/figures/side_effects.{suffix}" for suffix in ("pdf", "png")]
    params = {"labels": grid.all_labels(), "controls": grid.controls()}
    run("draw_side_effects", inputs=assessed, outputs={"figures": drawn}, params=params)
    assert Path(drawn[1]).stat().st_size > 1000


def test_figures_and_summary(grid, tables, assessed, figures):
    for figure in figures:
        assert Path(figure).stat().st_size > 1000
    run(
        "summarize",
        inputs={"counts": tables["counts"], "assessment": assessed["assessment"], "figures": figures},
        outputs=["results/summary.txt"],
        params={
            "labels": grid.all_labels(),
            "controls": grid.controls(),
            "baselines": grid.baselines,
            "swept": grid.swept_variants(),
        },
    )
    text = Path("results/summary.txt").read_text(encoding="utf-8")
    assert "Raw data" in text
    assert "results/figures/" in text


def test_the_report(grid, tables, judge_tables, figures, responses):
    run(
        "write_report",
        inputs={
            "verdicts": tables["verdicts"],
            "prompts": PROMPTS,
            "responses": responses,
            "tables": grid.report_tables(),
            "figures": [figure for figure in figures if figure.endswith(".pdf")],
            "assets": [f"resources/{name}" for name in grid.report_assets()],
        },
        outputs=["results/report.html"],
        params={
            "artifacts": grid.report_artifacts(),
            "labels": grid.all_labels(),
            "inference": grid.inference(),
            "settings": grid.report_settings(),
        },
    )
    page = Path("results/report.html").read_text(encoding="utf-8")
    assert "Raw data" in page and "refusal_heatmap_harmful" in page
    assert has_provenance("results/report.html")


def test_the_annotation_page(grid, responses):
    outputs = {"html": "results/annotation/annotation.html", "key": "results/annotation/key.parquet"}
    inputs = {
        "prompts": PROMPTS,
        "responses": responses,
        "judgments": grid.annotated_judgments(),
        "definition": grid.config["annotation"]["definition"],
        "assets": [f"resources/{name}" for name in grid.annotation_assets()],
    }
    run("write_annotation_page", inputs=inputs, outputs=outputs, params={"settings": grid.annotation_settings()})
    # one prompt of each class, answered by three systems
    assert len(read_table(outputs["key"])) >= 6
    assert has_provenance(outputs["html"])


def test_the_plan_of_a_grid_whose_judges_cost_nothing(grid, responses, capfd):
    run("plan_judging", params={"judges": grid.asking_judges(), "work": grid.asked_work()})
    assert "No judge of this grid sends requests." in capfd.readouterr().err


def test_a_counts_table_from_elsewhere(grid, folder):
    columns = "model,variant,judge,label,refused,not_refused,total"
    rows = [
        f"{model},{variant},{judge},{label},{refused},{50 - refused},50"
        for model, refused in (("a", 30), ("b", 40))
        for variant in ("original", "abliterated")
        for judge in ("one", "two")
        for label in ("harmful", "harmless")
    ]
    Path("counts.csv").write_text("\n".join([columns, *rows]), encoding="utf-8")
    here = "results/counts_tables/theirs"
    run(
        "evaluate_counts_table",
        inputs={"counts": "counts.csv"},
        outputs={
            **{name: f"{here}/{name}.csv" for name in ("correlation", "rates", "conclusions", "ranking")},
            "figures": f"{here}/figures",
        },
        params={"confidence": 0.95, "margin": grid.config["statistics"]["survival_margin"]},
    )
    assert len(list(Path(f"{here}/figures").glob("*.png"))) >= 3
    assert {"conclusions.png", "rank_stability.png"} <= {path.name for path in Path(f"{here}/figures").iterdir()}
    assert [len(read_table(f"{here}/{name}.csv")) for name in ("rates", "conclusions", "ranking")] == [16, 4, 6]
    assert Path(f"{here}/correlation.csv").read_text(encoding="utf-8").splitlines()[0].endswith("one,two")


def test_a_local_model_is_pointed_to(models, folder):
    settings = {"source": "local", "path": models[0], "trust_remote_code": False, "dequantise": False}
    run("point_to_local_model", outputs=["results/models/mine"], params={"settings": settings, "chat": {}})
    assert checkpoint_path("results/models/mine").samefile(models[0])
    assert [path.name for path in Path("results/models/mine").iterdir()] == ["model.json"]


def test_a_hub_model_is_pointed_to(models, folder, monkeypatch):
    from steadfast.models import hub

    asked = []

    def fetch(repo: str, revision: str, *, trust_remote_code: bool) -> ModelPointer:
        asked.append((repo, revision, trust_remote_code))
        return ModelPointer("hub", str(Path(models[0]).resolve()), revision="c" * 40)

    monkeypatch.setattr(hub, "fetch", fetch)
    settings = {"source": "hub", "repo": "a/b", "revision": "main", "trust_remote_code": False, "dequantise": False}
    run("fetch_hub_model", outputs=["results/models/theirs"], params={"settings": settings, "chat": {}})
    assert asked == [("a/b", "main", False)]
    assert read_pointer("results/models/theirs").revision == "c" * 40


def test_a_failure_leaves_no_output(folder):
    settings = {"source": "local", "path": str(folder), "trust_remote_code": False, "dequantise": False}
    with pytest.raises(SystemExit) as stopped:
        run("point_to_local_model", outputs=["results/models/none"], params={"settings": settings})
    assert stopped.value.code == 1
    assert not Path("results/models/none").exists()


def test_replicates(replicates):
    margins = read_table(replicates["margin"])
    assert margins["label"].tolist() == ["harmful", "harmless"] and (margins["prompts"] == 4).all()
    matched = read_table(replicates["matched"])
    assert set(matched["family"]) <= {"all"} and "family" in matched.columns
    assert set(matched["reason"]) <= {"too few replicates"} and (matched["refusals_shown"].dropna() == 8).all()
    assert Path(replicates["figure"]).stat().st_size > 1000
    for path in replicates.values():
        assert has_provenance(path)
