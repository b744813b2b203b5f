"""Tables, bootstrap and report of a larger grid, as ratios to the default grid's.

Made-up studies of both sizes are written to disk as a run would, and each step reads them as its job does: the verdict
table is collected from judgment files, agreement and robustness resample prompts, ensembles combine all judges, and the
report is written with its responses. Seconds are CPU seconds of this process, one thread.

    python benchmarks/larger_grids.py --report benchmarks/results/larger_grids.md
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "workflow" / "scripts"), str(ROOT)]

from tests.studies import MadeUpStudy  # noqa: E402

from steadfast.analysis.statistics.settings import Inference  # noqa: E402
from steadfast.analysis.tables.agreement import agreement_table  # noqa: E402
from steadfast.analysis.tables.collect import collect_verdicts  # noqa: E402
from steadfast.analysis.tables.conclusions import conclusion_table  # noqa: E402
from steadfast.analysis.tables.ensemble_reliability import reliability_tables  # noqa: E402
from steadfast.analysis.tables.judge_validity import bias_table  # noqa: E402
from steadfast.analysis.tables.ranking import ranking_table  # noqa: E402
from steadfast.analysis.tables.robustness import robustness_table  # noqa: E402
from steadfast.core.files import read_table, write_table  # noqa: E402

CONTROLS = ["random"]
RESAMPLES = 2000


@dataclass(frozen=True)
class Size:
    """A grid of three variants.

    Attributes:
        models: number of models.
        prompts: prompts per label.
        judges: number of judges.
    """

    models: int
    prompts: int
    judges: int

    @property
    def words(self) -> str:
        """The size in words."""
        return f"{self.prompts} + {self.prompts} prompts × {self.models} models × {self.judges} judges"

    @property
    def verdicts(self) -> int:
        """Verdicts of all judges."""
        return self.models * 3 * 2 * self.prompts * self.judges


DEFAULT = Size(7, 50, 5)
LARGER = Size(10, 500, 6)


def main() -> None:
    """Measure, print and optionally write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    seconds = {}
    for size in (DEFAULT, LARGER):
        with tempfile.TemporaryDirectory() as folder:
            seconds[size] = dict(measured(size, Path(folder)))
    text = report(seconds)
    print(text)
    if arguments.report:
        arguments.report.write_text(text, encoding="utf-8")


def measured(size: Size, folder: Path) -> Iterator[tuple[str, float]]:
    """CPU seconds of every step of a grid."""
    # the last judge of a made-up study is a baseline
    study = MadeUpStudy(folder, models=size.models, judges=size.judges - 1, prompts=size.prompts, resamples=50).make()
    prompts, verdicts = read_table(folder / "prompts.parquet"), read_table(folder / "verdicts.parquet")
    cells = []
    for (judge, model, variant), own in verdicts.groupby(["judge", "model", "variant"], sort=False):
        path = folder / "judgments" / str(judge) / str(model) / f"{variant}.parquet"
        write_table(path, own[["prompt_id", "sample", "verdict", "score"]])
        cells.append((str(judge), str(model), str(variant), path))
    inference = Inference(resamples=RESAMPLES)
    members = study.judge_names[:-1]
    ensembles = {"all": {"members": members, "method": "dawid_skene"}}
    robustness = robustness_table(verdicts, controls=CONTROLS, inference=Inference(resamples=50))
    steps: dict[str, Callable[[], object]] = {
        "verdict table": lambda: collect_verdicts(cells, prompts),
        "agreement": lambda: agreement_table(verdicts, controls=CONTROLS, inference=inference),
        "robustness": lambda: robustness_table(verdicts, controls=CONTROLS, inference=inference),
        "ranking": lambda: ranking_table(verdicts, controls=CONTROLS, inference=inference),
        "conclusions": lambda: conclusion_table(robustness, "judge-0", controls=CONTROLS),
        "bias of judges": lambda: bias_table(verdicts, "judge-0", inference),
        "ensemble, with reliability": lambda: reliability_tables(verdicts, ensembles, inference=inference),
        "report": study.write,
    }
    for name, step in steps.items():
        before = time.process_time()
        step()
        yield name, time.process_time() - before
    yield "report, MB", study.page.stat().st_size / 1e6


def report(found: dict[Size, dict[str, float]]) -> str:
    """The results as Markdown."""
    small, large = found[DEFAULT], found[LARGER]
    lines = [f"| {name} | {small[name]:.2f} | {large[name]:.2f} | {large[name] / small[name]:.1f} |" for name in small]
    return "\n".join(
        [
            "# Larger grids",
            "",
            "`python benchmarks/larger_grids.py --report benchmarks/results/larger_grids.md`",
            "",
            f"CPU-seconds of tables, bootstrap and report on synthetic verdicts, one thread, {RESAMPLES:,} resamples, "
            f"three variants. {LARGER.words} ({LARGER.verdicts:,} verdicts) are compared with {DEFAULT.words} "
            f"({DEFAULT.verdicts:,} verdicts): "
            f"{LARGER.verdicts / DEFAULT.verdicts:.1f} times as many verdicts.",
            "",
            f"| step | {DEFAULT.words} | {LARGER.words} | ratio |",
            "| --- | --- | --- | --- |",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    from steadfast.core.command_line import run_command_line

    run_command_line(main)
