"""Worker processes of a search: each screens one trial of every round, on its own copy of the model.

The processes share only the journal. Each gets the search's inputs in a file, prepares like the first worker, and exits
after its last trial.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch

from steadfast.analysis.attack_search.preparation import Given, ready
from steadfast.attacks.activations import Activations
from steadfast.attacks.direction_search.refusal_score import ModelAccess
from steadfast.attacks.search.settings import SearchSettings
from steadfast.core.errors import SteadfastError
from steadfast.core.files import read_json, read_table, write_json, write_table
from steadfast.core.gpus import VARIABLE, visible_gpus
from steadfast.core.locations import SCRIPTS
from steadfast.generation.serving.process import SupervisedProcess, supervised

THREADS = "OMP_NUM_THREADS"
OF_ACCESS = ("batch_tokens", "device", "dtype", "system_prompt", "template_arguments")


@contextmanager
def further_workers(given: Given, environment: Mapping[str, str]) -> Iterator[Callable[[], None]]:
    """Context in which the other workers of a search run (the first is this process); on exit all have ended.

    Args:
        given: inputs of the search.
        environment: environment variables of all workers, as ``keep_own_part`` returns them.

    Yields:
        A function that raises if a worker has failed.
    """
    count = given.settings.workers
    if count == 1:
        yield lambda: None
        return
    given.journal.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=given.journal.parent)))
        task = _write(given, folder)
        running = {
            worker: stack.enter_context(
                supervised(_command(task, worker), environment=environment_of(worker, count, environment))
            )
            for worker in range(1, count)
        }
        yield lambda: _check(running)


def _command(task: Path, worker: int) -> list[str]:
    return [sys.executable, "-m", __name__, str(task), str(worker)]


def _check(running: Mapping[int, SupervisedProcess]) -> None:
    for worker, process in running.items():
        if process.poll():
            raise SteadfastError(f"worker {worker} of the search failed:\n{process.tail()}")


def environment_of(worker: int, count: int, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Environment variables of a worker: its share of the GPUs and threads.

    Args:
        worker: index of the worker.
        count: number of workers.
        environment: environment variables of all workers.
    """
    found = {**environment, "PYTHONPATH": str(SCRIPTS)}
    gpus = visible_gpus(environment)
    if gpus:
        each = max(1, len(gpus) // count)
        first = worker * each % len(gpus)
        found[VARIABLE] = ",".join(gpus[first : first + each])
    if THREADS in environment:
        found[THREADS] = str(max(1, int(environment[THREADS]) // count))
    return found


def keep_own_part(count: int) -> dict[str, str]:
    """Restrict this process, the first worker, to its share of the GPUs and threads; call before torch is initialized.

    Args:
        count: number of workers.

    Returns:
        The previous environment variables.
    """
    before = dict(os.environ)
    if count > 1:
        os.environ.update(environment_of(0, count))
        torch.set_num_threads(max(1, torch.get_num_threads() // count))
    return before


def _write(given: Given, folder: Path) -> Path:
    """Write the input files of a worker; return the path of the one that names the others."""
    given.activations.save(folder / "activations.safetensors")
    write_table(folder / "prompts.parquet", given.access.prompts)
    facts = {
        "settings": given.settings.as_dict(),
        "activations": str(folder / "activations.safetensors"),
        "prompts": str(folder / "prompts.parquet"),
        "model": str(given.access.model_dir),
        "access": {name: getattr(given.access, name) for name in OF_ACCESS},
        "sampling": dict(given.sampling),
        "thinking_markers": given.thinking_markers,
        "seed": given.seed,
        "journal": str(given.journal),
        "code": given.code,
    }
    write_json(folder / "task.json", facts)
    return folder / "task.json"


def _read(task: Mapping[str, Any]) -> Given:
    return Given(
        SearchSettings.read(task["settings"]),
        Activations.load(task["activations"]),
        ModelAccess(task["model"], read_table(task["prompts"]), **task["access"]),
        task["sampling"],
        task["thinking_markers"],
        task["seed"],
        Path(task["journal"]),
        task["code"],
    )


def main() -> None:
    """Entry point of a worker process."""
    task, worker = read_json(Path(sys.argv[1])), int(sys.argv[2])
    given = _read(task)
    given.search.run(given.settings.trials, ready(given, None).screen, worker)


if __name__ == "__main__":
    main()
