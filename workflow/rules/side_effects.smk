"""Side effects: what every variant changes other than refusals, and the robustness assessment of each model.

Produces results/side_effects/{model}/{variant}.parquet (scores that need the weights; every model is loaded once for all
of them), results/tables/{side_effects.csv,assessment.csv} and results/figures/side_effects.{pdf,png}. Model organisms
are measured by one job, every other model by its own; scores that exist are read from results/measurements/.
"""

MEASURING = pending(
    GRID.score_files(systems)[0] for systems in GRID.measured_batches().values()
)

for batch, systems in GRID.measured_batches().items():

    rule:
        name:
            f"measure_{batch}".replace("-", "_")
        input:
            **GRID.measured_inputs(systems),
            prompts="results/prompts/prompts.parquet",
        output:
            scores=GRID.score_files(systems),
        log:
            f"results/logs/side_effects/{batch}.log",
        benchmark:
            f"results/benchmarks/side_effects/{batch}.tsv"
        conda:
            f"../../envs/{GRID.measuring_environment()}.yaml"
        threads: THREADS.of(GRID.models_of(systems), MEASURING)
        resources:
            gpu=GRID.batch_gpus(systems),
            machine=GRID.measuring_machine(),
        params:
            systems=GRID.measured_systems(systems),
            measures=GRID.weights_measures(),
            code=GRID.weights_digest(),
        message:
            f"measure side effects of {len(systems)} model–variant pairs"
        script:
            "../scripts/measure_side_effects.py"


for rubric in GRID.rubrics.judges:

    rule:
        name:
            f"judge_by_{rubric}".replace("-", "_")
        input:
            responses=GRID.responses(),
            prompts="results/prompts/prompts.parquet",
            files=GRID.rubrics.judge_files(rubric),
        output:
            judgments=GRID.rubrics.judgments([rubric]),
        log:
            f"results/logs/judgments/{rubric}.log",
        benchmark:
            f"results/benchmarks/judgments/{rubric}.tsv"
        conda:
            f"../../envs/{GRID.rubrics.judge_environment(rubric)}.yaml"
        threads: THREADS.of_judge(rubric, GRID.rubrics)
        resources:
            gpu=GRID.rubrics.judge_gpus(rubric),
            machine=GRID.rubrics.judge_machine(
                rubric, THREADS.of_judge(rubric, GRID.rubrics)
            ),
        params:
            judge=GRID.rubrics.judge_arguments(rubric),
            code=GRID.rubrics.judge_digest(rubric, script="judge_by_rubric.py"),
        message:
            f"rubric {rubric}: judge the harmless responses of all {len(GRID.systems)} model–variant pairs"
        script:
            "../scripts/judge_by_rubric.py"


rule side_effects:
    """Aggregate all side effects, of weights and responses, with confidence intervals and changes."""
    input:
        scores=GRID.score_files(GRID.systems),
        responses=GRID.responses(),
        verdicts="results/tables/verdicts.parquet",
        rubrics=GRID.rubrics.judgments(),
        prompts="results/prompts/prompts.parquet",
        worlds=GRID.world_files(),
    output:
        "results/tables/side_effects.csv",
    log:
        "results/logs/tables/side_effects.log",
    benchmark:
        "results/benchmarks/tables/side_effects.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        systems=GRID.system_names(),
        measures=GRID.answers_measures(),
        judge=GRID.machine_reference,
        rubrics=GRID.rubric_labels(),
        inference=GRID.inference(),
        code=GRID.answers_digest(),
    message:
        "aggregate the side effects"
    script:
        "../scripts/collect_side_effects.py"


rule assessment:
    """Assess the robustness of every model–variant pair by fixed rules."""
    input:
        robustness="results/tables/robustness.csv",
        edits="results/tables/edits.csv",
        side_effects="results/tables/side_effects.csv",
    output:
        report(
            "results/tables/assessment.csv",
            caption="../report/assessment.rst",
            category="Tables",
            labels={"table": "assessment"},
        ),
    log:
        "results/logs/tables/assessment.log",
    benchmark:
        "results/benchmarks/tables/assessment.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        judge=GRID.machine_reference,
        controls=GRID.controls(),
        criteria=GRID.config["assessment"],
        code=GRID.digest("assess_models.py"),
    message:
        "assess the robustness of each model"
    script:
        "../scripts/assess_models.py"


rule side_effect_figure:
    """Draw refusals lost against capability degradation, one point per model–variant pair."""
    input:
        assessment="results/tables/assessment.csv",
        side_effects="results/tables/side_effects.csv",
    output:
        printed="results/figures/side_effects.pdf",
        picture=report(
            "results/figures/side_effects.png",
            caption="../report/side_effects.rst",
            category="Figures",
            labels={"figure": "side effects"},
        ),
    log:
        "results/logs/figures/side_effects.log",
    benchmark:
        "results/benchmarks/figures/side_effects.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        labels=GRID.all_labels(),
        controls=GRID.controls(),
        code=GRID.digest("draw_side_effects.py"),
    message:
        "draw refusals lost against capability degradation"
    script:
        "../scripts/draw_side_effects.py"
