"""Figures: the study's three, the controls', and those about the judges.

Produces results/figures/{refusal_counts,judge_correlation,refusal_heatmap_harmful,...}.{pdf,png} and
results/figures/judges/.
"""


rule study_figures:
    """Draw the refusal counts, the correlation of the judges and the heat maps, all from one verdict table."""
    input:
        counts="results/tables/counts.csv",
        agreement="results/tables/agreement.csv",
    output:
        printed=expand("results/figures/{figure}.pdf", figure=GRID.study_figures()),
        pictures=[
            report(
                f"results/figures/{figure}.png",
                caption=f"../report/{figure}.rst",
                category="Figures",
                labels={"figure": figure.replace("_", " ")},
            )
            for figure in GRID.study_figures()
        ],
    log:
        "results/logs/figures/study.log",
    benchmark:
        "results/benchmarks/figures/study.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        labels=GRID.all_labels(),
        controls=GRID.controls(),
        swept=GRID.swept_variants(),
        judge=GRID.config["figures"]["judge"] or GRID.machine_reference,
        code=GRID.digest("draw_study_figures.py"),
    message:
        "draw the figures of the study"
    script:
        "../scripts/draw_study_figures.py"


rule judge_figures:
    """Draw agreement, conclusions, rankings, bias and corrected rates of the judges."""
    input:
        agreement="results/tables/agreement.csv",
        conclusions="results/tables/conclusions.csv",
        ranking="results/tables/ranking.csv",
        bias="results/tables/bias.csv",
        robustness="results/tables/robustness.csv",
    output:
        report(
            directory("results/figures/judges"),
            patterns=["{figure}.png"],
            caption="../report/judges.rst",
            category="Judges",
            labels={"figure": "{figure}"},
        ),
    log:
        "results/logs/figures/judges.log",
    benchmark:
        "results/benchmarks/figures/judges.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        labels=GRID.all_labels(),
        controls=GRID.controls(),
        reference=GRID.reference,
        judge=GRID.config["figures"]["judge"] or GRID.machine_reference,
        margin=GRID.config["statistics"]["survival_margin"],
        code=GRID.digest("draw_judge_figures.py"),
    message:
        "draw the judge figures"
    script:
        "../scripts/draw_judge_figures.py"


rule direction_figures:
    """Draw the activations along every direction, and the class separation of each block."""
    input:
        directions=GRID.direction_files(GRID.shown_directions()),
        activations=GRID.activation_files(GRID.shown_directions()),
    output:
        directory("results/figures/directions"),
    log:
        "results/logs/figures/directions.log",
    benchmark:
        "results/benchmarks/figures/directions.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        systems=GRID.pairs(GRID.shown_directions()),
        labels=GRID.labels_of(GRID.shown_directions()),
        code=GRID.digest("draw_directions.py"),
    message:
        "draw the directions"
    script:
        "../scripts/draw_directions.py"


rule attack_strength:
    """Draw refusal rates by scale of the attacks, for each model and for all together."""
    input:
        verdicts="results/tables/verdicts.parquet",
        robustness="results/tables/robustness.csv",
        edits="results/tables/edits.csv",
        side_effects="results/tables/side_effects.csv",
    output:
        table="results/tables/strength.csv",
        figures=directory("results/figures/strength"),
    log:
        "results/logs/figures/strength.log",
    benchmark:
        "results/benchmarks/figures/strength.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        attacks=GRID.attacks(),
        judge=GRID.config["figures"]["judge"] or GRID.machine_reference,
        inference=GRID.inference(),
        criteria=GRID.config["assessment"],
        labels={"models": GRID.labels("models")},
        code=GRID.digest("draw_attack_strength.py"),
    message:
        "draw refusal rates by scale of the attacks"
    script:
        "../scripts/draw_attack_strength.py"
