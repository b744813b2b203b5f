"""Responses conditioned on a pretraining tag (conditional training, Korbak et al. 2023).

The response is forced to begin with the tag, so the model generates what it has learned to generate after it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from steadfast.attacks.decoding import Steering
from steadfast.core.errors import ConfigError
from steadfast.core.settings import SettingsModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Settings(SettingsModel):
    """Every response is forced to begin with a pretraining tag (Korbak et al. 2023)."""

    tag: str = Field(min_length=1, description="The tag as used in pretraining; it is not part of the response.")


@dataclass(frozen=True)
class TagConditioned:
    """Forces every response to begin with ``tag``."""

    tag: str

    def steer(self, tokenizer: "PreTrainedTokenizerBase") -> Steering:
        """See ``steadfast.attacks.decoding.Decoding``."""
        from steadfast.models.continuations import continuation_tokens

        return Steering(prefix=tuple(continuation_tokens(tokenizer, self.tag)))


def build(settings: Settings) -> TagConditioned:
    """The rule.

    Raises:
        ConfigError: the tag is blank.
    """
    if not settings.tag.strip():
        raise ConfigError(f"tag: {settings.tag!r} must be a text")
    return TagConditioned(settings.tag)
