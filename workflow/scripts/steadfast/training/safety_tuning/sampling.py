"""Training prompts: requests in framings that are the same for every label, disjoint from the prompts of a run."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from steadfast.core.locations import PROJECT
from steadfast.core.yaml_text import parse_yaml
from steadfast.prompts.similarity import NearDuplicateIndex
from steadfast.prompts.text import normalized_key, words
from steadfast.training.safety_tuning.requests import CORE, KINDS, Framings, TopicRequest

STEM = 5
FUNCTION_WORDS = PROJECT / "resources" / "safety_tuning" / "function_words.yaml"
Card = TypeVar("Card")

CONTEXT_SHARE = 0.3
"""Share of the prompts that get a context sentence before or after."""


@dataclass(frozen=True)
class TrainingPrompt:
    """One prompt of the training data.

    Attributes:
        text: text of the user turn.
        request: its request.
    """

    text: str
    request: TopicRequest


def sample_prompts(
    requests: Sequence[TopicRequest], framings: Framings, count: int, rng: random.Random
) -> list[TrainingPrompt]:
    """Sample ``count`` different prompts, balanced over categories and over the cores of a category.

    Framings are assigned from a shuffled deck, so that each is equally frequent for every label.
    """
    dealers = {kind: _deal(framings.by_kind[kind], rng) for kind in KINDS}
    before, after = _deal(framings.before, rng), _deal(framings.after, rng)
    by_category: dict[str, list[TopicRequest]] = {}
    for request in requests:
        by_category.setdefault(request.category, []).append(request)
    cores = {category: _deal(group, rng) for category, group in by_category.items()}
    categories = sorted(by_category)
    prompts: dict[str, TrainingPrompt] = {}
    misses = 0
    while len(prompts) < count and misses < 10 * count:
        request = next(cores[categories[len(prompts) % len(categories)]])
        text = next(dealers[request.kind]).replace(CORE, request.core)
        draw = rng.random() / CONTEXT_SHARE
        if draw < 0.5:
            text = f"{next(before)} {text}"
        elif draw < 1:
            text = f"{text} {next(after)}"
        text = text[0].upper() + text[1:]
        misses += text in prompts
        prompts.setdefault(text, TrainingPrompt(text, request))
    return list(prompts.values())


def drop_near_duplicates(
    prompts: Sequence[TrainingPrompt], others: Iterable[str], threshold: float
) -> list[TrainingPrompt]:
    """The prompts without near-duplicates in ``others``, by the same rule as for the splits of a run.

    Args:
        prompts: training prompts.
        others: calibration and evaluation prompts.
        threshold: Jaccard similarity of word sets at which two texts count as near-duplicates.
    """
    bags = [bag_of_words(text) for text in others]
    index = NearDuplicateIndex(bags, threshold)
    for bag in bags:
        index.add(bag)
    return [prompt for prompt in prompts if index.find(bag_of_words(prompt.text)) is None]


def drop_paraphrases(requests: Sequence[TopicRequest], others: Iterable[str], threshold: float) -> list[TopicRequest]:
    """The requests that are not paraphrases of any of ``others``.

    Stricter than near-duplication, since framings and context sentences hide that two prompts ask for the same thing:
    of a core's content words (their first letters, so that "steal" and "stealing" are the same), a share of at least
    ``threshold``, and two or more, occur in the other prompt.
    """
    stems = [content_stems(text) for text in others]
    return [request for request in requests if not _is_paraphrase(content_stems(request.core), stems, threshold)]


def content_stems(text: str) -> frozenset[str]:
    """The first ``STEM`` letters of each word that is not a function word."""
    return frozenset(word[:STEM] for word in words(text) if word not in function_words())


@cache
def function_words() -> frozenset[str]:
    """English function words, in lower case."""
    content = parse_yaml(FUNCTION_WORDS.read_text(encoding="utf-8"))
    return frozenset(content["words"].split())


def _is_paraphrase(core: frozenset[str], others: Iterable[frozenset[str]], threshold: float) -> bool:
    shared = max((len(core & other) for other in others), default=0)
    return shared >= 2 and shared >= threshold * len(core)


def bag_of_words(text: str) -> frozenset[str]:
    """The set of words used to find near-duplicates."""
    return frozenset(normalized_key(text).split())


def share_by_kind(prompts: Sequence[TrainingPrompt]) -> Mapping[str, float]:
    """Share of each kind of core, which should differ little between labels."""
    return {kind: sum(prompt.request.kind == kind for prompt in prompts) / len(prompts) for kind in KINDS}


def _deal(cards: Sequence[Card], rng: random.Random) -> Iterator[Card]:
    """An infinite sequence of shuffled decks."""
    while True:
        deck = list(cards)
        rng.shuffle(deck)
        yield from deck
