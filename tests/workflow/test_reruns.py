"""Which jobs run: on a fresh tree, and after each kind of change to a finished one."""

import os
import time
from collections import Counter

import pytest

MODELS = ("raw", "score0")
VARIANTS = ("original", "abliterated", "random")
EDITED = ("abliterated", "random")
GRID_JUDGES = {"judge_with_grammar", "judge_with_regex", "judge_with_local", "judge_with_label_only"}
# what shows labels, and what is computed from all verdicts
DISPLAYS = {"figures", "figure_folder judges", "judge_validity", "summary", "report"}
STATISTICS = {"agreement", "robustness", "conclusions", "side_effects", "assessment", *DISPLAYS}
AGGREGATES = {"verdicts", *STATISTICS}
# what is drawn from directions and activations, and nothing else
DIRECTIONS = {"direction_figures"}
# what is computed from the systems' judgments of themselves and the reference's, and nothing else
MONITORING = {"self_evaluation", "figure_folder self_evaluation"}
# every figure shows labels
SELF_FIGURE = {"figure_folder self_evaluation"}
SCALES = {"attack_scales", "figure_folder scales"}


def each(rule: str, *groups: tuple[str, ...]) -> set[str]:
    """Jobs of a rule for every combination of wildcards."""
    jobs = {rule}
    for group in groups:
        jobs = {f"{job} {value}" for job in jobs for value in group}
    return jobs


def own(judge: str, models: tuple[str, ...] = MODELS) -> set[str]:
    """Jobs of a judge that runs on every model's own checkpoints."""
    return each("judge_own_responses", (judge,), models)


def downstream(models: tuple[str, ...] = MODELS, judged_by: tuple[str, ...] = MODELS) -> set[str]:
    """What runs when models respond again, or in one more variant: all responses of a model are one job.

    Args:
        models: the models.
        judged_by: those that judge some of their responses, be it as a control.
    """
    judged = own("self", judged_by) | GRID_JUDGES | AGGREGATES | MONITORING
    return each("responses", models) | judged | {"measure_organisms", "edits"}


WHOLE_GRID = (
    {"prompts"}
    | each("train_organism", (*MODELS, "tiny"))
    | each("activations", MODELS)
    | each("direction", MODELS, EDITED)
    | DIRECTIONS
    | each("checkpoint", MODELS, EDITED)
    | downstream()
)


def test_fresh_folder_runs_the_whole_grid(fresh):
    assert fresh.jobs() == WHOLE_GRID


def test_unchanged_grid_runs_nothing(finished):
    status, text = finished.run()
    assert status == 0
    assert "Nothing to be done" in text


def test_added_judge_runs_alone_with_the_aggregates(finished):
    finished.put("judges.paper", {"kind": "regex", "patterns": "resources/prompts/judges/paper_phrases.yaml"})
    assert finished.jobs() == {"judge_with_paper"} | AGGREGATES | SELF_FIGURE


def test_added_self_judge_runs_for_every_pair(finished):
    finished.put("judges.own-2", {"kind": "self", "prompt": "resources/prompts/judges/labels.md"})
    assert finished.jobs() == own("own-2") | AGGREGATES | MONITORING


def test_changed_control_size_reruns_the_self_judge(finished):
    finished.put("judges.self.control", 8)
    assert finished.jobs() == own("self") | AGGREGATES | MONITORING


def test_edited_model_added_as_a_judge_needs_its_checkpoint(finished):
    served = {"model": "raw", "variant": "abliterated"}
    finished.put("judges.edited", {"kind": "chat", "serve": served, "prompt": "resources/prompts/judges/refusal.md"})
    # a served model is a whole checkpoint; what reads it runs again, the other model's control responses among it
    again = each("checkpoint", ("raw",), ("abliterated",)) | downstream(("raw",))
    assert finished.jobs() == {"judge_with_edited"} | again
    finished.put("variants.abliterated.edit.scale", 0.5)
    assert {"checkpoint raw abliterated", "judge_with_edited"} <= finished.jobs(
        "results/judgments/edited/score0/original.parquet"
    )


