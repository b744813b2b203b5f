"""Tokens that are never written, such as the tag that marks unsafe text in pretraining."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steadfast.attacks.decoding import Steering
from steadfast.core.errors import ConfigError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class SuppressTokens:
    """Suppresses ``tokens``, each a text that is exactly one token; a leading space counts."""

    tokens: tuple[str, ...]

    def steer(self, tokenizer: "PreTrainedTokenizerBase") -> Steering:
        """See ``steadfast.attacks.decoding.Decoding``."""
        return Steering(suppressed=tuple(_only_token(tokenizer, text) for text in self.tokens))


def build(tokens: Sequence[str]) -> SuppressTokens:
    """Build the rule.

    Raises:
        ConfigError: ``tokens`` is no list of texts.
    """
    if isinstance(tokens, str) or not tokens or not all(isinstance(text, str) and text for text in tokens):
        raise ConfigError(f"decoding.tokens: {tokens!r} must be a list of at least one text")
    return SuppressTokens(tuple(tokens))


def _only_token(tokenizer: Any, text: str) -> int:
    from steadfast.models.continuations import tokens_behind

    ids = tokens_behind(tokenizer, text)
    if len(ids) != 1:
        pieces = ", ".join(map(repr, tokenizer.convert_ids_to_tokens(ids)))
        raise ConfigError(
            f"decoding.tokens: {text!r} is not one token of this model but {len(ids)} ({pieces}); name one of its own"
        )
    return ids[0]
