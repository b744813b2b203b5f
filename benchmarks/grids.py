"""A whole grid at two revisions of this repository: steps, CPU-seconds, seconds, and whether responses are the same.

    python benchmarks/grids.py config/organisms.yaml --report benchmarks/results/variants.md
    python benchmarks/grids.py config/attacks.yaml --models 1 --report benchmarks/results/variants.md
    python benchmarks/grids.py config/attacks.yaml --steps --report benchmarks/results/variants.md

*Before* is the last revision in which every variant was a checkpoint of full size and a process of its own, *after* is
this folder's commit. Each runs its own copy of the grid in a folder of its own: first the models (training is not what
is compared), then everything else, then the grid with one more variant. CPU-seconds are those of Snakemake and of all
its jobs; those of Snakemake's own process are named as well. What was measured is kept in `--folder`, so that an
interrupted measurement goes on; `--steps` runs nothing and only counts.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "benchmarks")]
BEFORE, AFTER = "b2a4b56~1", "HEAD"
MENDED = (
    "workflow/scripts/steadfast/analysis/side_effects/measuring.py",
    "steadfast.attacks.interventions.{system",
    "steadfast.attacks.interventions.methods.{system",
)
"""File, text and its correction: without it, the old revision cannot measure the side effects of interventions."""
ADDED = "three-quarters"
"""Name of the variant that is added to a finished grid."""
STEPS = re.compile(r"^(\d+) steps? in all$", re.MULTILINE)
MODELS, GRID, ADDITION = "models", "everything else", "one more variant"

Times = dict[str, Any]


def main() -> None:
    """Measure, print and optionally write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grid", help="a configuration that both revisions have")
    parser.add_argument("--before", default=BEFORE)
    parser.add_argument("--after", default=AFTER)
    parser.add_argument("--models", type=int, help="number of models under test, from the first on; all by default")
    parser.add_argument("--only", choices=["before", "after"], help="measure one of them now, and the other later")
    parser.add_argument("--steps", action="store_true", help="count planned steps, run nothing")
    parser.add_argument("--cores", default="2")
    parser.add_argument("--folder", type=Path, default=ROOT / "results/benchmarks/grids")
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    place = options.folder.resolve() / f"{Path(options.grid).stem}-{options.models or 'all'}"
    found: dict[str, dict[str, Times]] = {}
    for name, revision in (("before", options.before), ("after", options.after)):
        if options.only in (None, name):
            tree = exported(revision, place / name)
            configure(tree, options.grid, options.models)
            measure(tree, place / f"{name}.json", options.cores, options.steps)
        record = place / f"{name}.json"
        found[name] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    text = section(found, agreement(place / "before", place / "after"), sys.argv[1:])
    print(text)
    if options.report:
        from pages import put_section

        models = f", {options.models} of its models" if options.models else ""
        put_section(options.report, f"`{options.grid}`{models}", text)


