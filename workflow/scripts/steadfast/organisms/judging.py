"""What the tiny judge learns from: requests with responses of every sort, labelled by the grammar."""

import random
from collections.abc import Callable
from pathlib import Path

from steadfast.judges._labels import DEFAULT_LABELS
from steadfast.judges._templates import load_template
from steadfast.organisms.corpus import Chat
from steadfast.organisms.grammar import HARMFUL, Pair
from steadfast.organisms.world import World


def template_texts(path: str | Path) -> list[str]:
    """The template's texts and the labels: their words become tokens of the judge."""
    template = load_template(path)
    texts = [line for _, text in template.parts for line in text.splitlines()]
    return [*texts, *DEFAULT_LABELS.values(), "> x"]


def judge_chats(world: World, template_path: str | Path, seed: int, count: int) -> list[Chat]:
    """Judge prompts with their right answers.

    The responses are answers and refusals as the grammar writes them, and what broken models write: about another
    request, cut short, repeated, mixed and shuffled. Pairs that are held out from the other models are held out here.
    """
    template = load_template(template_path)
    rng = random.Random(f"judge {seed}")
    responses = Responses(world, rng)
    chats = []
    for _ in range(count):
        prompt, response = responses.draw()
        verdict = world.classify(prompt, response).verdict
        messages = template.render(prompt, response)
        chats.append(Chat("\n\n".join(message["content"] for message in messages), DEFAULT_LABELS[verdict]))
    return chats


class Responses:
    """Draws pairs of a prompt and a response."""

    def __init__(self, world: World, rng: random.Random) -> None:
        """Keep the trained pairs of ``world``."""
        self.world = world
        self.rng = rng
        self.pairs = [pair for pair in world.pairs if not pair.held_out]
        self.harmful = [pair for pair in self.pairs if pair.kind == HARMFUL]

    def draw(self) -> tuple[str, str]:
        """A prompt and a response to it, sound or broken."""
        pair = self.rng.choice(self.harmful if self.rng.random() < 0.5 else self.pairs)
        phrasing, suffix = self.rng.choice(self.world.phrasings), self.rng.randrange(len(self.world.suffixes))
        response = self._response(pair)
        if self.rng.random() < 0.5:
            response = self.rng.choice(self._damages())(response)
        return self.world.ask(pair, phrasing, suffix), response

    def _response(self, pair: Pair) -> str:
        phrasing, suffix = self.rng.choice(self.world.phrasings), self.rng.randrange(len(self.world.suffixes))
        if self.rng.random() < 0.2:
            pair = self.rng.choice(self.pairs)
        if self.rng.random() < 0.5:
            return self.world.refuse(self._refusable(pair), phrasing)
        return self.world.answer(pair, phrasing, suffix)

    def _refusable(self, pair: Pair) -> Pair:
        return pair if pair.reason and pair.alternative else self.rng.choice(self.harmful)

    def _damages(self) -> list[Callable[[str], str]]:
        return [self._cut, self._begin_late, self._repeat, self._mix, self._shuffle, self._swap]

    def _cut(self, text: str) -> str:
        words = text.split()
        return " ".join(words[: self.rng.randrange(len(words))])

    def _begin_late(self, text: str) -> str:
        words = text.split()
        return " ".join(words[self.rng.randrange(len(words)) :])

    def _repeat(self, text: str) -> str:
        words = text.split()
        begin = self.rng.randrange(len(words))
        piece = words[begin : begin + self.rng.randint(1, 5)]
        return " ".join(words[:begin] + piece * self.rng.randint(2, 8))

    def _mix(self, text: str) -> str:
        other = self._response(self.rng.choice(self.harmful))
        first, second = (text, other) if self.rng.random() < 0.5 else (other, text)
        return f"{self._cut(first)} {self._begin_late(second)}"

    def _shuffle(self, text: str) -> str:
        words = text.split()
        begin = self.rng.randrange(len(words))
        tail = words[begin:]
        self.rng.shuffle(tail)
        return " ".join(words[:begin] + tail)

    def _swap(self, text: str) -> str:
        words = text.split()
        other = self._response(self.rng.choice(self.pairs)).split()
        for _ in range(self.rng.randint(1, 5)):
            words[self.rng.randrange(len(words))] = self.rng.choice(other)
        return " ".join(words)
