"""The jobs of a grid as its rules describe them, for tests that run their scripts in this process.

A process of its own reads the rules, as a run does, and hands over what each script would be given. The test then runs
the scripts one after the other without the seconds that every process needs to start.
"""

import os
import pickle
import runpy
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"
READ_RULES = """
import os, pickle, sys
import snakemake.cli
from snakemake.dag import DAG

async def hand_over(dag, *_arguments, **_settings):
    jobs = [job for level in dag.toposorted() for job in sorted(level, key=str)]
    found = [
        {
            "rule": job.rule.name,
            "wildcards": dict(job.wildcards_dict),
            "script": job.rule.script,
            "input": job.input._plainstrings(),
            "output": job.output._plainstrings(),
            "params": job.params,
            "resources": {name: value for name, value in job.resources.items() if isinstance(value, int | str)},
            "log": job.log._plainstrings(),
        }
        for job in jobs
        if job.rule.script
    ]
    with open("jobs.pickle", "wb") as file:
        pickle.dump(found, file)
    os._exit(0)

DAG.postprocess = hand_over
snakemake.cli.main(sys.argv[1:])
"""


class Named(dict[str, Any]):
    """Params or resources by name, as attributes as well."""

    def __getattr__(self, name: str) -> Any:
        if name not in self:
            raise AttributeError(name)
        return self[name]


@dataclass(frozen=True)
class Job:
    """A job: what its script is given."""

    rule: str
    wildcards: dict[str, str]
    script: str
    input: Any
    output: Any
    params: Any
    resources: dict[str, Any]
    log: Any

    def run(self) -> None:
        """Run the script in this process and the current folder."""
        given = SimpleNamespace(
            input=self.input,
            output=self.output,
            params=self.params,
            resources=Named(self.resources),
            log=self.log,
            threads=1,
            rule=self.rule,
        )
        runpy.run_path(str(SCRIPTS / Path(self.script).name), init_globals={"snakemake": given})


@dataclass(frozen=True)
class Jobs:
    """Jobs in an order in which they can run."""

    jobs: Sequence[Job]

    def __iter__(self) -> Iterator[Job]:
        return iter(self.jobs)

    def find(self, rule: str, **wildcards: str) -> Job:
        """The job of a rule with these wildcards among its own."""
        (found,) = (job for job in self if job.rule == rule and wildcards.items() <= job.wildcards.items())
        return found


def read_jobs(folder: Path, config: str, *targets: str) -> Jobs:
    """Read the rules for a configuration.

    Args:
        folder: working directory of the jobs.
        config: text of the configuration.
        targets: what is to be made.
    """
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    where = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder), "--configfile", "config.yaml"]
    how = ["--cores", "1", "--forceall", "--dry-run", "--quiet", "all"]
    done = subprocess.run(
        [sys.executable, "-c", READ_RULES, *targets, *where, *how],
        cwd=folder,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")},
        capture_output=True,
        text=True,
    )
    if not (folder / "jobs.pickle").is_file():
        raise RuntimeError(done.stdout + done.stderr)
    # a list that this module had written a moment before
    return Jobs([Job(**fields) for fields in pickle.loads((folder / "jobs.pickle").read_bytes())])
