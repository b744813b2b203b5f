"""The package in a notebook: responses, verdicts, directions, edits, results and statistics without Snakemake.

Every function takes plain values (texts, paths, arrays, the entries that a configuration has) and gives a data frame
or a small object. ``docs/python-api.md`` walks through all of them. They run in this process, keep nothing and write
nothing but what their arguments name; what a run of the workflow adds is provenance, caching and everything at scale.

``import steadfast`` has all names of this package as well, and imports a module when one of its names is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steadfast.api.judging import build_judge, judge
    from steadfast.api.models import edit_checkpoint, find_direction, generate
    from steadfast.api.results import Results, read_results
    from steadfast.api.statistics import (
        Interval,
        PairedChange,
        cohen_kappa,
        corrected_rate,
        holm,
        krippendorff_alpha,
        paired_change,
        wilson,
    )
    from steadfast.core.locations import project_file

HOMES = {
    "steadfast.core.locations": ("project_file",),
    "steadfast.api.judging": ("build_judge", "judge"),
    "steadfast.api.models": ("edit_checkpoint", "find_direction", "generate"),
    "steadfast.api.results": ("Results", "read_results"),
    "steadfast.api.statistics": (
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


def __getattr__(name: str) -> Any:
    """Import a name of the API when it is used, and what it needs with it."""
    home = next((home for home, names in HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