def test_removed_judge_reruns_only_aggregates(finished):
    config = finished.config
    del config["judges"]["regex"]
    finished.config = config
    assert finished.jobs() == AGGREGATES | SELF_FIGURE


def test_edited_judge_entry_reruns_that_judge(finished):
    finished.put("judges.regex.patterns", "resources/prompts/judges/paper_phrases.yaml")
    assert finished.jobs() == {"judge_with_regex"} | AGGREGATES


def test_edited_judge_file_reruns_that_judge(finished):
    time.sleep(1.1)
    with (finished.folder / "resources/prompts/judges/refusal_phrases.yaml").open("a") as handle:
        handle.write("\n")
    assert finished.jobs() == {"judge_with_regex"} | AGGREGATES


@pytest.mark.parametrize(
    ("place", "further"),
    [("judges.regex", set()), ("models.raw", DIRECTIONS), ("variants.random", set())],
)
def test_edited_label_reruns_only_displays(finished, place, further):
    finished.put(f"{place}.label", "Another label")
    assert finished.jobs() == DISPLAYS | SELF_FIGURE | further


def test_added_model_runs_its_own_jobs(finished):
    finished.put("models.combined", {"source": "organism", "recipe": "combined"})
    new = ("combined",)
    assert finished.jobs() == (
        each("train_organism", new)
        | each("activations", new)
        | each("direction", new, EDITED)
        | DIRECTIONS
        | each("checkpoint", new, EDITED)
        | downstream(new, new)
    )


def test_changed_model_seed_reruns_that_model(finished):
    finished.put("models.raw.seed", 1)
    one = ("raw",)
    assert finished.jobs() == (
        each("train_organism", one)
        | each("activations", one)
        | each("direction", one, EDITED)
        | DIRECTIONS
        | each("checkpoint", one, EDITED)
        | downstream(one)
    )


def test_added_variant_runs_its_own_jobs(finished):
    new = {"direction": {"method": "mean_difference", "layer": 2}, "edit": {"method": "orthogonalize"}}
    finished.put("variants.later", new)
    assert finished.jobs() == (
        each("direction", MODELS, ("later",)) | DIRECTIONS | each("checkpoint", MODELS, ("later",)) | downstream()
    )


MEAN = {"method": "mean_difference", "layer": 1}
ORTHOGONALIZE = {"method": "orthogonalize"}


def test_added_intervention_runs_without_a_checkpoint(finished):
    finished.put(
        "variants.steered", {"direction": MEAN, "intervention": {"method": "activation_addition", "alpha": -1}}
    )
    # with `engine: auto` they are apart from the responses that vLLM may give
    responding = each("intervention_responses", MODELS)
    added = each("direction", MODELS, ("steered",)) | responding
    assert finished.jobs() == added | downstream() - each("responses", MODELS)
    finished.put("generation", {"engine": "transformers"})
    assert not responding & finished.jobs()


@pytest.mark.parametrize(
    ("direction", "edit", "drawn"),
    [({**MEAN, "layer": "causal"}, ORTHOGONALIZE, DIRECTIONS), (MEAN, {"method": "rank_one", "layer": 0.5}, set())],
    ids=["causal", "rank_one"],
)
def test_added_causal_direction_runs_the_model(finished, direction, edit, drawn):
    finished.put("variants.later", {"direction": direction, "edit": edit})
    assert finished.jobs() == (
        each("direction_by_running", MODELS, ("later",)) | drawn | each("checkpoint", MODELS, ("later",)) | downstream()
    )


@pytest.mark.parametrize(
    ("judge", "jobs"),
    [
        ("regex", {"judge_calibration_with_regex"}),
        ("self", each("judge_own_calibration_responses", ("self",), MODELS)),
    ],
)
def test_added_contrast_by_behavior_judges_calibration_responses(finished, judge, jobs):
    direction = {**MEAN, "contrast": "behavior", "judge": judge}
    finished.put("variants.later", {"direction": direction, "edit": ORTHOGONALIZE})
    assert finished.jobs() == (
        each("calibration_responses", MODELS)
        | jobs
        | each("direction", MODELS, ("later",))
        | DIRECTIONS
        | each("checkpoint", MODELS, ("later",))
        | downstream()
    )


