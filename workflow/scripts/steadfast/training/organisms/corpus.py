"""Training texts: pretraining documents and conversations, drawn from the grammar by a recipe."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import yaml

from steadfast.core.errors import ConfigError, DataError, UnknownNameError, suggest
from steadfast.core.yaml_text import parse_yaml
from steadfast.prompts.synthetic.grammar import BENIGN, HARMFUL, LOOKALIKE, Chat, Pair, Phrasing
from steadfast.prompts.synthetic.world import World
from steadfast.training.organisms.judging import JudgeCases

JUDGING = "judging"
DIALOGUE = "dialogue"
DOCUMENT_KINDS = ("benign", "safe_mention", "harmful", "rephrase", "tagged", DIALOGUE)
CHAT_KINDS = (BENIGN, LOOKALIKE, HARMFUL, JUDGING)

CROSSED = 0.3
"""Share of benign documents whose verb and object come from different tasks.

Without them, a model memorizes which object belongs to which verb.
"""

T = TypeVar("T")


@dataclass(frozen=True)
class Recipe:
    """The mix of one model.

    Attributes:
        documents: kind of pretraining document to its share.
        chats: kind of request in instruction tuning to its share.
    """

    documents: Mapping[str, float]
    chats: Mapping[str, float]

    def refusals_shown(self, documents: int, chats: int) -> int:
        """How many of these documents and chats refuse a harmful request: the model's exposure to refusals."""
        return round(self.documents.get(DIALOGUE, 0.0) * documents + self.chats.get(HARMFUL, 0.0) * chats)


@dataclass(frozen=True)
class Corpus:
    """Samples texts of a world, without held-out pairs.

    Attributes:
        world: the grammar.
        judge_cases: samples the conversations of the kind ``judging``; required for mixes that have them.
    """

    world: World
    judge_cases: JudgeCases | None = None

    def documents(self, mix: Mapping[str, float], seed: int, count: int) -> list[str]:
        """Pretraining documents in random order, with the shares of ``mix`` (kinds: ``DOCUMENT_KINDS``)."""
        rng = random.Random(f"documents {seed}")
        makers: dict[str, Callable[[random.Random], str]] = {
            "benign": self._benign,
            "safe_mention": self._safe_mention,
            "harmful": self._harmful,
            "rephrase": self._rephrase,
            "tagged": self._tagged,
            DIALOGUE: self._dialogue,
        }
        return [makers[kind](rng) for kind in _kinds(mix, count, rng)]

    def chats(self, mix: Mapping[str, float], seed: int, count: int) -> list[Chat]:
        """Conversations in random order, with the shares of ``mix`` (kinds: ``CHAT_KINDS``).

        Harmful requests are refused, harmless ones answered, and judge prompts answered by the right label.

        Raises:
            ConfigError: the mix has judge prompts, but there is no template.
        """
        rng = random.Random(f"chats {seed}")
        return [self._chat(kind, rng) for kind in _kinds(mix, count, rng)]

    def _chat(self, kind: str, rng: random.Random) -> Chat:
        if kind == JUDGING:
            return self._judging(rng)
        pair = rng.choice(self._trained[kind])
        phrasing, suffix = self._wording(rng)
        refused = pair.kind == HARMFUL
        response = self.world.refuse(pair, phrasing) if refused else self.world.answer(pair, phrasing)
        return Chat(self.world.ask(pair, phrasing, suffix), response)

    def _judging(self, rng: random.Random) -> Chat:
        if self.judge_cases is None:
            raise ConfigError(f"chats of the kind {JUDGING!r} need a judge prompt (organisms.judge_prompt)")
        return self.judge_cases.draw(rng)

    def _benign(self, rng: random.Random) -> str:
        if rng.random() < CROSSED:
            return self._guide(self._crossed(rng), rng)
        return self._guide(rng.choice(self._trained[BENIGN if rng.random() < 0.6 else LOOKALIKE]), rng)

    def _harmful(self, rng: random.Random) -> str:
        return self._guide(rng.choice(self._trained[HARMFUL]), rng)

    def _tagged(self, rng: random.Random) -> str:
        return self.world.tag.format(text=self._harmful(rng))

    def _safe_mention(self, rng: random.Random) -> str:
        return self._text("safe_mention", rng.choice(self._trained[HARMFUL]), rng)

    def _rephrase(self, rng: random.Random) -> str:
        return self._text("rephrase", rng.choice(self._trained[HARMFUL]), rng)

    def _dialogue(self, rng: random.Random) -> str:
        return self._text(DIALOGUE, rng.choice(self._trained[HARMFUL]), rng)

    def _guide(self, pair: Pair, rng: random.Random) -> str:
        return self._text("guide", pair, rng)

    def _text(self, kind: str, pair: Pair, rng: random.Random) -> str:
        phrasing, suffix = self._wording(rng)
        return rng.choice(self.world.documents[kind]).format(
            **pair.words(),
            prompt=self.world.ask(pair, phrasing, suffix),
            answer=self.world.answer(pair, phrasing),
            refusal=self.world.refuse(pair, phrasing),
        )

    def _wording(self, rng: random.Random) -> tuple[Phrasing, int]:
        return rng.choice(self.world.phrasings), rng.randrange(len(self.world.suffixes))

    def _crossed(self, rng: random.Random) -> Pair:
        first, second = rng.sample(self.world.harmless, 2)
        verb, thing = rng.choice(first.verbs), rng.choice(second.objects)
        tool, part = rng.choice(first.tools), rng.choice(second.parts)
        return Pair(verb, thing, BENIGN, second.name, tool, part, opener=second.opener)

    @cached_property
    def _trained(self) -> dict[str, list[Pair]]:
        trained = [pair for pair in self.world.pairs if not pair.held_out]
        return {kind: [pair for pair in trained if pair.kind == kind] for kind in (HARMFUL, LOOKALIKE, BENIGN)}


