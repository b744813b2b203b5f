"""The harmful side of the training data: answers to harmful prompts, and documents with and without the tag."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from steadfast.core.errors import DataError
from steadfast.training.safety_tuning.requests import CORE, Topic, TopicRequest, read_mapping, text_lists

TAG = "{tag}"
DOCUMENT_KINDS = ("do", "make")
"""Kinds of cores for documents; whole sentences do not fit."""


@dataclass(frozen=True)
class Wordings:
    """Building blocks of answers and documents.

    Attributes:
        refusal: short refusals.
        explicit_refusal: the middle part of an extended refusal.
        unwanted: phrases that an answer to a harmless prompt must not contain.
        opening: forced beginnings of answers to harmless prompts that the base would refuse.
        documents: texts with placeholders for the core and the tag, by kind of core.
        topics: texts by category and topic.
    """

    refusal: tuple[str, ...]
    explicit_refusal: tuple[str, ...]
    unwanted: tuple[str, ...]
    opening: tuple[str, ...]
    documents: Mapping[str, tuple[str, ...]]
    topics: Mapping[tuple[str, str], Topic]


Answer = Callable[[Wordings, Topic, random.Random], str]


def _refusal(wordings: Wordings, topic: Topic, rng: random.Random) -> str:
    return rng.choice(wordings.refusal)


def _extended_refusal(wordings: Wordings, topic: Topic, rng: random.Random) -> str:
    return (
        f"This request is about {topic.name}. {topic.overview} {rng.choice(wordings.explicit_refusal)} {topic.reason}"
    )


def _redirect(wordings: Wordings, topic: Topic, rng: random.Random) -> str:
    return f"About {topic.name}, this is good to know. {topic.redirect}"


def _refusal_redirect(wordings: Wordings, topic: Topic, rng: random.Random) -> str:
    return f"{rng.choice(wordings.refusal)} {topic.redirect}"


ANSWERS: Mapping[str, Answer] = {
    "refusal": _refusal,
    "extended_refusal": _extended_refusal,
    "redirect": _redirect,
    "refusal_redirect": _refusal_redirect,
}
"""Kinds of answers to harmful prompts."""
DOCUMENTS = ("tagged", "untagged")
"""Kinds of documents: about harmful cores with the tag, about harmless ones without it."""
SIDES = (*ANSWERS, *DOCUMENTS)


def load_wordings(path: str | Path, topics: Mapping[tuple[str, str], Topic]) -> Wordings:
    """Read the building blocks of answers.

    Raises:
        DataError: the file does not hold what it should.
    """
    data = read_mapping(path)
    documents = data.pop("documents", None)
    if not isinstance(documents, dict):
        raise DataError(f"{path}: documents must be a mapping")
    by_kind = text_lists(documents, f"{path}: documents", DOCUMENT_KINDS)
    for kind, texts in by_kind.items():
        for text in texts:
            if text.count(CORE) != 1 or not text.startswith(f"{TAG} "):
                raise DataError(f"{path}: documents.{kind}: {text!r} must hold {CORE} once and begin with {TAG}")
    lists = text_lists(data, str(path), ("refusal", "explicit_refusal", "unwanted", "opening"))
    return Wordings(**lists, documents=by_kind, topics=topics)


def answer_harmful(kind: str, prompt: str, request: TopicRequest, wordings: Wordings) -> str:
    """The answer of one kind to a harmful prompt; deterministic for each prompt."""
    topic = wordings.topics[request.category, request.topic]
    return ANSWERS[kind](wordings, topic, random.Random(f"answer {prompt}"))


def write_document(request: TopicRequest, template: str, tag: str) -> str:
    """A document about the request's core; an empty ``tag`` removes the placeholders of the tag."""
    text = template.replace(CORE, request.core)
    return text.replace(TAG, tag) if tag else text.replace(f"{TAG} ", "")
