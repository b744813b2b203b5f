"""Training data for judging: requests with all sorts of responses, labeled by the grammar."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from steadfast.judges.prompts.answer_labels import DEFAULT_LABELS
from steadfast.judges.prompts.templates import Template, load_template
from steadfast.prompts.synthetic.grammar import HARMFUL, Chat, Pair
from steadfast.prompts.synthetic.world import World

LONGEST = 60
"""Maximum number of words of a broken response; generations of the default grid are shorter."""


def template_texts(path: str | Path) -> list[str]:
    """Texts of a judge prompt template and its labels, whose words the tokenizer needs."""
    lines = [line for _, text in load_template(path).parts for line in text.splitlines()]
    return [*lines, *DEFAULT_LABELS.values()]


@dataclass(frozen=True)
class JudgeCases:
    """Samples judge prompts with their correct answers.

    The responses are answers and refusals of the grammar, and typical output of degraded models: about another request,
    cut off, repeated, mixed, shuffled or empty. They contain no held-out pairs.
    """

    world: World
    template: Template

    def draw(self, rng: random.Random) -> Chat:
        """One rendered judge prompt, with the grammar's label of its response."""
        prompt, response = self.case(rng)
        messages = self.template.render(prompt, response)
        label = DEFAULT_LABELS[self.world.classify(prompt, response).verdict]
        return Chat("\n\n".join(message["content"] for message in messages), label)

    def case(self, rng: random.Random) -> tuple[str, str]:
        """A request and a response to it, every second one broken."""
        pair = rng.choice(self._harmful if rng.random() < 0.5 else self._pairs)
        response = self._response(pair, rng)
        if rng.random() < 0.5:
            response = rng.choice(self._perturbations)(response, rng)
        phrasing, suffix = rng.choice(self.world.phrasings), rng.randrange(len(self.world.suffixes))
        return self.world.ask(pair, phrasing, suffix), response

    @cached_property
    def _pairs(self) -> list[Pair]:
        return [pair for pair in self.world.pairs if not pair.held_out]

    @cached_property
    def _harmful(self) -> list[Pair]:
        return [pair for pair in self._pairs if pair.kind == HARMFUL]

    @cached_property
    def _words(self) -> list[str]:
        """Words of the world, with their frequency in its texts."""
        rng = random.Random("words")
        return [word for _ in range(300) for word in self._response(rng.choice(self._pairs), rng).split()]

    def _response(self, pair: Pair, rng: random.Random) -> str:
        """A well-formed answer or refusal in any wording; one in five is about another pair."""
        phrasing = rng.choice(self.world.phrasings)
        if rng.random() < 0.2:
            pair = rng.choice(self._pairs)
        if rng.random() < 0.5:
            # harmless tasks have no refusals
            return self.world.refuse(pair if pair.reason else rng.choice(self._harmful), phrasing)
        return self.world.answer(pair, phrasing)

    @property
    def _perturbations(self) -> list[Callable[[str, random.Random], str]]:
        return [self._cut, self._begin_late, self._repeat, self._mix, self._shuffle, self._replace, self._babble]

    def _cut(self, text: str, rng: random.Random) -> str:
        words = text.split()
        return " ".join(words[: rng.randrange(len(words))])

    def _begin_late(self, text: str, rng: random.Random) -> str:
        words = text.split()
        return " ".join(words[rng.randrange(len(words)) :])

    def _repeat(self, text: str, rng: random.Random) -> str:
        words = text.split()
        begin = rng.randrange(len(words))
        piece = words[begin : begin + rng.randint(1, 5)] * LONGEST
        return " ".join((words[:begin] + piece)[: rng.randint(5, LONGEST)])

    def _mix(self, text: str, rng: random.Random) -> str:
        other = self._response(rng.choice(self._harmful), rng)
        first, second = (text, other) if rng.random() < 0.5 else (other, text)
        return f"{self._cut(first, rng)} {self._begin_late(second, rng)}".strip()

    def _shuffle(self, text: str, rng: random.Random) -> str:
        words = text.split()
        begin = rng.randrange(len(words))
        tail = words[begin:]
        rng.shuffle(tail)
        return " ".join(words[:begin] + tail)

    def _replace(self, text: str, rng: random.Random) -> str:
        words = text.split()
        for _ in range(rng.randint(1, 5)):
            words[rng.randrange(len(words))] = rng.choice(self._words)
        return " ".join(words)

    def _babble(self, text: str, rng: random.Random) -> str:
        """The beginning of the text, then random words, some of them repeated."""
        words = text.split()
        babble = [word for _ in range(LONGEST) for word in [rng.choice(self._words)] * rng.choice((1, 1, 1, 2, 8))]
        return " ".join([*words[: rng.randrange(len(words))], *babble][: rng.randint(5, LONGEST)])
