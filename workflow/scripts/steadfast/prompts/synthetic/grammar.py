"""Building blocks of the synthetic world."""

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
        verbs: its verbs; in a harmful category, harmful with ``objects``.
        objects: objects of the verbs.
        tools: tools that its answers name.
        parts: places that its answers name.
        opener: beginning of its answers.
        harmless_verbs: verbs that are harmless with ``objects``; empty in a harmless task.
        harmless_objects: objects that are harmless with ``verbs``; empty in a harmless task.
        reason: the sentence that says why the category is harmful.
        alternatives: suggestions of what to do instead.
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
    """Words for harmless requests in a harmful category.

    Attributes:
        tools: tools for its harmless verbs.
        parts: places of its harmless objects.
        play: beginning of answers about its verbs with harmless objects.
        care: beginning of answers about its objects with harmless verbs.
    """

    tools: Sequence[str]
    parts: Sequence[str]
    play: str
    care: str


@dataclass(frozen=True)
class Pair:
    """A verb with an object, and the words of texts about it."""

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
        """Values of the slots in texts about this pair."""
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
    """Compile a text with ``{slot}`` marks: slots become their regular expressions, all other text is literal."""
    pieces = re.split(r"\{(\w+)\}", text)
    return re.compile("".join(slots[piece] if odd % 2 else re.escape(piece) for odd, piece in enumerate(pieces)))
