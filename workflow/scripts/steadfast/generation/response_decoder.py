"""Decoding of new tokens into the columns of a response: response text, thinking, and remaining control tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from steadfast.generation.degeneration import is_degenerate
from steadfast.generation.interface import Generation, GenerationRequest
from steadfast.generation.thinking import FORMATS, ThinkingFormat, control_tokens, opened_by, split_thinking

PROMPT_END_TOKENS = 32


@dataclass(frozen=True)
class ResponseDecoder:
    """Converts tokens into the cells of a row.

    Attributes:
        tokenizer: the model's own tokenizer.
        formats: possible thinking formats of the model.
    """

    tokenizer: Any
    formats: Sequence[ThinkingFormat] = FORMATS

    def __call__(self, request: GenerationRequest, generation: Generation) -> dict[str, Any]:
        """Decode one response.

        Special tokens are decoded too, since most models mark their thinking with them, and then removed from the
        answer. Special tokens inside the answer are reported in ``control_tokens``, since they may enclose thinking in
        an unknown format.
        """
        prompt_end = self.tokenizer.decode(list(request.prompt_tokens[-PROMPT_END_TOKENS:]))
        text: str = self.tokenizer.decode(list(generation.tokens), skip_special_tokens=False)
        split = split_thinking(text, self.formats, opened=opened_by(prompt_end, self.formats))
        inside = self._without_special_at_ends(split.response)
        response = self._without_special_tokens(inside)
        return {
            "response": response,
            "n_tokens": len(generation.tokens),
            "finish_reason": generation.finish_reason,
            "degenerate": is_degenerate(response),
            "thinking": self._without_special_tokens(split.thinking),
            "unfinished_thinking": not split.closed,
            "control_tokens": " ".join(control_tokens(inside, self._special, self.formats)),
        }

    @cached_property
    def _special(self) -> list[str]:
        """Texts of the special tokens, longest first."""
        added = {str(token.content) for token in self.tokenizer.added_tokens_decoder.values() if token.special}
        names = added | set(map(str, self.tokenizer.all_special_tokens))
        return sorted(names, key=lambda name: (-len(name), name))

    def _without_special_at_ends(self, text: str) -> str:
        """A text without leading and trailing special tokens, such as the end-of-turn token."""
        stripped = text.strip()
        for name in self._special:
            if name and (stripped.startswith(name) or stripped.endswith(name)):
                return self._without_special_at_ends(stripped.removeprefix(name).removesuffix(name))
        return stripped

    def _without_special_tokens(self, text: str) -> str:
        for name in self._special:
            text = text.replace(name, "")
        return text.strip()
