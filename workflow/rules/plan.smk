"""The plan: what judging will take, before anything is asked (`snakemake plan --cores 1`).

Prints, per judge that sends requests, how many there are, how many are answered already, tokens and price; before
responses exist the numbers are an upper bound, by the longest prompt (1,000 words, if there are none yet). Requests about
calibration prompts are among them.
"""

from steadfast.grid.plan import planned_requests, asking_judges


rule plan:
    """Show requests, tokens and cost per judge. The rule has no output, so it can run again at any time."""
    log:
        paths.log("plan"),
    localrule: True
    conda:
        "../../envs/base.yaml"
    params:
        judges=asking_judges(GRID),
        work=planned_requests(GRID),
    message:
        "count the requests of the judges"
    script:
        "../scripts/plan_judging.py"
