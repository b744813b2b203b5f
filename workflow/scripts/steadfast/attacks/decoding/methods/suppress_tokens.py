"""Tokens that are never generated, such as the tag that marks unsafe text in pretraining."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from steadfast.attacks.decoding import Steering
from steadfast.core.errors import ConfigError
from steadfast.core.settings import SettingsModel, Text, UniqueItems

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Settings(SettingsModel):
    """Tokens that are never generated, such as a pretraining tag."""

    tokens: UniqueItems[Text] = Field(
        min_length=1,
        description="Texts, each a single token in every model of this variant; leading spaces count.",
    )


@dataclass(frozen=True)
class SuppressTokens:
    """Suppresses ``tokens``, each a text that is exactly one token; a leading space counts."""

    tokens: tuple[str, ...]

    def steer(self, tokenizer: "PreTrainedTokenizerBase") -> Steering:
        """See ``steadfast.attacks.decoding.Decoding``."""
        return Steering(suppressed=tuple(_only_token(tokenizer, text) for text in self.tokens))


def build(settings: Settings) -> SuppressTokens:
    """The rule."""
    return SuppressTokens(tuple(settings.tokens))


def _only_token(tokenizer: Any, text: str) -> int:
    from steadfast.models.continuations import continuation_tokens

    ids = continuation_tokens(tokenizer, text)
    if len(ids) != 1:
        pieces = ", ".join(map(repr, tokenizer.convert_ids_to_tokens(ids)))
        raise ConfigError(
            f"decoding.tokens: {text!r} is not one token of this model but {len(ids)} ({pieces}); name one of its own"
        )
    return ids[0]
