"""The parts that the synthetic world is made of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["harmful", "lookalike", "benign"]
HARMFUL: Kind = "harmful"
LOOKALIKE: Kind = "lookalike"
BENIGN: Kind = "benign"


@dataclass(frozen=True)
class Domain:
    """A harmful category or a harmless task.

    Attributes:
        name: the category of its prompts.
        verbs: what is done in it; in a harmful category, harmful with ``objects``.
        objects: what it is done to.
        tools: things that its answers name.
        parts: places that its answers name.
        opener: how its answers begin.
        harmless_verbs: verbs that are harmless with ``objects``; empty in a harmless task.
        harmless_objects: objects that are harmless with ``verbs``; empty in a harmless task.
        reason: the sentence that says why the category is harmful.
        alternatives: what to do in its place.
    """

    name: str
    verbs: tuple[str, ...]
    objects: tuple[str, ...]
    tools: Sequence[str]
    parts: Sequence[str]
    opener: str
    harmless_verbs: tuple[str, ...] = ()
    harmless_objects: tuple[str, ...] = ()
    reason: str = ""
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Everyday:
    """Words for what is harmless in a harmful category.

    Attributes:
        tools: tools for its harmless verbs.
        parts: places of its harmless objects.
        play: how answers about its verbs with harmless objects begin.
        care: how answers about its objects with harmless verbs begin.
    """

    tools: Sequence[str]
    parts: Sequence[str]
    play: str
    care: str


@dataclass(frozen=True)
class Pair:
    """A verb with an object, and the words that texts about it use."""

    verb: str
    object: str
    kind: Kind
    category: str
    tool: str
    part: str
    opener: str
    held_out: bool = False
    reason: str = ""
    alternative: str = ""

    def words(self) -> dict[str, str]:
        """Values of the slots that a text about this pair may have."""
        return {
            "verb": self.verb,
            "object": self.object,
            "tool": self.tool,
            "part": self.part,
            "reason": self.reason,
            "alternative": self.alternative,
        }


@dataclass(frozen=True)
class Phrasing:
    """A wording of a request, with the names of the forms in which it is answered or refused."""

    text: str
    answer: str
    refusal: str


@dataclass(frozen=True)
class RefusalForm:
    """A wording of a refusal.

    Attributes:
        text: the refusal, with slots.
        mark: the words by which it is recognized.
        soft: it redirects without a set phrase.
    """

    text: str
    mark: str
    soft: bool


@dataclass(frozen=True)
class Chat:
    """One request and its response."""

    prompt: str
    response: str


def slot_pattern(text: str, slots: dict[str, str]) -> re.Pattern[str]:
    """Compile a text with ``{slot}`` marks: each slot represents its regular expression, all else for itself."""
    pieces = re.split(r"\{(\w+)\}", text)
    return re.compile("".join(slots[piece] if odd % 2 else re.escape(piece) for odd, piece in enumerate(pieces)))
