"""Ensembles: judges that combine the verdicts of others, and how reliable they are.

Produces results/judgments/{judge}/{model}/{variant}.parquet of every judge of the kind `ensemble`, and
results/tables/{ensembles,ensemble_members}.csv.
"""

from steadfast.grid.ensembles import ensembles, parts

for ensemble in ensembles(GRID):

    rule:
        """Combine the verdicts of the members of one ensemble."""
        name:
            ensemble.rule
        input:
            votes=ensemble.votes,
        output:
            judgments=ensemble.judgments,
        log:
            paths.log(ensemble.log),
        benchmark:
            paths.benchmark(ensemble.log)
        conda:
            "../../envs/base.yaml"
        params:
            settings=ensemble.settings,
            controls=GRID.controls,
            code=ensemble.digest,
        message:
            f"judge {ensemble.judge.name}: combine the verdicts of {', '.join(ensemble.members)}"
        script:
            "../scripts/combine_judgments.py"


rule ensembles:
    """Measure the agreement and the reliability of the members of every ensemble."""
    input:
        verdicts=paths.VERDICTS,
    output:
        ensembles=paths.table("ensembles"),
        members=paths.table("ensemble_members"),
    log:
        paths.log("tables/ensembles"),
    benchmark:
        paths.benchmark("tables/ensembles")
    conda:
        "../../envs/base.yaml"
    params:
        ensembles={
            ensemble.judge.name: ensemble.settings for ensemble in ensembles(GRID)
        },
        controls=GRID.controls,
        inference=GRID.inference,
        code=digest("measure_ensembles.py"),
    message:
        "measure the reliability of ensembles"
    script:
        "../scripts/measure_ensembles.py"
