"""Answers conditioned on a tag of pretraining (conditional training, Korbak et al. 2023).

The answer is made to begin with the tag, so the model writes what it has learned to write behind it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steadfast.attacks.decoding import Steering
from steadfast.core.errors import ConfigError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class TagConditioned:
    """Puts ``tag`` at the beginning of every answer."""

    tag: str

    def steer(self, tokenizer: "PreTrainedTokenizerBase") -> Steering:
        """See ``steadfast.attacks.decoding.Decoding``."""
        from steadfast.models.continuations import tokens_behind

        return Steering(prefix=tuple(tokens_behind(tokenizer, self.tag)))


def build(tag: str) -> TagConditioned:
    """Build the rule.

    Raises:
        ConfigError: ``tag`` is no text.
    """
    if not isinstance(tag, str) or not tag.strip():
        raise ConfigError(f"decoding.tag: {tag!r} must be a text")
    return TagConditioned(tag)