def exported(revision: str, folder: Path) -> Path:
    """A folder with the files of a revision, written unless it is there."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        file, fault, right = MENDED
        if revision == BEFORE:
            (folder / file).write_text(
                (folder / file).read_text(encoding="utf-8").replace(fault, right), encoding="utf-8"
            )
    return folder


def configure(tree: Path, grid: str, models: int | None) -> None:
    """Write the grid with some of its models, and the same with one more variant."""
    config = yaml.safe_load((tree / grid).read_text(encoding="utf-8"))
    tested = [name for name, entry in config["models"].items() if entry.get("role") != "judge"][:models]
    judges = [name for name, entry in config["models"].items() if entry.get("role") == "judge"]
    needed = {config["models"][name].get("base") for name in tested}
    needed |= {judge.get("model") for judge in config["judges"].values()}
    kept = {*tested, *judges, *(needed & set(config["models"]))}
    config["models"] = {name: entry for name, entry in config["models"].items() if name in kept}
    write(tree / "mine.yaml", config)
    pattern = next(
        entry
        for entry in config["variants"].values()
        if entry.get("edit", {}).get("method") == "orthogonalize" and entry.get("role") != "control"
    )
    added = {**pattern, "label": "Added", "edit": {**pattern["edit"], "scale": 0.75}}
    write(tree / "more.yaml", {**config, "variants": {**config["variants"], ADDED: added}})


def write(file: Path, config: Mapping[str, Any]) -> None:
    """Write a configuration."""
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def measure(tree: Path, record: Path, cores: str, only_steps: bool) -> None:
    """Count the steps of a grid in a folder and run what was not run yet; ``record`` receives the figures."""
    models = list(yaml.safe_load((tree / "mine.yaml").read_text(encoding="utf-8"))["models"])
    found: dict[str, Times] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    work = {
        MODELS: ["--configfile", "mine.yaml", "--", *(f"results/models/{name}" for name in models)],
        GRID: ["--configfile", "mine.yaml"],
        ADDITION: ["--configfile", "more.yaml"],
    }
    if "planned" not in found:
        found["planned"] = {"steps": planned(tree, work[GRID])}
        record.write_text(json.dumps(found), encoding="utf-8")
    for part, arguments in {} if only_steps else work.items():
        if part not in found:
            steps = planned(tree, arguments)
            found[part] = {"steps": steps, **timed(tree, ["--cores", cores, *arguments])}
            record.write_text(json.dumps(found), encoding="utf-8")


def planned(tree: Path, arguments: Sequence[str]) -> int:
    """How many steps a run would take."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "2", *arguments],
        cwd=tree,
        capture_output=True,
        text=True,
    )
    steps = STEPS.search(done.stdout + done.stderr)
    if done.returncode or steps is None:
        raise SystemExit(f"{tree}: the dry run failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return int(steps[1])


def timed(tree: Path, arguments: Sequence[str]) -> Times:
    """Seconds of a run of Snakemake: of the clock, of processors in all, and of Snakemake's own process."""
    begin = time.perf_counter()
    with (tree / "run.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=tree,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        # a process that has ended and was not waited for still has its times
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            time.sleep(0.2)
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        user, system, of_jobs, of_jobs_system = (int(field) / os.sysconf("SC_CLK_TCK") for field in fields[11:15])
        process.wait()
    if process.returncode:
        raise SystemExit(f"{tree}: the run failed; see {tree / 'run.log'}")
    own = user + system
    return {"seconds": time.perf_counter() - begin, "own": own, "cpu": own + of_jobs + of_jobs_system}


def agreement(before: Path, after: Path) -> tuple[int, int]:
    """How many responses are the same in both, and how many both have."""
    import pandas as pd

    same = both = 0
    for file in (after / "results/responses").rglob("*.parquet"):
        # variants whose names are spelled in another way since are left out
        other = before / file.relative_to(after)
        if other.is_file():
            texts = [pd.read_parquet(path)["response"].tolist() for path in (other, file)]
            same += sum(first == second for first, second in zip(*texts, strict=False))
            both += len(texts[1])
    return same, both


def section(found: Mapping[str, Mapping[str, Times]], responses: tuple[int, int], arguments: Sequence[str]) -> str:
    """The figures as Markdown."""
    before, after = found["before"], found["after"]
    from pages import command

    lines = [command("grids.py", arguments), ""]
    if "planned" in before and "planned" in after:
        steps = [part["planned"]["steps"] for part in (before, after)]
        lines += [f"Steps: {steps[0]:,} before, {steps[1]:,} after.", ""]
    measured = [part for part in (MODELS, GRID, ADDITION) if part in before or part in after]
    if measured:
        lines += [
            "| | steps before | CPU-s | Snakemake's | s | steps after | CPU-s | Snakemake's | s | CPU-s ratio |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {part} | {row(before.get(part))} | {row(after.get(part))} | {ratio(before, after, part)} |"
            for part in measured
        ]
    if responses[1]:
        lines += ["", f"Identical responses: {responses[0]:,} of {responses[1]:,}."]
    return "\n".join(lines)


def row(times: Times | None) -> str:
    """One run's cells."""
    if times is None:
        return " | ".join("" for _ in range(4))
    share = times["own"] / times["cpu"]
    return f"{times['steps']:,} | {times['cpu']:,.0f} | {times['own']:.0f} ({share:.0%}) | {times['seconds']:,.0f}"


def ratio(before: Mapping[str, Times], after: Mapping[str, Times], part: str) -> str:
    """How many times the CPU-seconds one has of the other."""
    return f"{before[part]['cpu'] / after[part]['cpu']:.1f}" if part in before and part in after else ""


if __name__ == "__main__":
    from steadfast.core.command_line import run_command_line

    run_command_line(main)
