"""Heretic's own search on a model and prompts of ours, its menus answered: for an environment that has heretic-llm.

    python benchmarks/search_heretic.py TASK

TASK is a JSON file of ``benchmarks/search.py``. The package is called as it is, with the options of its command line.
Every trial that it offers in the end is saved as a merged checkpoint, and ``found.json`` lists them.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Run the search that the task describes."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit("usage: python benchmarks/search_heretic.py TASK, a JSON file that benchmarks/search.py writes")
    task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = Path(task["folder"])
    sys.argv = ["heretic", *arguments(task, folder)]
    from heretic import main as heretic

    menus = Menus(folder)
    heretic.prompt_select, heretic.prompt_path = menus.select, menus.path
    began = time.perf_counter()
    heretic.run()
    found = {
        "front": menus.saved,
        "seconds": menus.came["seconds"] - began,
        "cpu_seconds": menus.came["cpu_seconds"],
        "peak_mib": menus.came["peak_mib"],
    }
    (folder / "found.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


def arguments(task: dict[str, Any], folder: Path) -> list[str]:
    """Options of its command line; those that are not set here keep its defaults."""
    options = {
        "model": task["model"],
        "n-trials": task["trials"],
        "n-startup-trials": task["random"],
        "seed": task["seed"],
        "batch-size": task["batch"],
        "max-response-length": task["tokens"],
        "export-strategy": "merge",
        "study-checkpoint-dir": folder / "checkpoints",
        "system-prompt": task["system_prompt"],
        **{f"{name}-prompts.dataset": task[name] for name in ("good", "bad")},
        **{f"{name}-evaluation-prompts.dataset": task[f"{name}_screened"] for name in ("good", "bad")},
    }
    return [part for name, value in options.items() if value is not None for part in (f"--{name}", str(value))]


class Menus:
    """Answers the menus: every trial of the front is saved, then the program ends."""

    def __init__(self, folder: Path) -> None:
        """Save into ``folder``."""
        self.folder = folder
        self.saved: list[dict[str, Any]] = []
        self.came: dict[str, float] = {}
        self._save = False

    def select(self, message: str, choices: list[Any]) -> Any:
        """What is chosen of a menu."""
        if message.startswith("Which trial"):
            self.came = self.came or {
                "seconds": time.perf_counter(),
                "cpu_seconds": time.process_time(),
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
            offered = [choice.value for choice in choices if hasattr(choice.value, "user_attrs")]
            if len(self.saved) == len(offered):
                return ""
            trial = offered[len(self.saved)]
            index = trial.user_attrs["index"]
            self.saved.append({"trial": index, "directory": str(self.folder / f"trial-{index}")})
            self._save = True
            return trial
        chosen = "Save" if self._save else ""
        self._save = False
        return next((choice for choice in choices if chosen and str(choice).startswith(chosen)), "")

    def path(self, _message: str) -> str:
        """Where the model is saved."""
        return str(self.saved[-1]["directory"])


if __name__ == "__main__":
    main()
