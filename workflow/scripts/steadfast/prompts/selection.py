"""Selection: from the pool of clean prompts to the calibration, evaluation and human subset of each label.

The result does not depend on the reading order, and an additional prompt changes little: the hash of a prompt
determines its split and its position in the queue of that split. A split with too few prompts takes some from the end
of the other queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steadfast.core.errors import ConfigError, DataError
from steadfast.prompts.cleaning import REASONS, CandidatePrompt, Pool, clean, to_candidates
from steadfast.prompts.language import check_language
from steadfast.prompts.sources import SPLITS, Split, read_source

Assignment = dict[Split, list[CandidatePrompt]]


@dataclass(frozen=True)
class PromptSelection:
    """The selected prompts by use.

    Attributes:
        chosen: prompts of each split by label, by priority.
        human: the first evaluation prompts by label, whose responses are labeled by annotators.
        unused: clean prompts by label that no split needed.
        pool: result of cleaning.
        notices: messages about unused content of the sources' files.
    """

    chosen: dict[str, Assignment]
    human: dict[str, list[CandidatePrompt]]
    unused: dict[str, list[CandidatePrompt]]
    pool: Pool
    notices: list[str]


def select_prompts(
    by_label: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    calibration: int,
    evaluation: int,
    human: int,
    seed: int,
    language: str | None,
    near_duplicates: float,
) -> PromptSelection:
    """Read, clean and split the prompts of all labels.

    Args:
        by_label: by label, the entries of its sources.
        calibration: calibration prompts per label.
        evaluation: evaluation prompts per label.
        human: number of evaluation prompts per label for human annotation.
        seed: seed of the split.
        language: code of the language to keep, or None for all.
        near_duplicates: Jaccard similarity of two prompts' sets of words from which they count as the same.

    Raises:
        ConfigError: a setting is impossible.
        DataError: a source cannot be read, there are too few prompts, a text has both labels or is pinned to
            both splits.
    """
    check_language(language)
    if human > evaluation:
        raise ConfigError(f"human: {human} is more than the evaluation prompts per label ({evaluation})")
    needed: dict[Split, int] = {"calibration": calibration, "evaluation": evaluation}
    loaded = [(label, read_source(settings)) for label, sources in by_label.items() for settings in sources]
    candidates = [candidate for label, source in loaded for candidate in to_candidates(source.prompts, label, seed)]
    pool = clean(candidates, language=language, near_duplicates=near_duplicates)
    chosen = {label: assign(_of_label(pool.kept, label), needed) for label in by_label}
    _reject_shortage(chosen, needed, pool)
    used = {candidate for splits in chosen.values() for prompts in splits.values() for candidate in prompts}
    return PromptSelection(
        chosen=chosen,
        human={label: splits["evaluation"][:human] for label, splits in chosen.items()},
        unused={label: [one for one in _of_label(pool.kept, label) if one not in used] for label in by_label},
        pool=pool,
        notices=list(dict.fromkeys(notice for _, source in loaded for notice in source.notices)),
    )


def assign(candidates: Sequence[CandidatePrompt], needed: Mapping[Split, int]) -> Assignment:
    """Assign the candidates of one label to the splits; a split stays short where there are too few.

    Pinned candidates come first in their split and never go to the other.
    """
    queues = {
        split: sorted((one for one in candidates if one.home == split), key=lambda one: one.priority)
        for split in SPLITS
    }
    assigned = {split: queues[split][: needed[split]] for split in SPLITS}
    for split, other in (SPLITS, SPLITS[::-1]):
        spare = [one for one in queues[other][needed[other] :] if one.pin is None]
        assigned[split] += spare[::-1][: needed[split] - len(assigned[split])]
    return assigned


def _of_label(candidates: Sequence[CandidatePrompt], label: str) -> list[CandidatePrompt]:
    return [candidate for candidate in candidates if candidate.label == label]


def _reject_shortage(chosen: Mapping[str, Assignment], needed: Mapping[Split, int], pool: Pool) -> None:
    short = [label for label, splits in chosen.items() if any(len(splits[split]) < needed[split] for split in SPLITS)]
    if short:
        wanted = " + ".join(f"{needed[split]} {split}" for split in SPLITS)
        accounts = " ".join(_account(label, pool) for label in short)
        raise DataError(f"too few prompts; each label needs {wanted}. {accounts}")


def _account(label: str, pool: Pool) -> str:
    """One sentence on the prompts of a label: given, dropped by reason, usable, pinned."""
    usable = _of_label(pool.kept, label)
    dropped = {reason: len(_of_label(pool.dropped[reason], label)) for reason in REASONS}
    given = len(usable) + sum(dropped.values())
    reasons = ", ".join(f"{count} {reason.replace('_', '-')}" for reason, count in dropped.items() if count)
    pins = {split: sum(one.pin == split for one in usable) for split in SPLITS}
    pinned = ", ".join(f"{count} to {split}" for split, count in pins.items() if count)
    return (
        f"{label}: {given} given, {sum(dropped.values())} dropped{f' ({reasons})' if reasons else ''}, "
        f"{len(usable)} usable{f' (pinned: {pinned})' if pinned else ''}."
    )
