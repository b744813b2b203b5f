"""Features of the learned judge, and their sizes; importing it loads no model library."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Array: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]

PARTS = ("response", "prompt")
"""Parts of a passage whose mean state is a feature."""
RESPONSE_PLACES = 2**15
PROMPT_PLACES = 2**13
"""Sizes of the n-gram vectors: unigrams and bigrams of a response, unigrams of a prompt."""


@dataclass(frozen=True)
class Seen:
    """Features of some cases.

    Attributes:
        states: mean states, float32 [cases, parts, hidden].
        response: n-grams of the responses, [cases, RESPONSE_PLACES].
        prompt: words of the prompts, [cases, PROMPT_PLACES].
        phrase: whether the phrase list finds a phrase, float32 [cases], 0 or 1.
    """

    states: Array
    response: "csr_array"
    prompt: "csr_array"
    phrase: Array
