"""The prompt table, the output of the workflow's first stage, and the check of its settings before any job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadfast.core.errors import ConfigError, DataError
from steadfast.core.plug_ins import PROMPT_SOURCES
from steadfast.prompts.language import check_language
from steadfast.prompts.selection import PromptSelection, select_prompts
from steadfast.prompts.sources import SPLITS, source_files
from steadfast.prompts.text import prompt_id

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["prompt_id", "text", "label", "split", "human", "category", "source"]
# files up to this size (some thousands of prompts) are read before the run; larger ones are checked in the job
PREVIEW_BYTES = 500_000


@dataclass(frozen=True)
class PromptTables:
    """Result of the prompts stage.

    Attributes:
        prompts: one row per prompt in use; columns ``COLUMNS``, ordered by label, split and priority.
        summary: counts, lengths and categories per label and group (see ``steadfast.prompts.summary``).
        warnings: warnings for users.
    """

    prompts: "pd.DataFrame"
    summary: "pd.DataFrame"
    warnings: list[str]


def build_prompt_table(by_label: Mapping[str, Sequence[Mapping[str, Any]]], **settings: Any) -> PromptTables:
    """Read, clean and split the prompts.

    Args:
        by_label: by label (``harmful``, ``harmless``), the entries of its sources.
        settings: the other arguments of ``steadfast.prompts.selection.select_prompts``.

    Raises:
        ConfigError, DataError: as ``select_prompts``.
    """
    import pandas as pd

    from steadfast.prompts.summary import summarize, warnings_about

    selection = select_prompts(by_label, **settings)
    table = pd.DataFrame(_rows(selection), columns=COLUMNS).astype({"human": bool})
    return PromptTables(table, summarize(selection), warnings_about(selection))


def check_prompts(by_label: Mapping[str, Sequence[Mapping[str, Any]]], **settings: Any) -> None:
    """Check the settings of the prompts stage before any job.

    If all sources are local and not too large, the prompts are read, cleaned and split in advance, so that too few
    prompts and overlaps are reported before anything runs. Data sets of the hub are checked in the job.

    Args:
        by_label: by label, the entries of its sources.
        settings: the other arguments of ``select_prompts``.

    Raises:
        ConfigError: with the message that the job would fail with.
    """
    check_language(settings["language"])
    _reject_repeated_sources(by_label)
    if can_be_previewed([source for sources in by_label.values() for source in sources]):
        try:
            select_prompts(by_label, **settings)
        except DataError as error:
            raise ConfigError(str(error)) from error


def _rows(selection: PromptSelection) -> list[dict[str, object]]:
    return [
        {
            "prompt_id": prompt_id(prompt.text),
            "text": prompt.text,
            "label": label,
            "split": split,
            "human": split == "evaluation" and prompt in selection.human[label],
            "category": prompt.category,
            "source": prompt.source,
        }
        for label, splits in selection.chosen.items()
        for split in SPLITS
        for prompt in splits[split]
    ]


def _reject_repeated_sources(by_label: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    seen: dict[str, str] = {}
    for label, sources in by_label.items():
        for index, source in enumerate(sources):
            # the pinned split and the category do not distinguish prompts
            what = {key: value for key, value in source.items() if key not in ("assign", "category_column")}
            if PROMPT_SOURCES.read(source).labels() is not None:
                what["label"] = label
            where = f"{label}.{index}"
            first = seen.setdefault(repr(sorted(what.items())), where)
            if first != where and not PROMPT_SOURCES.of(source).Settings.is_synthetic:
                raise ConfigError(f"{where} reads the same prompts as {first}; remove one of them")


def can_be_previewed(sources: Sequence[Mapping[str, Any]]) -> bool:
    """Whether sources are local and small enough to be read before the run."""
    files = [source_files(source) for source in sources]
    if not all(files):
        return False
    return sum(Path(file).stat().st_size for found in files for file in found) <= PREVIEW_BYTES
