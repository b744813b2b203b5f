"""Side effects: what every variant changes other than refusals, and the robustness assessment of each model.

Produces results/side_effects/{model}/{variant}.parquet (scores that need the weights; every model is loaded once for all
of them) and results/tables/{side_effects.csv,assessment.csv}. Model organisms are measured by one job, every other model
by its own; scores that exist are read from results/measurements/.
"""

from steadfast.grid.attack_classes import attack_classes
from steadfast.grid.judgments import judgment_files
from steadfast.grid.outcomes import outcome_table, quality_rubrics
from steadfast.grid.side_effects import Measures, batches

MEASURES = Measures(GRID)
BATCHES = batches(GRID)
MEASURING = pending(batch.scores[0] for batch in BATCHES)

for batch in BATCHES:

    rule:
        name:
            batch.rule
        input:
            models=batch.originals,
            checkpoints=batch.checkpoints,
            directions=batch.directions,
            edits=batch.edits,
            responses=batch.responses,
            prompts=paths.PROMPTS,
            files=MEASURES.files,
        output:
            scores=batch.scores,
        log:
            paths.log(f"side_effects/{batch.name}"),
        benchmark:
            paths.benchmark(f"side_effects/{batch.name}")
        conda:
            f"../../envs/{MEASURES.environment}.yaml"
        threads: THREADS.of(batch.models, MEASURING)
        resources:
            gpu=batch.gpus,
            machine=JOBS.forward_passes(),
        params:
            pairs=batch.measured,
            measures=MEASURES.of_weights,
            code=MEASURES.weights_digest,
        message:
            f"{', '.join(batch.models)}: measure side effects of {len(batch.pairs)} model–variant pairs"
        script:
            "../scripts/measure_side_effects.py"


rule side_effects:
    """Aggregate all side effects, of weights and responses, with confidence intervals and changes."""
    input:
        scores=paths.SCORES.of(GRID.pairs),
        responses=paths.responses().of(judged_pairs(GRID)),
        verdicts=paths.VERDICTS,
        rubrics=judgment_files(GRID, quality_rubrics(GRID)),
        prompts=paths.PROMPTS,
        worlds=MEASURES.worlds,
    output:
        paths.table("side_effects"),
    log:
        paths.log("tables/side_effects"),
    benchmark:
        paths.benchmark("tables/side_effects")
    conda:
        "../../envs/base.yaml"
    params:
        measures=MEASURES.of_responses,
        judge=GRID.reference,
        rubrics={name: rubric.label for name, rubric in quality_rubrics(GRID).items()},
        inference=GRID.inference,
        code=MEASURES.responses_digest,
    message:
        "aggregate the side effects"
    script:
        "../scripts/collect_side_effects.py"


rule assessment:
    """Assess the robustness of every model–variant pair by fixed rules."""
    input:
        robustness=paths.table("robustness"),
        edits=paths.table("edits"),
        side_effects=paths.table("side_effects"),
        outcomes=outcome_table(GRID),
    output:
        report(
            paths.table("assessment"),
            caption="../report/assessment.rst",
            category="Tables",
            labels={"table": "assessment"},
        ),
        withstood=paths.table("withstood"),
    log:
        paths.log("tables/assessment"),
    benchmark:
        paths.benchmark("tables/assessment")
    conda:
        "../../envs/base.yaml"
    params:
        judge=GRID.reference,
        controls=GRID.controls,
        criteria=GRID.config["assessment"],
        attacks=attack_classes(GRID),
        inference=GRID.inference,
        code=digest("assess_models.py"),
    message:
        "assess the robustness of each model"
    script:
        "../scripts/assess_models.py"