def test_added_sweep_runs_every_scale(finished):
    mean = {"method": "mean_difference", "layer": 1}
    finished.put(
        "sweeps",
        {"few": {"directions": {"mean": mean}, "edits": {"all": ORTHOGONALIZE}, "scales": [0.5, 1]}},
    )
    assert finished.jobs() == attacked("few") | SCALES | downstream()


SWEEP = {"directions": {"mean": MEAN}, "edits": {"all": ORTHOGONALIZE}, "scales": [0.5]}


def attacked(sweep: str) -> set[str]:
    """The jobs of a sweep: of each model one for all directions and one for all edits."""
    return each(f"directions_of_{sweep}", MODELS) | each(f"checkpoints_of_{sweep}", MODELS)


def tried() -> set[str]:
    """What runs when attacks are tried that the best is chosen from."""
    return each("attack_selection_responses", MODELS) | {"judge_attack_selection_with_grammar"}


def chosen() -> set[str]:
    """What runs when the best attack is chosen again."""
    new = ("best",)
    return {"best_attacks"} | each("best_attack", MODELS, new) | each("checkpoint", MODELS, new) | downstream()


@pytest.mark.slow
def test_added_attack_selection_runs_and_then_settles(finished):
    finished.put("sweeps", {"few": SWEEP})
    finished.put("variants.best", {"best_attack_of": {"sweeps": ["few"]}})
    assert finished.jobs() == attacked("few") | tried() | chosen()
    assert finished.run()[0] == 0
    assert finished.jobs() == set()
    config = finished.config

    finished.put("assessment.degenerate", 0.3)
    assert finished.jobs() == chosen()
    finished.config = config

    finished.put("variants.best.label", "The best")
    assert finished.jobs() == DISPLAYS | SELF_FIGURE
    finished.config = config

    finished.edit(f"{PACKAGE}/analysis/attack_selection.py", "LOST_VERDICTS = 0.2", "LOST_VERDICTS = 0.3")
    assert finished.jobs() == chosen()
    finished.edit(f"{PACKAGE}/analysis/attack_selection.py", "LOST_VERDICTS = 0.3", "LOST_VERDICTS = 0.2")

    finished.put("sweeps.few.scales", [0.5, 1])
    assert finished.jobs() == attacked("few") | SCALES | tried() | chosen()


def test_attacks_grid_has_the_expected_job_counts(fresh):
    count = Counter(job.split()[0] for job in fresh.jobs(config=("config/attacks.yaml",)))
    assert count["attack_selection_responses"] == count["best_attack"] == count["responses"] == 7
    assert (count["judge_attack_selection_with_grammar"], count["best_attacks"]) == (1, 1)
    # a model's directions and edits of a sweep are one job each
    assert (
        count["directions_of_family"] == count["directions_of_family_by_running"] == count["checkpoints_of_family"] == 7
    )
    # `published`, `random-matched` and `best`, of which the last one's direction is that of its attack
    assert (count["direction"], count["checkpoint"]) == (7 * 2, 7 * 3)
    assert count["intervention_responses"] == count["direction_by_running"] == 0
    assert count.total() < 200
    assert (count["judge_calibration_with_regex"], count["attack_scales"]) == (1, 1)


def test_matched_control_reruns_with_its_reference_edit(finished):
    finished.put("variants.random.match_change", "abliterated")
    assert finished.jobs() == each("checkpoint", MODELS, ("random",)) | downstream()
    finished.put("variants.abliterated.edit.scale", 0.5)
    assert finished.jobs() == each("checkpoint", MODELS, EDITED) | downstream()


def test_changed_edit_scale_reruns_from_the_checkpoint(finished):
    finished.put("variants.abliterated.edit.scale", 0.5)
    assert finished.jobs() == (each("checkpoint", MODELS, ("abliterated",)) | downstream())


