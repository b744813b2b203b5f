"""Paths of all results, defined once for the rules, the scripts and the package.

A ``PathTemplate`` is a path with Snakemake wildcards. ``at`` fills them in, and ``keys`` reads them back from a path,
so that a job gets the model, variant and judge of a file from its path.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from steadfast.core.errors import DataError
from steadfast.grid.data import ModelVariant

Split = Literal["evaluation", "calibration", "attack_selection"]
"""The split for results, the split for directions, or the part of the latter on which a sweep's attacks are
compared."""

_WILDCARD = re.compile(r"\{(\w+)\}")


class PathTemplate(str):
    """A path with wildcards in braces."""

    __slots__ = ()

    def at(self, **values: str) -> str:
        """The path with its wildcards filled in."""
        return self.format(**values)

    def of(self, pairs: Iterable[ModelVariant], **further: str) -> list[str]:
        """The paths of the given model–variant pairs."""
        return [self.at(model=pair.model, variant=pair.variant, **further) for pair in pairs]

    def keys(self, path: object) -> dict[str, str]:
        """The values of the wildcards in a path.

        Args:
            path: a path of this template, relative or below some folder.

        Raises:
            DataError: the path does not have this form.
        """
        pieces = _WILDCARD.split(self)
        # every second part is the name of a wildcard
        pattern = "".join(
            f"(?P<{piece}>[^/]+)" if index % 2 else re.escape(piece) for index, piece in enumerate(pieces)
        )
        found = re.search(f"(?:^|/){pattern}$", str(path))
        if found is None:
            raise DataError(f"{path}: not of the form {self}")
        return found.groupdict()

    def pair(self, path: object) -> ModelVariant:
        """The model-variant pair in a path.

        Raises:
            DataError: the path does not have this form.
        """
        keys = self.keys(path)
        return ModelVariant(keys["model"], keys["variant"])

    def by(self, wildcard: str, files: Iterable[str]) -> dict[str, str]:
        """Paths of this template, by the value of one wildcard.

        Raises:
            DataError: a path does not have this form.
        """
        return {self.keys(path)[wildcard]: path for path in files}


# prompts
PROMPTS = "results/prompts/prompts.parquet"
PROMPT_SUMMARY = "results/prompts/summary.csv"

# models, directions and checkpoints
MODEL = PathTemplate("results/models/{model}")
ACTIVATIONS = PathTemplate("results/activations/{model}.safetensors")
MARGINS = PathTemplate("results/margins/{model}.csv")
DIRECTION = PathTemplate("results/directions/{model}/{variant}.safetensors")
SELECTION = PathTemplate("results/directions/{model}/{variant}.csv")
CHOSEN_EDIT = PathTemplate("results/directions/{model}/{variant}.edit.json")
SEARCH_JOURNAL = PathTemplate("results/search/{model}/{variant}.journal")
CHECKPOINT = PathTemplate("results/checkpoints/{model}/{variant}")
EXPORTED_EDIT = PathTemplate("results/edited_models/{form}/{model}/{variant}")
ADAPTER = PathTemplate("results/adapters/{recipe}/seed{seed}")
HARMLESS_ANSWERS = "results/adapters/harmless_answers.jsonl"

# responses and judgments
CONTROL_JUDGMENTS = PathTemplate("results/self_evaluation/{judge}/{model}/{variant}.parquet")
RESULT_CACHE = "results/answers"
RESPONSE_CACHE = PathTemplate("results/answers/responses/{model}")
OWN_JUDGMENT_CACHE = PathTemplate("results/answers/judgments/{model}")
_SPLIT_FOLDERS: dict[Split, str] = {
    "evaluation": "",
    "calibration": "calibration/",
    "attack_selection": "attack_selection/",
}


def of_split(split: Split, name: str) -> str:
    """Name of the log or benchmark of a job that reads or generates responses to a split."""
    return f"{_SPLIT_FOLDERS[split]}{name}"


def responses(split: Split = "evaluation") -> PathTemplate:
    """The responses of a model–variant pair to the prompts of a split."""
    return PathTemplate(f"results/{of_split(split, 'responses')}/{{model}}/{{variant}}.parquet")


def judgments(split: Split = "evaluation") -> PathTemplate:
    """The verdicts of a judge on those responses."""
    return PathTemplate(f"results/{of_split(split, 'judgments')}/{{judge}}/{{model}}/{{variant}}.parquet")


# side effects
SCORES = PathTemplate("results/side_effects/{model}/{variant}.parquet")
MEASUREMENTS = "results/measurements"

# annotation
ANNOTATION_PAGE = "results/annotation/annotation.html"
ANNOTATION_KEY = "results/annotation/key.parquet"
HUMAN_LABELS = "results/annotation/labels.csv"
ANNOTATORS = "results/annotation/annotators.csv"

# tables, figures and pages
VERDICTS = "results/tables/verdicts.parquet"
SUMMARY = "results/summary.txt"
RUN_COMPARISON = "results/run_comparison.md"
JUDGE_REPORT = "results/judge_report.md"
REPORT = "results/report.html"
EXPORT = "results/export"
LOGS = "results/logs"


def table(name: str) -> str:
    """A table of the run's results; may contain wildcards."""
    return f"results/tables/{name}.csv"


def figure(name: str, suffix: str) -> str:
    """A figure of the run's results; may contain wildcards."""
    return f"results/figures/{name}.{suffix}"


def figures(name: str) -> str:
    """A folder of figures."""
    return f"results/figures/{name}"


def counts_table(name: str) -> PathTemplate:
    """A result for another study's refusal counts: a table with its suffix, or the folder of figures."""
    return PathTemplate(f"results/counts_tables/{{table}}/{name}")


def listed(paths: str | Iterable[str]) -> list[str]:
    """Paths of a named input or output, which may be one file or several."""
    return [paths] if isinstance(paths, str) else list(paths)


def verdict_file(folder: str) -> str:
    """The verdicts in a results folder."""
    return str(Path(folder) / "tables" / "verdicts.parquet")


def response_files(folder: str) -> list[str]:
    """The responses in a results folder."""
    return sorted(map(str, Path(folder).glob("responses/*/*.parquet")))


def log(name: str) -> str:
    """The log of a job; its path mirrors that of the output."""
    return f"{LOGS}/{name}.log"


def benchmark(name: str) -> str:
    """The benchmark file of a job (seconds, memory); its path mirrors that of the output."""
    return f"results/benchmarks/{name}.tsv"
