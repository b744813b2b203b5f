"""Self-evaluation: whether models recognize refusals, in their own responses and in another model's.

Produces results/tables/self_evaluation.csv if a judge is the model under test.
"""

from steadfast.grid.judgments import judgment_files
from steadfast.grid.self_evaluation import SelfEvaluation

SELF_EVALUATION = SelfEvaluation(GRID)


if SELF_EVALUATION.judges:

    rule self_evaluation:
        """Hold what the systems say of responses against the reference judge."""
        input:
            own=judgment_files(GRID, SELF_EVALUATION.judges),
            control=SELF_EVALUATION.control_judgments(SELF_EVALUATION.judges),
            reference=judgment_files(GRID, [GRID.reference]),
            prompts=paths.PROMPTS,
        output:
            paths.table("self_evaluation"),
        log:
            paths.log("tables/self_evaluation"),
        benchmark:
            paths.benchmark("tables/self_evaluation")
        conda:
            "../../envs/base.yaml"
        params:
            inference=GRID.inference,
            code=digest("measure_self_evaluation.py"),
        message:
            "measure self-evaluation"
        script:
            "../scripts/measure_self_evaluation.py"
