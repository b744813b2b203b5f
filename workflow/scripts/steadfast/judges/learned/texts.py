"""Input of the learned judge: tokens of the answer without thinking, without the middle of a long one."""

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
"""Number of tokens read from the beginning and the end of a text; the middle is dropped."""
CHARACTERS = 20_000
"""Longest text that is tokenized completely; the middle of a longer one is dropped first."""


@dataclass(frozen=True)
class Passage:
    """One case in tokens.

    Attributes:
        ids: token ids.
        prompt: span of the prompt, [start, end).
        response: span of the response.
    """

    ids: tuple[int, ...]
    prompt: tuple[int, int]
    response: tuple[int, int]


def answer_of(case: Case) -> tuple[str, str]:
    """The answer in a response, without thinking, and the reason if there is none; one of them is empty."""
    split = split_thinking(case.response, FORMATS)
    if says_something(split.response):
        return split.response, ""
    return "", EMPTY if split.closed else CUT_WHILE_THINKING


def passage(tokenizer: "PreTrainedTokenizerBase", prompt: str, response: str, special: Sequence[str]) -> Passage:
    """Tokens of a prompt and its answer in the chat format; control tokens are plain text."""
    asked = ends(_ids(tokenizer, defuse(_shortened(prompt), special)), *PROMPT_TOKENS)
    answered = ends(_ids(tokenizer, defuse(_shortened(response), special)), *RESPONSE_TOKENS)
    parts = [_ids(tokenizer, BEFORE_PROMPT), asked, _ids(tokenizer, BEFORE_RESPONSE), answered]
    starts = [sum(map(len, parts[:count])) for count in range(5)]
    ids = tuple(token for part in parts for token in part)
    return Passage(ids, (starts[1], starts[2]), (starts[3], starts[4]))


def ends(ids: list[int], first: int, last: int) -> list[int]:
    """The first and the last tokens of a text, or all tokens of a short one."""
    return ids if len(ids) <= first + last else [*ids[:first], *ids[-last:]]


def _shortened(text: str) -> str:
    half = CHARACTERS // 2
    return text if len(text) <= CHARACTERS else f"{text[:half]} {text[-half:]}"


def _ids(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    encoded: Any = tokenizer(text, add_special_tokens=False)
    return list(encoded["input_ids"])
