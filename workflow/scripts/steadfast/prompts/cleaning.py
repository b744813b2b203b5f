"""Cleaning: from the prompts of both labels to a pool without duplicates and near-duplicates."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from steadfast.core.errors import DataError
from steadfast.prompts.language import is_in_language
from steadfast.prompts.similarity import NearDuplicateIndex
from steadfast.prompts.sources import SPLITS, SourcePrompt, Split
from steadfast.prompts.text import normalized_key

Reason = Literal["empty", "language", "duplicate", "near_duplicate"]
REASONS: tuple[Reason, ...] = ("empty", "language", "duplicate", "near_duplicate")
MOST_EXAMPLES = 3


@dataclass(frozen=True)
class CandidatePrompt:
    """A candidate for the prompt table.

    Attributes:
        text: the prompt without surrounding whitespace.
        label: its label.
        category: its category; may be empty.
        source: where it comes from.
        pin: the split it is pinned to, if any.
        key: the text up to case, punctuation and whitespace.
        rank: a hash of seed and key, in hex. It gives a random order in which the position of a prompt does not depend
            on other prompts or on the reading order.
    """

    text: str
    label: str
    category: str
    source: str
    pin: Split | None
    key: str
    rank: str

    @property
    def priority(self) -> tuple[bool, str]:
        """Sorts candidates: pinned ones first, then by rank."""
        return self.pin is None, self.rank

    @property
    def home(self) -> Split:
        """Its pinned split, or else the one chosen by the first digit of its rank."""
        return self.pin or SPLITS[int(self.rank[0], 16) % len(SPLITS)]


@dataclass(frozen=True)
class Pool:
    """The outcome of cleaning.

    Attributes:
        kept: candidates by priority, no two of them near-duplicates.
        dropped: the others, by reason.
        crossing: pairs of near-duplicates of different labels, of which the first was dropped.
    """

    kept: list[CandidatePrompt]
    dropped: dict[Reason, list[CandidatePrompt]]
    crossing: list[tuple[CandidatePrompt, CandidatePrompt]]


def to_candidates(prompts: Iterable[SourcePrompt], label: str, seed: int) -> list[CandidatePrompt]:
    """Candidates of one label; prompts with another label are skipped."""
    return [_candidate(prompt, label, seed) for prompt in prompts if prompt.label in (None, label)]


def clean(candidates: Sequence[CandidatePrompt], *, language: str | None, near_duplicates: float) -> Pool:
    """Drop empty prompts, other languages, duplicates and near-duplicates.

    Of duplicates, the pinned one is kept, then the one with a category; of near-duplicates, the pinned one, then the
    one of lower rank. The result does not depend on the order of the candidates.

    Args:
        candidates: prompts of both labels.
        language: code of the language to keep, or None for all.
        near_duplicates: Jaccard similarity of two prompts' sets of words from which they count as the same.

    Raises:
        DataError: a text has both labels, or is pinned to both splits.
    """
    empty = [candidate for candidate in candidates if not candidate.key]
    filled = [candidate for candidate in candidates if candidate.key]
    foreign = [candidate for candidate in filled if language and not is_in_language(candidate.text, language)]
    excluded = set(foreign)
    groups = _by_key(candidate for candidate in filled if candidate not in excluded)
    _reject_two_labels(groups)
    _reject_two_splits(groups)
    distinct = [group[0] for group in groups.values()]
    kept, near, crossing = _thin_out(sorted(distinct, key=lambda candidate: candidate.priority), near_duplicates)
    dropped: dict[Reason, list[CandidatePrompt]] = {
        "empty": empty,
        "language": foreign,
        "duplicate": [candidate for group in groups.values() for candidate in group[1:]],
        "near_duplicate": near,
    }
    return Pool(kept, dropped, crossing)


def _candidate(prompt: SourcePrompt, label: str, seed: int) -> CandidatePrompt:
    key = normalized_key(prompt.text)
    rank = hashlib.sha256(f"{seed}\n{key}".encode()).hexdigest()
    return CandidatePrompt(prompt.text.strip(), label, prompt.category, prompt.source, prompt.split, key, rank)


def _by_key(candidates: Iterable[CandidatePrompt]) -> dict[str, list[CandidatePrompt]]:
    """Groups of the same text; the one to keep comes first in each."""
    groups: dict[str, list[CandidatePrompt]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.key, []).append(candidate)
    for group in groups.values():
        group.sort(key=lambda one: (one.pin is None, not one.category, one.text, one.source, one.category))
    return groups


def _reject_two_labels(groups: Mapping[str, Sequence[CandidatePrompt]]) -> None:
    shared = sorted(group[0].text for group in groups.values() if len({one.label for one in group}) > 1)
    if shared:
        raise DataError(
            f"{len(shared)} prompt(s) have both labels: {_examples(shared)}; each must be in one of them only"
        )


def _reject_two_splits(groups: Mapping[str, Sequence[CandidatePrompt]]) -> None:
    overlap = sorted(group[0].text for group in groups.values() if set(SPLITS) <= {one.pin for one in group})
    if overlap:
        raise DataError(
            f"{len(overlap)} prompt(s) are pinned to calibration and to evaluation alike: {_examples(overlap)}; "
            "pin each to one of them, or directions are tested on prompts that they were computed from"
        )


def _thin_out(
    candidates: Sequence[CandidatePrompt], threshold: float
) -> tuple[list[CandidatePrompt], list[CandidatePrompt], list[tuple[CandidatePrompt, CandidatePrompt]]]:
    """Keep each candidate that is not a near-duplicate of one kept before it."""
    bags = {candidate: frozenset(candidate.key.split()) for candidate in candidates}
    index = NearDuplicateIndex(bags.values(), threshold)
    owner: dict[frozenset[str], CandidatePrompt] = {}
    kept, dropped, crossing = [], [], []
    for candidate, bag in bags.items():
        twin = index.find(bag)
        if twin is None:
            index.add(bag)
            owner[bag] = candidate
            kept.append(candidate)
            continue
        dropped.append(candidate)
        if owner[twin].label != candidate.label:
            crossing.append((candidate, owner[twin]))
    return kept, dropped, crossing


def _examples(texts: Sequence[str]) -> str:
    more = ", ..." if len(texts) > MOST_EXAMPLES else ""
    return ", ".join(repr(text[:80]) for text in texts[:MOST_EXAMPLES]) + more
