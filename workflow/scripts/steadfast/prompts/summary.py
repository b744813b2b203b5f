"""Summary of the prompt table: counts, lengths and categories per label, and warnings."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean, median, variance

import pandas as pd

from steadfast.prompts.cleaning import REASONS, CandidatePrompt
from steadfast.prompts.selection import PromptSelection
from steadfast.prompts.sources import SPLITS
from steadfast.prompts.text import words

COLUMNS = [
    "label",
    "group",
    "count",
    "words_mean",
    "words_median",
    "characters_mean",
    "characters_median",
    "categories",
]
# Labels differ much in length if the medians of their word counts are further apart than this ratio, or their
# means by more than this many pooled standard deviations (Cohen 1988 calls 0.8 a large difference).
MEDIAN_RATIO = 1.5
STANDARDIZED_DIFFERENCE = 0.8


def summarize(selection: PromptSelection) -> pd.DataFrame:
    """One row per label and group of prompts.

    The groups are the two splits, ``human`` (a part of the evaluation), ``unused`` (clean, but not needed) and
    ``dropped_<reason>``. Lengths of an empty group are blank. ``categories`` counts each category, the most frequent
    first; prompts without one are counted as ``-``.
    """
    rows = [
        {"label": label, "group": group, **_describe(prompts)}
        for label in selection.chosen
        for group, prompts in _groups(selection, label).items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def warnings_about(selection: PromptSelection) -> list[str]:
    """Warnings for users.

    What sources pass over, differences in length, near-duplicates across labels.
    """
    found = [_length_warning(selection, split) for split in SPLITS]
    return [warning for warning in (*selection.notices, *found, _crossing_warning(selection)) if warning]


def summary_text(summary: pd.DataFrame, warnings: Sequence[str] = ()) -> str:
    """The summary as a short text: one line per label and non-empty group."""
    filled = summary[summary["count"] > 0]
    lines = [
        f"{row['label']:<10} {row['group']:<24} {row['count']:>6} prompts, {row['words_median']:g} words (median), "
        f"{row['characters_median']:g} characters; {_first(row['categories'])}"
        for row in filled.to_dict("records")
    ]
    return "\n".join([*lines, *(f"warning: {warning}" for warning in warnings)]) + "\n"


def standardized_mean_difference(first: Sequence[int], second: Sequence[int]) -> float:
    """Cohen's d: difference of the means over the pooled standard deviation; infinite if only the latter is 0.

    Samples of fewer than two values have no standard deviation; the difference is then 0.
    """
    if min(len(first), len(second)) < 2:
        return 0.0
    degrees = len(first) + len(second) - 2
    pooled = ((len(first) - 1) * variance(first) + (len(second) - 1) * variance(second)) / degrees
    difference = fmean(first) - fmean(second)
    if pooled == 0:
        return math.copysign(math.inf, difference) if difference else 0.0
    return difference / math.sqrt(pooled)


def _groups(selection: PromptSelection, label: str) -> Mapping[str, Sequence[CandidatePrompt]]:
    dropped = {
        f"dropped_{reason}": [one for one in selection.pool.dropped[reason] if one.label == label] for reason in REASONS
    }
    splits = {str(split): selection.chosen[label][split] for split in SPLITS}
    return {**splits, "human": selection.human[label], "unused": selection.unused[label], **dropped}


def _describe(prompts: Sequence[CandidatePrompt]) -> dict[str, object]:
    lengths = [len(words(prompt.text)) for prompt in prompts]
    characters = [len(prompt.text) for prompt in prompts]
    categories = Counter(prompt.category or "-" for prompt in prompts)
    ordered = sorted(categories.items(), key=lambda item: (-item[1], item[0]))
    return {
        "count": len(prompts),
        "words_mean": round(fmean(lengths), 2) if prompts else None,
        "words_median": median(lengths) if prompts else None,
        "characters_mean": round(fmean(characters), 2) if prompts else None,
        "characters_median": median(characters) if prompts else None,
        "categories": "; ".join(f"{category} {count}" for category, count in ordered),
    }


def _length_warning(selection: PromptSelection, split: str) -> str:
    lengths = {
        label: [len(words(prompt.text)) for prompt in prompts]
        for label, splits in selection.chosen.items()
        for name, prompts in splits.items()
        if name == split
    }
    if len(lengths) != 2 or not all(lengths.values()):
        return ""
    (first, first_lengths), (second, second_lengths) = lengths.items()
    medians = (median(first_lengths), median(second_lengths))
    difference = standardized_mean_difference(first_lengths, second_lengths)
    if max(medians) <= MEDIAN_RATIO * min(medians) and abs(difference) <= STANDARDIZED_DIFFERENCE:
        return ""
    return (
        f"{split}: {first} and {second} prompts differ much in length: medians {medians[0]:g} and {medians[1]:g} "
        f"words, standardized mean difference {difference:.2f}; directions and judges may pick up length, not harm"
    )


def _crossing_warning(selection: PromptSelection) -> str:
    crossing = selection.pool.crossing
    if not crossing:
        return ""
    dropped, kept = crossing[0]
    return (
        f"{len(crossing)} prompt(s) were dropped as near-duplicates of the other label, for example {dropped.text!r} "
        f"({dropped.label}) for {kept.text!r} ({kept.label}); raise near_duplicates to keep such contrasting pairs"
    )


def _first(categories: str, most: int = 4) -> str:
    parts = categories.split("; ")
    return "; ".join(parts[:most]) + (f"; and {len(parts) - most} more" if len(parts) > most else "")
