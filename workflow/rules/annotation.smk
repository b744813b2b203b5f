"""Annotation: a blind page for people, and their labels as judges.

Produces results/annotation/annotation.html on demand (`snakemake annotation_page`), and, where `annotations` names
exported labels, results/judgments/{human,human-NAME}/{model}/{variant}.parquet.
"""


rule annotation_page:
    """Write the page on which annotators label responses blind to model and variant."""
    input:
        prompts="results/prompts/prompts.parquet",
        responses=GRID.responses(),
        judgments=GRID.annotated_judgments(),
        definition=GRID.config["annotation"]["definition"],
        assets=ANNOTATION_ASSETS,
    output:
        html="results/annotation/annotation.html",
        key="results/annotation/key.parquet",
    log:
        "results/logs/annotation/page.log",
    benchmark:
        "results/benchmarks/annotation/page.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        settings=GRID.annotation_settings(),
        code=GRID.digest("write_annotation_page.py"),
    message:
        "write the annotation page"
    script:
        "../scripts/write_annotation_page.py"


if GRID.human_judges:

    rule human_judgments:
        """Match the exported labels to the responses, and write each annotator's verdicts and their majority's."""
        input:
            annotations=GRID.config["annotations"],
            key="results/annotation/key.parquet",
            prompts="results/prompts/prompts.parquet",
        output:
            judgments=GRID.judgments(GRID.human_judges),
            labels="results/annotation/labels.csv",
            annotators="results/annotation/annotators.csv",
        log:
            "results/logs/annotation/judgments.log",
        benchmark:
            "results/benchmarks/annotation/judgments.tsv"
        conda:
            "../../envs/base.yaml"
        params:
            code=GRID.digest("judge_by_people.py"),
        message:
            "read the human labels"
        script:
            "../scripts/judge_by_people.py"
