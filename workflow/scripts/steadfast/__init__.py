"""Steadfast: does safety training survive abliteration, and can the judge that says so be trusted?

The names of this module are the Python API: the package in a notebook, without Snakemake. Every function takes plain
values (texts, paths, arrays, config entries) and returns a data frame or a small object; see ``docs/python-api.md``.
Functions run in this process and write only to the paths in their arguments; a run of the workflow adds provenance,
caching and scale.

Importing the package loads nothing heavy: each name is imported when it is first used, and torch, transformers, vllm
and openai by the modules that need them, so that a rule only pays for what it uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steadfast.analysis.results_folder import Results, read_results
    from steadfast.analysis.statistics.on_arrays import (
        Interval,
        PairedChange,
        cohen_kappa,
        corrected_rate,
        holm,
        krippendorff_alpha,
        paired_change,
        wilson,
    )
    from steadfast.attacks.on_checkpoints import edit_checkpoint, find_direction
    from steadfast.core.locations import project_file
    from steadfast.generation.on_prompts import generate
    from steadfast.judges.on_pairs import build_judge, judge

HOMES = {
    "steadfast.core.locations": ("project_file",),
    "steadfast.judges.on_pairs": ("build_judge", "judge"),
    "steadfast.attacks.on_checkpoints": ("edit_checkpoint", "find_direction"),
    "steadfast.generation.on_prompts": ("generate",),
    "steadfast.analysis.results_folder": ("Results", "read_results"),
    "steadfast.analysis.statistics.on_arrays": (
        "Interval",
        "PairedChange",
        "cohen_kappa",
        "corrected_rate",
        "holm",
        "krippendorff_alpha",
        "paired_change",
        "wilson",
    ),
}
"""Names of the API by the module that has them."""

__all__ = [
    "Interval",
    "PairedChange",
    "Results",
    "build_judge",
    "cohen_kappa",
    "corrected_rate",
    "edit_checkpoint",
    "find_direction",
    "generate",
    "holm",
    "judge",
    "krippendorff_alpha",
    "paired_change",
    "project_file",
    "read_results",
    "wilson",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a name of the API when it is used, and what it needs with it."""
    home = next((home for home, names in HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
