"""Decoding rules: constraints on the generated tokens, without changes of weights or activations.

A rule is a module of ``methods`` with ``build(settings) -> Decoding``. It is expressed in tokens, so that every engine
can apply it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from steadfast.attacks.directions import build_from
from steadfast.core.plug_ins import DECODINGS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Steering:
    """A decoding rule for one tokenizer.

    Attributes:
        prefix: tokens that every generation is forced to begin with; they are not part of the response.
        suppressed: tokens that are never generated.
    """

    prefix: tuple[int, ...] = ()
    suppressed: tuple[int, ...] = ()


class Decoding(Protocol):
    """A constraint on the tokens that a model generates."""

    def steer(self, tokenizer: "PreTrainedTokenizerBase") -> Steering:
        """The rule in tokens.

        Raises:
            ConfigError: the tokenizer cannot express it.
        """
        ...


def build_decoding(settings: Mapping[str, Any]) -> Decoding:
    """Build the rule that a ``decoding`` entry describes: ``method`` and that method's own keys.

    Raises:
        ConfigError: the method or a key is unknown, or a value is not allowed.
    """
    return build_from(DECODINGS, settings)  # type: ignore[no-any-return]


def steering(settings: Mapping[str, Any] | None, tokenizer: "PreTrainedTokenizerBase") -> Steering:
    """The rule of a ``decoding`` entry for a tokenizer; without an entry, a rule without effect."""
    return build_decoding(settings).steer(tokenizer) if settings else Steering()