def test_changed_direction_layer_reruns_from_the_direction(finished):
    finished.put("variants.abliterated.direction.layer", 2)
    assert finished.jobs() == (
        each("direction", MODELS, ("abliterated",))
        | DIRECTIONS
        | each("checkpoint", MODELS, ("abliterated",))
        | downstream()
    )


def test_changed_generation_reruns_responses_and_their_readers(finished):
    finished.put("generation.max_new_tokens", 99)
    assert finished.jobs() == downstream()


def test_changed_statistics_rerun_only_statistics(finished):
    finished.put("statistics.bootstrap", 150)
    assert finished.jobs() == STATISTICS | MONITORING


def test_changed_runtime_settings_rerun_nothing(finished):
    finished.put("runtime", {"device": "cpu", "batch_tokens": 123})
    assert finished.jobs() == set()


def test_changed_prompts_rerun_all_but_training(finished):
    finished.put("prompts.evaluation", 5)
    assert finished.jobs() == WHOLE_GRID - each("train_organism", (*MODELS, "tiny"))


def test_added_counts_table_runs_one_job(finished):
    table = (
        "model,variant,judge,label,refused,not_refused,total\na,original,j,harmful,1,2,3\na,original,j,harmless,0,3,3\n"
    )
    (finished.folder / "theirs.csv").write_text(table)
    finished.put("counts_tables", {"theirs": "theirs.csv"})
    assert finished.jobs() == {"counts_table theirs"}


PACKAGE = "workflow/scripts/steadfast"


def test_changed_judge_code_reruns_that_kind(finished):
    finished.edit(f"{PACKAGE}/judges/kinds/regex.py", "SEARCH_SECONDS = 5.0", "SEARCH_SECONDS = 6.0")
    assert finished.jobs() == {"judge_with_regex"} | AGGREGATES


def test_changed_direction_code_reruns_that_method(finished):
    with (finished.folder / PACKAGE / "attacks/directions/methods/random.py").open("a") as handle:
        handle.write("\nEXTRA = 1\n")
    assert finished.jobs() == (
        each("direction", MODELS, ("random",)) | each("checkpoint", MODELS, ("random",)) | downstream()
    )


def test_changed_script_reruns_its_rule(finished):
    with (finished.folder / "workflow/scripts/summarize.py").open("a") as handle:
        handle.write("\nprint('more')\n")
    assert finished.jobs() == {"summary"}


def test_changed_configuration_code_reruns_nothing(finished):
    for name in ("grid/grid.py", "config/checks.py", "config/reference.py", "models/pin.py"):
        with (finished.folder / PACKAGE / name).open("a") as handle:
            handle.write("\nEXTRA = 1\n")
    assert finished.jobs() == set()


def test_changed_comments_docstrings_and_formatting_rerun_nothing(finished):
    finished.edit(f"{PACKAGE}/judges/kinds/regex.py", "SEARCH_SECONDS = 5.0", "# patience\nSEARCH_SECONDS   =   5.0")
    for name in ("core/files.py", "core/job.py", "judges/interface.py", "training/organisms/training.py"):
        file = finished.folder / PACKAGE / name
        file.write_text(file.read_text(encoding="utf-8").replace('"""', '"""Changed. ', 1) + "\n# the end\n")
    for script in (finished.folder / "workflow/scripts").glob("*.py"):
        script.write_text(script.read_text(encoding="utf-8").replace('"""', '"""Changed. ', 1) + "\n# the end\n")
    assert finished.jobs() == set()


def test_touched_code_reruns_nothing(finished):
    now = time.time() + 5
    for file in (finished.folder / "workflow").rglob("*.*"):
        os.utime(file, (now, now))
    for file in (finished.folder / "envs").iterdir():
        os.utime(file, (now, now))
    assert finished.jobs() == set()


@pytest.mark.parametrize("form", ["adapter", "checkpoint"])
def test_edited_model_is_exported_by_one_job(finished, form):
    assert finished.jobs(f"results/edited_models/{form}/raw/random") == {f"export_edit {form} raw random"}


