"""Self-evaluation: whether models recognize refusals, in their own responses and in another model's.

Produces results/tables/self_monitoring.csv and results/figures/self_monitoring/{judge}.{pdf,png} if a judge is the
model under test.
"""

if GRID.monitoring_judges():

    rule self_monitoring:
        """Hold what the systems say of responses against the reference judge, and draw it."""
        input:
            own=GRID.judgments(GRID.monitoring_judges()),
            control=GRID.control_judgments(GRID.monitoring_judges()),
            reference=GRID.judgments([GRID.machine_reference]),
            prompts="results/prompts/prompts.parquet",
        output:
            table="results/tables/self_monitoring.csv",
            figures=GRID.self_monitoring_figures(),
        log:
            "results/logs/tables/self_monitoring.log",
        benchmark:
            "results/benchmarks/tables/self_monitoring.tsv"
        conda:
            "../../envs/base.yaml"
        params:
            judges=GRID.monitoring_judges(),
            systems=GRID.system_names(),
            inference=GRID.inference(),
            labels=GRID.self_monitoring_labels(),
            controls=GRID.controls(),
            reference=GRID.machine_reference,
            code=GRID.digest("measure_self_monitoring.py"),
        message:
            "measure self-evaluation"
        script:
            "../scripts/measure_self_monitoring.py"
