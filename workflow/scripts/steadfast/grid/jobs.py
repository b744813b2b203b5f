"""What the jobs of several rules are given: digests of their code, GPUs, and how they use the machine."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from steadfast.core.code_digest import code_digest
from steadfast.core.gpus import visible_gpus
from steadfast.core.locations import SCRIPTS
from steadfast.grid.data import ForModel
from steadfast.grid.grid import Grid

# settings of the runtime that no engine knows
OF_CHECKPOINTS = ("keep_checkpoints", "checkpoints")


def digest(script: str, *modules: str) -> str:
    """Digest of a script's code and of the modules that it loads by name."""
    return code_digest(SCRIPTS / script, *(f"steadfast.{module}" for module in modules))


def either(names: Iterable[str]) -> str:
    """A regular expression that matches one of ``names``, or nothing at all if there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def rule_name(text: str) -> str:
    """A name of the configuration as part of a rule's name."""
    return text.replace("-", "_")


@dataclass(frozen=True)
class Jobs:
    """Jobs that run a model.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def on_gpus(self) -> bool:
        """Whether the jobs of this machine run models on its GPUs."""
        return self.grid.config["runtime"]["device"] != "cpu" and bool(visible_gpus())

    def gpus(self, job: ForModel) -> int:
        """GPUs that a job asks for."""
        return self.grid.models[job.model].gpus

    def chat(self, job: ForModel) -> dict[str, Any]:
        """How a model is spoken to: system prompt, template variables, number format."""
        settings = self.grid.models[job.model].settings
        return {
            "system_prompt": self.grid.config["generation"]["system_prompt"],
            "template_arguments": settings["template_arguments"],
            "dtype": settings["dtype"],
        }

    def machine(self, job: ForModel, threads: int = 1) -> str:
        """How a job that generates uses the machine, as JSON; see ``serving``."""
        return self.serving(self.gpus(job), threads)

    def serving(self, gpus: int, threads: int = 1) -> str:
        """How generation uses the machine, as JSON: fields of ``steadfast.generation.interface.Runtime``.

        It goes to jobs as a resource, since Snakemake takes no change of a resource for a reason to run a job again.
        """
        settings = {key: value for key, value in self.grid.config["runtime"].items() if key not in OF_CHECKPOINTS}
        return json.dumps({**settings, "threads": threads, "tensor_parallel_size": max(gpus, 1)})

    def forward_passes(self) -> str:
        """How a job that only reads with a model uses the machine, as JSON."""
        return json.dumps({key: self.grid.config["runtime"][key] for key in ("device", "batch_tokens")})