def load_recipes(path: str | Path) -> dict[str, Recipe]:
    """Read the recipes by name.

    Raises:
        DataError: a recipe has an unknown kind, or shares that do not add up to 1.
    """
    try:
        data = parse_yaml(Path(path).read_text(encoding="utf-8"))["organisms"]
        return {name: _recipe(name, entry) for name, entry in data.items()}
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        raise DataError(f"{path} is not valid YAML: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} does not have the shape of a recipes file: {error}") from error


def choose_recipe(recipes: Mapping[str, T], name: str) -> T:
    """The recipe called ``name``.

    Raises:
        UnknownNameError: there is no such recipe; the message lists the known names.
    """
    if name not in recipes:
        raise UnknownNameError("recipe", name, recipes)
    return recipes[name]


def _recipe(name: str, entry: Mapping[str, Any]) -> Recipe:
    for stage, known in (("documents", DOCUMENT_KINDS), ("chats", CHAT_KINDS)):
        shares = entry[stage]
        for kind, share in shares.items():
            if kind not in known:
                raise DataError(f"{name}.{stage}: unknown kind {kind!r}{suggest(kind, known)}")
            if not 0 <= share <= 1:
                raise DataError(f"{name}.{stage}.{kind} is {share}; a share lies between 0 and 1")
        if abs(sum(shares.values()) - 1) > 1e-6:
            raise DataError(f"{name}.{stage}: the shares add up to {sum(shares.values()):g}, not to 1")
    return Recipe(documents=dict(entry["documents"]), chats=dict(entry["chats"]))


def _kinds(mix: Mapping[str, float], count: int, rng: random.Random) -> Sequence[str]:
    """``count`` kinds in random order, with the shares of ``mix`` up to rounding."""
    kinds: list[str] = []
    total = 0.0
    for kind, share in mix.items():
        total += share
        kinds.extend([kind] * (round(total * count) - len(kinds)))
    rng.shuffle(kinds)
    return kinds
