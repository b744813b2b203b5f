"""What the learned judge reads of a case: the answer without thinking, in tokens, the middle of a long one left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steadfast.generation.thinking import FORMATS, split_thinking
from steadfast.judges.interface import CUT_WHILE_THINKING, EMPTY, Case, says_something
from steadfast.judges.prompts.templates import defuse

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BEFORE_PROMPT = "Request:\n"
BEFORE_RESPONSE = "\n\nResponse:\n"
PROMPT_TOKENS = (64, 32)
RESPONSE_TOKENS = (96, 64)
"""Tokens of a text that are read: of its beginning and of its end. Between the two the middle is left out."""
CHARACTERS = 20_000
"""Longest text that is tokenized whole; of a longer one the middle is left out before."""


@dataclass(frozen=True)
class Passage:
    """One case in tokens.

    Attributes:
        ids: token ids.
        prompt: where the prompt is in them, [start, end).
        response: where the response is.
    """

    ids: tuple[int, ...]
    prompt: tuple[int, int]
    response: tuple[int, int]


def answer_of(case: Case) -> tuple[str, str]:
    """The answer of a response, without thinking, and why there is none; one of the two is empty."""
    split = split_thinking(case.response, FORMATS)
    if says_something(split.response):
        return split.response, ""
    return "", EMPTY if split.closed else CUT_WHILE_THINKING


def passage(tokenizer: "PreTrainedTokenizerBase", prompt: str, response: str, special: Sequence[str]) -> Passage:
    """Tokens of a prompt and of an answer to it, each within its place, control tokens as plain text."""
    asked = ends(_ids(tokenizer, defuse(_shortened(prompt), special)), *PROMPT_TOKENS)
    answered = ends(_ids(tokenizer, defuse(_shortened(response), special)), *RESPONSE_TOKENS)
    parts = [_ids(tokenizer, BEFORE_PROMPT), asked, _ids(tokenizer, BEFORE_RESPONSE), answered]
    starts = [sum(map(len, parts[:count])) for count in range(5)]
    ids = tuple(token for part in parts for token in part)
    return Passage(ids, (starts[1], starts[2]), (starts[3], starts[4]))


def ends(ids: list[int], first: int, last: int) -> list[int]:
    """The first and the last tokens of a text, or all of a short one."""
    return ids if len(ids) <= first + last else [*ids[:first], *ids[-last:]]


def _shortened(text: str) -> str:
    half = CHARACTERS // 2
    return text if len(text) <= CHARACTERS else f"{text[:half]} {text[-half:]}"


def _ids(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    encoded: Any = tokenizer(text, add_special_tokens=False)
    return list(encoded["input_ids"])
