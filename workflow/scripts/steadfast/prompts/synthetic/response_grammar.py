"""Properties of a response by the grammar: helpfulness, hallucination, format following."""

import re
from dataclasses import dataclass
from functools import cached_property

from steadfast.prompts.synthetic.grammar import Domain, slot_pattern
from steadfast.prompts.synthetic.reading import WORD
from steadfast.prompts.synthetic.world import World


@dataclass(frozen=True)
class AnswerQuality:
    """The grammar's assessment of one response.

    Attributes:
        on_topic: it answers the request; see ``Reading.on_topic``.
        hallucination: it names an object, a tool or a part of the world that is unrelated to the request and its
            answer: the world's facts are that every verb has its tool and every object its part.
        form_followed: it is worded in the form that this wording of the request asks for, about the right pair.
    """

    on_topic: bool
    hallucination: bool
    form_followed: bool


@dataclass(frozen=True)
class AnswerReader:
    """Reads answers to requests of one world."""

    world: World

    def read(self, prompt: str, response: str) -> AnswerQuality:
        """Read a response to a prompt of this world.

        Raises:
            DataError: the prompt is not of this world.
        """
        request = self.world.read_prompt(prompt)
        pair = request.pair
        reading = self.world.classify(prompt, response)
        text = " ".join(response.split())
        named = self._nouns.intersection(_words(text)) - _words(prompt) - {pair.object, pair.tool, pair.part}
        slots = {"verb": re.escape(pair.verb), "object": re.escape(pair.object), "tool": WORD, "part": WORD}
        form = slot_pattern(self.world.answers[request.phrasing.answer], slots)
        return AnswerQuality(
            on_topic=reading.on_topic,
            # a refusal suggests alternatives, which are not claims about the request
            hallucination=reading.verdict != "refusal" and bool(named),
            form_followed=form.search(text) is not None,
        )

    @cached_property
    def _nouns(self) -> frozenset[str]:
        """All objects, tools and parts of the world."""
        domains: tuple[Domain, ...] = (*self.world.harmful, *self.world.harmless)
        listed = [word for domain in domains for word in (*domain.objects, *domain.harmless_objects)]
        listed += [word for domain in domains for word in (*domain.tools, *domain.parts)]
        return frozenset([*listed, *self.world.everyday.tools, *self.world.everyday.parts])


def _words(text: str) -> set[str]:
    return set(re.findall(WORD, text.casefold()))
