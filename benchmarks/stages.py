"""Seconds per stage of the last run in ``results/``, from the timings that Snakemake records of every job.

python benchmarks/stages.py
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

FOLDER = Path("results/benchmarks")


def main() -> None:
    """Print jobs, wall-clock seconds and processor seconds per stage, as Markdown."""
    jobs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for file in sorted(FOLDER.rglob("*.tsv")):
        with file.open(encoding="utf-8") as handle:
            row = list(csv.DictReader(handle, delimiter="\t"))[-1]
        stage = file.relative_to(FOLDER).parts[0].removesuffix(".tsv")
        jobs[stage].append((float(row["s"]), float(row["cpu_time"] if row["cpu_time"] != "NA" else 0)))
    if not jobs:
        sys.exit(f"error: {FOLDER} in {Path.cwd()} holds no timings; run this in the folder of a finished run")
    print("| stage | jobs | seconds, summed over jobs | of them on a processor |")
    print("|---|---|---|---|")
    everything = [time for of_stage in jobs.values() for time in of_stage]
    for stage, times in [*jobs.items(), ("all", everything)]:
        print(f"| {stage} | {len(times)} | {sum(wall for wall, _ in times):.0f} | {sum(cpu for _, cpu in times):.0f} |")


if __name__ == "__main__":
    main()
