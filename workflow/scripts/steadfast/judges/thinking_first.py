"""Checkpoints that think before they judge: their labels are scored after the closed thinking.

The first token after the prompt of such a model opens its thinking, so the labels have no probability there. The
thinking is therefore generated (greedily, up to its closing marker), and the labels are scored where the answer begins.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadfast.generation.thinking import FORMATS, ThinkingFormat, begins_thinking, opened_by, split_thinking

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# Number of tokens generated to detect thinking; no opening marker is longer.
GLIMPSE_TOKENS = 16
# Number of tokens for the answer after the thinking: markers and a label.
ANSWER_TOKENS = 16
PROMPT_END_TOKENS = 32
# A scoring batch holds prompts only; a generation batch holds the prompts and their thinking.
BATCH_TOKENS = 16_384


@dataclass(frozen=True)
class Thought:
    """The thinking of a model before its answer.

    Attributes:
        tokens: new tokens up to where the answer begins.
        closed: whether the thinking was closed.
    """

    tokens: tuple[int, ...]
    closed: bool


@dataclass(frozen=True)
class Thinker:
    """Generates the thinking of a loaded model.

    Attributes:
        model: the model, with any attached hooks.
        tokenizer: its tokenizer.
        checkpoint: its directory, for the tokens that end an answer.
    """

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    checkpoint: str | Path

    def is_open(self, prompt: Sequence[int]) -> bool:
        """Whether the prompt's template opens a thinking block."""
        return bool(self._opened(prompt))

    @cached_property
    def knows_how(self) -> bool:
        """Whether the tokenizer or its chat template has an opening marker."""
        holder: Any = self.tokenizer
        vocabulary, template = holder.get_vocab(), str(getattr(holder, "chat_template", None) or "").casefold()
        marks = [mark for entry in FORMATS if not entry.if_answered for mark in entry.opening]
        return any(mark in vocabulary or mark.casefold() in template for mark in marks)

    def begins(self, prompts: Sequence[Sequence[int]]) -> list[bool]:
        """Whether the model begins its answer to each prompt with an opening marker."""
        if not self.knows_how:
            return [False] * len(prompts)
        texts = [self._decode(tokens) for tokens in self._generate(prompts, GLIMPSE_TOKENS)]
        return [begins_thinking(text) for text in texts]

    def think(self, prompts: Sequence[Sequence[int]], limit: int) -> list[Thought]:
        """The model's thinking after each prompt, up to the beginning of its answer.

        Args:
            prompts: token ids of each prompt.
            limit: maximum length of the thinking, in tokens.
        """
        written = self._generate(prompts, limit + ANSWER_TOKENS)
        return [self._thought(tokens, self._opened(prompt)) for prompt, tokens in zip(prompts, written, strict=True)]

    def _opened(self, prompt: Sequence[int]) -> tuple[ThinkingFormat, ...]:
        return opened_by(self._decode(prompt[-PROMPT_END_TOKENS:]))

    def _thought(self, tokens: tuple[int, ...], opened: Sequence[ThinkingFormat]) -> Thought:
        """The tokens before the answer, which may begin within the last one or after it."""
        split = split_thinking(self._decode(tokens), opened=opened)
        length = bisect_right(range(len(tokens) + 1), split.start, key=lambda count: len(self._decode(tokens[:count])))
        return Thought(tokens[: max(length - 1, 0)], split.closed and split.start > 0)

    def _generate(self, prompts: Sequence[Sequence[int]], limit: int) -> list[tuple[int, ...]]:
        from steadfast.generation.interface import GenerationRequest, Sampling
        from steadfast.generation.loaded_model import LoadedModel
        from steadfast.generation.responses import stop_token_ids

        engine = LoadedModel(self.model, BATCH_TOKENS)
        requests = [GenerationRequest(tuple(prompt), self._room(prompt, limit)) for prompt in prompts]
        stop = stop_token_ids(self.checkpoint, self.tokenizer)
        found = dict(engine.generate(self.checkpoint, requests, sampling=Sampling(), stop_tokens=stop))
        return [found[place].tokens for place in range(len(prompts))]

    def _room(self, prompt: Sequence[int], limit: int) -> int:
        settings: Any = self.model.config.get_text_config()
        context = getattr(settings, "max_position_embeddings", None)
        return max(1, min(limit, int(context) - len(prompt))) if context else limit

    def _decode(self, tokens: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(tokens), skip_special_tokens=False))
