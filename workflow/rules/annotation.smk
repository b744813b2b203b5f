"""Annotation: a blind page for annotators, and their labels as judges.

Produces results/annotation/annotation.html on demand (`snakemake annotation_page`), and, where `annotations` names
exported labels, results/judgments/{human,human-NAME}/{model}/{variant}.parquet.
"""

from steadfast.grid.annotation import Annotation

ANNOTATION = Annotation(GRID)


rule annotation_page:
    """Write the page on which annotators label responses blind to model and variant."""
    input:
        prompts=paths.PROMPTS,
        responses=paths.responses().of(judged_pairs(GRID)),
        judgments=ANNOTATION.sampled_by,
        definition=GRID.config["annotation"]["definition"],
        assets=ANNOTATION.assets,
    output:
        html=paths.ANNOTATION_PAGE,
        key=paths.ANNOTATION_KEY,
    log:
        paths.log("annotation/page"),
    benchmark:
        paths.benchmark("annotation/page")
    conda:
        "../../envs/base.yaml"
    params:
        settings=ANNOTATION.settings,
        code=digest("write_annotation_page.py"),
    message:
        "write the annotation page"
    script:
        "../scripts/write_annotation_page.py"


if GRID.human_judges:

    rule human_judgments:
        """Match the exported labels to the responses, and write each annotator's verdicts and their majority's."""
        input:
            annotations=GRID.config["annotations"],
            key=paths.ANNOTATION_KEY,
            prompts=paths.PROMPTS,
        output:
            judgments=ANNOTATION.judgments,
            labels=paths.HUMAN_LABELS,
            annotators=paths.ANNOTATORS,
        log:
            paths.log("annotation/judgments"),
        benchmark:
            paths.benchmark("annotation/judgments")
        conda:
            "../../envs/base.yaml"
        params:
            code=digest("judge_by_annotators.py"),
        message:
            "read the human labels"
        script:
            "../scripts/judge_by_annotators.py"
