"""The texts of the training prompts: requests by category, and the framings that turn them into prompts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from steadfast.core.errors import DataError, suggest
from steadfast.core.yaml_text import parse_yaml

KINDS = ("do", "make", "ask")
"""Kinds of cores: a verb phrase, a thing to write, a whole sentence. The kind determines the framings."""
TOPIC_TEXTS = ("name", "overview", "reason", "redirect")
CORE = "{core}"


@dataclass(frozen=True)
class TopicRequest:
    """One request, without a framing.

    Attributes:
        core: the words inside a framing.
        kind: one of ``KINDS``.
        category: its category, or the harmful category that it resembles.
        topic: part of a harmful category; empty for harmless requests.
    """

    core: str
    kind: str
    category: str
    topic: str = ""


@dataclass(frozen=True)
class Topic:
    """Building blocks of answers to the harmful requests of one topic: a name, and whole sentences.

    Attributes:
        name: the topic in a few words.
        overview: neutral description of the topic.
        reason: why a request is refused.
        redirect: safe, educational content.
    """

    name: str
    overview: str
    reason: str
    redirect: str


@dataclass(frozen=True)
class Framings:
    """How a core becomes a prompt.

    Attributes:
        by_kind: sentences with a placeholder for the core.
        before: context sentences that may precede.
        after: context sentences that may follow.
    """

    by_kind: Mapping[str, tuple[str, ...]]
    before: tuple[str, ...]
    after: tuple[str, ...]


def load_harmful(path: str | Path) -> tuple[list[TopicRequest], dict[tuple[str, str], Topic]]:
    """Harmful requests, and the texts of their topics by category and topic.

    Raises:
        DataError: the file does not hold what it should.
    """
    requests: list[TopicRequest] = []
    topics: dict[tuple[str, str], Topic] = {}
    for category, parts in read_mapping(path).items():
        for topic, entry in _mapping(parts, f"{path}: {category}").items():
            where = f"{path}: {category}.{topic}"
            requests += _requests(_mapping(entry, where), where, category, topic, TOPIC_TEXTS)
            missing = [key for key in TOPIC_TEXTS if not isinstance(entry.get(key), str)]
            if missing:
                raise DataError(f"{where}.{missing[0]} must be a text")
            topics[category, topic] = Topic(**{key: entry[key].strip() for key in TOPIC_TEXTS})
    return requests, topics


def load_harmless(path: str | Path) -> list[TopicRequest]:
    """Harmless requests.

    Raises:
        DataError: the file does not hold what it should.
    """
    return [
        request
        for category, entry in read_mapping(path).items()
        for request in _requests(_mapping(entry, f"{path}: {category}"), f"{path}: {category}", category)
    ]


def load_framings(path: str | Path) -> Framings:
    """Framings, each checked for a placeholder for the core.

    Raises:
        DataError: the file does not hold what it should.
    """
    lists = text_lists(read_mapping(path), str(path), (*KINDS, "before", "after"))
    for kind in KINDS:
        for framing in lists[kind]:
            if framing.count(CORE) != 1:
                raise DataError(f"{path}: {kind}: {framing!r} must hold {CORE} once")
    return Framings({kind: lists[kind] for kind in KINDS}, lists["before"], lists["after"])


def text_lists(data: Mapping[str, Any], where: str, keys: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The lists of texts under ``keys``, none of them empty, and no other keys.

    Raises:
        DataError: a key is unknown or missing, or is not a list of texts.
    """
    for key in data:
        if key not in keys:
            raise DataError(f"{where}: unknown key {key!r}{suggest(key, keys)}")
    for key in keys:
        texts = data.get(key)
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
            raise DataError(f"{where}: {key} must be a list of texts")
    return {key: tuple(data[key]) for key in keys}


def read_mapping(path: str | Path) -> dict[str, Any]:
    """Read a YAML file with a mapping.

    Raises:
        DataError: it cannot be read, or is not a mapping.
    """
    try:
        data = parse_yaml(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return _mapping(data, str(path))


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        raise DataError(f"{where} must be a mapping")
    return value


def _requests(
    entry: Mapping[str, Any], where: str, category: str, topic: str = "", further: tuple[str, ...] = ()
) -> list[TopicRequest]:
    requests: list[TopicRequest] = []
    for key, text in entry.items():
        if key in further:
            continue
        if key not in KINDS:
            raise DataError(f"{where}: unknown key {key!r}{suggest(key, (*KINDS, *further))}")
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{where}.{key} must be lines of text")
        cores = [line.strip() for line in text.strip().splitlines() if line.strip()]
        requests += [TopicRequest(core, key, category, topic) for core in cores]
    return requests