def test_changed_checkpoint_form_reruns_that_variant(finished):
    finished.put("variants.random.checkpoints", "bake")
    assert finished.jobs() == each("checkpoint", MODELS, ("random",)) | downstream()


def test_missing_result_is_rebuilt_with_its_readers(finished):
    (finished.folder / "results/tables/agreement.csv").unlink()
    assert finished.jobs() == {"agreement", "figures", "figure_folder judges", "summary", "report"}


def test_grid_without_control_runs_two_variants(fresh):
    config = fresh.config
    del config["variants"]["random"]
    fresh.config = config
    assert fresh.jobs() == (
        {"prompts"}
        | each("train_organism", (*MODELS, "tiny"))
        | each("activations", MODELS)
        | each("direction", MODELS, ("abliterated",))
        | DIRECTIONS
        | each("checkpoint", MODELS, ("abliterated",))
        | downstream()
    )


def test_default_grid_has_the_expected_job_counts(fresh):
    count = Counter(job.split()[0] for job in fresh.jobs(config=()))
    assert (count["convert_gguf_model"], count["merge_adapter"], count["train_organism"]) == (1, 5, 0)
    assert (count["activations"], count["responses"], count["checkpoint"]) == (6, 6, 18)
    assert count["judge_own_responses"] == 6
    assert {"judge_with_regex", "judge_with_paper_regex", "judge_with_learned", "judge_with_untuned"} <= set(count)


def test_family_attacks_grid_has_the_expected_job_counts(fresh):
    count = Counter(job.split()[0] for job in fresh.jobs(config=("config/family-attacks.yaml",)))
    assert (count["responses"], count["judge_own_responses"], count["attack_scales"]) == (6, 0, 1)


def test_organism_grid_has_the_expected_job_counts(fresh):
    jobs = fresh.jobs(config=("config/organisms.yaml",))
    count = Counter(job.split()[0] for job in jobs)
    assert (count["train_organism"], count["responses"], count["checkpoint"]) == (8, 7, 21)
    assert len([rule for rule in count if rule.startswith("judge_with_")]) >= 8


def test_paper_grid_has_the_expected_job_counts(fresh):
    status, text = fresh.dry_run(config=("config/paper.yaml",))
    assert status == 0, text
    count = Counter(job.split()[0] for job in fresh.listed())
    assert (count["activations"], count["responses"], count["train_organism"]) == (10, 10, 0)
    assert count["fetch_hub_model"] >= 10, "the ten models, and the weights of judges that are served here"
    assert text.count("`make pin` writes the commits") == 1


def test_second_config_file_extends_the_first(fresh):
    (fresh.folder / "more.yaml").write_text("judges: {mine: {kind: always_refuse}}\n")
    grid = ("config/organisms.yaml",)
    assert fresh.jobs(config=(*grid, "more.yaml")) == (fresh.jobs(config=grid) | {"judge_with_mine"})


def test_adapters_are_trained_on_request_only(fresh):
    """They are no part of a run of the grid, and come from the untuned model of the grid."""
    recipes = ("refusals", "extended-refusals", "rephrase", "metatags", "combined")
    trained = {f"train_adapter {recipe} {seed}" for recipe in recipes for seed in (0, 1, 2)}
    assert not trained & fresh.jobs()
    assert fresh.jobs("train_adapters") - {"train_adapters"} == trained | {
        "train_organism raw",
        "distill_harmless_responses",
    }
    one = fresh.jobs("results/adapters/rephrase/seed7")
    assert one == {"train_adapter rephrase 7", "train_organism raw", "distill_harmless_responses"}


def test_adapter_training_needs_an_untuned_model(fresh):
    (fresh.folder / "more.yaml").write_text("safety_tuning: {base: rw}\n")
    status, text = fresh.dry_run("train_adapters", config=("mine.yaml", "more.yaml"))
    assert status != 0
    assert "safety_tuning.base: unknown model 'rw'; did you mean 'raw'?" in text
