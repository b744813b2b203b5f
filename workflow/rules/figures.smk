"""Figures: those with one picture in one job, those with several in one job per folder, and those of the directions.

Produces results/figures/. A figure is a module of workflow/scripts/steadfast/report/figures/kinds/.
"""


rule figures:
    """Draw the figures of which each is one picture; loading Python's libraries takes longer than a figure."""
    input:
        FIGURES.tables(),
    output:
        printed=FIGURES.printed,
        shown=[
            report(
                path,
                caption="../report/figure.rst",
                category="Figures",
                labels={"figure": Path(path).stem.replace("_", " ")},
            )
            for path in FIGURES.shown
        ],
    log:
        paths.log("figures/figures"),
    benchmark:
        paths.benchmark("figures/figures")
    conda:
        "../../envs/base.yaml"
    params:
        figures=FIGURES.chosen(),
        about=FIGURES.about,
        look=FIGURES.look,
        code=FIGURES.digest(),
    message:
        "draw the figures"
    script:
        "../scripts/draw_figures.py"


rule figure_folder:
    """Draw the figures of one folder, such as those about the judges; their data decide how many there are."""
    input:
        lambda wildcards: FIGURES.tables(wildcards.folder),
    output:
        folder=report(
            directory(paths.figures("{folder}")),
            patterns=["{figure}.png"],
            caption="../report/figure.rst",
            category="Figures: {folder}",
            labels={"figure": "{figure}"},
        ),
    log:
        paths.log("figures/{folder}"),
    benchmark:
        paths.benchmark("figures/{folder}")
    wildcard_constraints:
        folder=either(FIGURES.folder_names),
    conda:
        "../../envs/base.yaml"
    params:
        figures=lambda wildcards: FIGURES.chosen(wildcards.folder),
        about=FIGURES.about,
        look=FIGURES.look,
        code=lambda wildcards: FIGURES.digest(wildcards.folder),
    message:
        "draw the figures: {wildcards.folder}"
    script:
        "../scripts/draw_figures.py"


rule direction_figures:
    """Draw the activations along every direction, and the class separation of each block."""
    input:
        directions=FIGURES.drawn_directions,
        activations=FIGURES.drawn_activations,
    output:
        [directory(folder) for folder in FIGURES.of_directions],
    log:
        paths.log("figures/directions"),
    benchmark:
        paths.benchmark("figures/directions")
    conda:
        "../../envs/base.yaml"
    params:
        figures=FIGURES.chosen_of_directions,
        about=FIGURES.about_directions,
        look=FIGURES.look,
        code=FIGURES.directions_digest,
    message:
        "draw the directions"
    script:
        "../scripts/draw_directions.py"


rule attack_scales:
    """Compute refusal rates by scale of the attacks, for each model and for all together."""
    input:
        verdicts=paths.VERDICTS,
        robustness=paths.table("robustness"),
        edits=paths.table("edits"),
        side_effects=paths.table("side_effects"),
    output:
        paths.table("scales"),
    log:
        paths.log("tables/scales"),
    benchmark:
        paths.benchmark("tables/scales")
    conda:
        "../../envs/base.yaml"
    params:
        attacks=FIGURES.attacks,
        judge=GRID.shown_judge,
        inference=GRID.inference,
        criteria=GRID.config["assessment"],
        code=digest("compare_scales.py"),
    message:
        "compute refusal rates by scale of the attacks"
    script:
        "../scripts/compare_scales.py"
