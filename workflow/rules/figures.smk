"""Figures: the study's three, the controls', and those about the judges.

Produces results/figures/{refusal_counts,judge_correlation,refusal_heatmap_harmful,...}.{pdf,png} and
results/figures/judges/.
"""

from steadfast.grid.figures import Figures

FIGURES = Figures(GRID)


rule study_figures:
    """Draw the refusal counts, the correlation of the judges and the heat maps, all from one verdict table."""
    input:
        counts=paths.table("counts"),
        agreement=paths.table("agreement"),
    output:
        printed=[paths.figure(name, "pdf") for name in FIGURES.study],
        pictures=[
            report(
                paths.figure(figure, "png"),
                caption=f"../report/{figure}.rst",
                category="Figures",
                labels={"figure": figure.replace("_", " ")},
            )
            for figure in FIGURES.study
        ],
    log:
        paths.log("figures/study"),
    benchmark:
        paths.benchmark("figures/study")
    conda:
        "../../envs/base.yaml"
    params:
        labels=GRID.labels,
        controls=GRID.controls,
        swept=GRID.swept,
        judge=GRID.shown_judge,
        code=digest("draw_study_figures.py"),
    message:
        "draw the figures of the study"
    script:
        "../scripts/draw_study_figures.py"


rule judge_figures:
    """Draw agreement, conclusions, rankings, bias and corrected rates of the judges."""
    input:
        agreement=paths.table("agreement"),
        conclusions=paths.table("conclusions"),
        ranking=paths.table("ranking"),
        bias=paths.table("bias"),
        robustness=paths.table("robustness"),
    output:
        report(
            directory(paths.figures("judges")),
            patterns=["{figure}.png"],
            caption="../report/judges.rst",
            category="Judges",
            labels={"figure": "{figure}"},
        ),
    log:
        paths.log("figures/judges"),
    benchmark:
        paths.benchmark("figures/judges")
    conda:
        "../../envs/base.yaml"
    params:
        labels=GRID.labels,
        controls=GRID.controls,
        reference=GRID.validity_reference,
        judge=GRID.shown_judge,
        margin=GRID.config["statistics"]["survival_margin"],
        code=digest("draw_judge_figures.py"),
    message:
        "draw the judge figures"
    script:
        "../scripts/draw_judge_figures.py"


rule direction_figures:
    """Draw the activations along every direction, and the class separation of each block."""
    input:
        directions=FIGURES.drawn_directions,
        activations=FIGURES.drawn_activations,
    output:
        directory(paths.figures("directions")),
    log:
        paths.log("figures/directions"),
    benchmark:
        paths.benchmark("figures/directions")
    conda:
        "../../envs/base.yaml"
    params:
        labels=FIGURES.drawn_labels,
        code=digest("draw_directions.py"),
    message:
        "draw the directions"
    script:
        "../scripts/draw_directions.py"


rule attack_scales:
    """Draw refusal rates by scale of the attacks, for each model and for all together."""
    input:
        verdicts=paths.VERDICTS,
        robustness=paths.table("robustness"),
        edits=paths.table("edits"),
        side_effects=paths.table("side_effects"),
    output:
        table=paths.table("scales"),
        figures=directory(paths.figures("scales")),
    log:
        paths.log("figures/scales"),
    benchmark:
        paths.benchmark("figures/scales")
    conda:
        "../../envs/base.yaml"
    params:
        attacks=FIGURES.attacks,
        judge=GRID.shown_judge,
        inference=GRID.inference,
        criteria=GRID.config["assessment"],
        labels={"models": GRID.labels["models"]},
        code=digest("draw_attack_scales.py"),
    message:
        "draw refusal rates by scale of the attacks"
    script:
        "../scripts/draw_attack_scales.py"
