"""The synthetic world: its requests, answers and refusals.

Harm depends on the pair of a verb and an object: both words of a harmful request also occur in harmless ones.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from steadfast.core.errors import DataError
from steadfast.prompts.synthetic.grammar import (
    BENIGN,
    HARMFUL,
    LOOKALIKE,
    Domain,
    Everyday,
    Kind,
    Pair,
    Phrasing,
    RefusalForm,
    slot_pattern,
)
from steadfast.prompts.synthetic.reading import ParsedResponse, ResponseParser
from steadfast.prompts.synthetic.worldfile import read_fields


@dataclass(frozen=True)
class WorldPrompt:
    """A request of the world.

    Attributes:
        text: the request.
        label: ``harmful`` or ``harmless``.
        category: the harmful category, the harmless task, or ``<category>_lookalike`` for a harmless request that
            shares a verb or an object with a harmful category.
        held_out: its pair occurs in no training text.
    """

    text: str
    label: Literal["harmful", "harmless"]
    category: str
    held_out: bool


@dataclass(frozen=True)
class ParsedPrompt:
    """A parsed prompt: its pair, its phrasing and the index of its suffix."""

    pair: Pair
    phrasing: Phrasing
    suffix: int


@dataclass(frozen=True)
class World:
    """The grammar. All its results depend only on its word lists.

    Attributes:
        harmful: the harmful categories.
        harmless: the harmless tasks.
        phrasings: wordings of a request.
        suffixes: irrelevant circumstances that a request may mention.
        answers: forms of an answer, by name.
        refusals: forms of a refusal, by name.
        documents: texts of the pretraining corpus by kind, with slots.
        tag: format of a tagged document.
        everyday: words for harmless requests in a harmful category.
        held_out_every: one pair in this number is held out of training.
    """

    harmful: tuple[Domain, ...]
    harmless: tuple[Domain, ...]
    phrasings: tuple[Phrasing, ...]
    suffixes: tuple[str, ...]
    answers: dict[str, str]
    refusals: dict[str, RefusalForm]
    documents: dict[str, tuple[str, ...]]
    tag: str
    everyday: Everyday
    held_out_every: int

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """All pairs that occur in prompts."""
        return tuple(self._pairs())

    def prompts(self) -> list[WorldPrompt]:
        """One prompt per pair, always the same ones in the same order.

        Phrasing and suffix differ between pairs that share a word, so that no two prompts are near-duplicates.
        """
        return [self._prompt(index, pair) for index, pair in enumerate(self.pairs)]

    def ask(self, pair: Pair, phrasing: Phrasing, suffix: int) -> str:
        """The request for a pair in a given wording."""
        return phrasing.text.format(verb=pair.verb, object=pair.object, suffix=self.suffixes[suffix])

    def answer(self, pair: Pair, phrasing: Phrasing) -> str:
        """The compliant response."""
        return f"{pair.opener}, {self.answers[phrasing.answer].format(**pair.words())}"

    def refuse(self, pair: Pair, phrasing: Phrasing) -> str:
        """The refusal of a harmful request."""
        return self.refusals[phrasing.refusal].text.format(**pair.words())

    def read_prompt(self, text: str) -> ParsedPrompt:
        """Read a prompt.

        Raises:
            DataError: it is not a request of this world.
        """
        for phrasing, pattern in self._prompt_patterns:
            found = pattern.fullmatch(text.strip())
            if found:
                pair = self._pair_of.get((found["verb"], found["object"]))
                if pair:
                    return ParsedPrompt(pair, phrasing, self.suffixes.index(found["suffix"]))
        raise DataError(f"not a prompt of the synthetic world, which the grammar cannot read: {text[:80]!r}")

    def classify(self, prompt: str, response: str) -> ParsedResponse:
        """Read a response to a prompt of this world: whether it refuses, and whether it is about the request.

        Exact for responses that follow the grammar. A response is a refusal if it contains the mark of a refusal and no
        sentence that answers the request; garbled text and other topics are off-topic non-refusals.

        Raises:
            DataError: the prompt is not of this world.
        """
        return self._reader.read(self.read_prompt(prompt).pair, response)

    @cached_property
    def _reader(self) -> ResponseParser:
        return ResponseParser(self.answers, self.refusals, frozenset(pair.object for pair in self.pairs))

    @cached_property
    def _pair_of(self) -> dict[tuple[str, str], Pair]:
        return {(pair.verb, pair.object): pair for pair in self.pairs}

    @cached_property
    def _prompt_patterns(self) -> list[tuple[Phrasing, re.Pattern[str]]]:
        suffixes = "|".join(re.escape(suffix) for suffix in self.suffixes)
        slots = {"verb": r"(?P<verb>\w+)", "object": r"(?P<object>\w+)", "suffix": f"(?P<suffix>{suffixes})"}
        return [(phrasing, slot_pattern(phrasing.text, slots)) for phrasing in self.phrasings]

    def _pairs(self) -> Iterator[Pair]:
        for domain in self.harmful:
            everyday = self.everyday
            care = replace(domain, verbs=domain.harmless_verbs, tools=everyday.tools, opener=everyday.care)
            play = replace(domain, objects=domain.harmless_objects, parts=everyday.parts, opener=everyday.play)
            yield from self._grid(domain, HARMFUL)
            yield from self._grid(care, LOOKALIKE)
            yield from self._grid(play, LOOKALIKE)
        for domain in self.harmless:
            yield from self._grid(domain, BENIGN)

    def _grid(self, domain: Domain, kind: Kind) -> Iterator[Pair]:
        category = f"{domain.name}_lookalike" if kind == LOOKALIKE else domain.name
        for row, verb in enumerate(domain.verbs):
            for column, thing in enumerate(domain.objects):
                yield Pair(
                    verb=verb,
                    object=thing,
                    kind=kind,
                    category=category,
                    tool=domain.tools[row % len(domain.tools)],
                    part=domain.parts[column % len(domain.parts)],
                    opener=domain.opener,
                    held_out=(row + column) % self.held_out_every == 0,
                    reason=domain.reason,
                    alternative=domain.alternatives[column % len(domain.alternatives)] if domain.alternatives else "",
                )

    def _prompt(self, index: int, pair: Pair) -> WorldPrompt:
        # steps coprime to the numbers of phrasings and suffixes cover all of them
        phrasing = self.phrasings[index * 5 % len(self.phrasings)]
        suffix = index * 3 % len(self.suffixes)
        label: Literal["harmful", "harmless"] = "harmful" if pair.kind == HARMFUL else "harmless"
        return WorldPrompt(self.ask(pair, phrasing, suffix), label, pair.category, pair.held_out)


def load_world(path: str | Path) -> World:
    """Read and check a world file.

    Raises:
        DataError: it does not have the expected shape; the message names the entry.
    """
    return World(**read_fields(path))
