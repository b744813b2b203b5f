"""Export: results in the forms of other tools, on request (`snakemake export --cores 1`).

Produces results/export/: a log of Inspect for each model–variant pair (inspect/), a data set folder for the Hugging Face
hub (dataset/), and a section of a model card for each model (model_cards/).
"""

from steadfast.grid.export import repositories


rule export:
    """Write logs of Inspect, a data set folder and sections of model cards."""
    input:
        prompts=paths.PROMPTS,
        responses=paths.responses().of(judged_pairs(GRID)),
        verdicts=paths.VERDICTS,
        robustness=paths.table("robustness"),
        assessment=paths.table("assessment"),
        agreement=paths.table("agreement"),
    output:
        directory(paths.EXPORT),
    log:
        paths.log("export"),
    benchmark:
        paths.benchmark("export")
    conda:
        "../../envs/base.yaml"
    params:
        show=GRID.config["export"]["responses"],
        judge=GRID.reference,
        labels=GRID.labels,
        repositories=repositories(GRID),
        confidence=GRID.inference["confidence"],
        code=digest("export_results.py"),
    message:
        "export the results"
    script:
        "../scripts/export_results.py"
