"""Tokenization of words as continuations of a prompt.

A word encoded alone differs from the continuation of a prompt: SentencePiece tokenizers add a word-start mark to every
text (``▁REF``, where a model generates ``REF`` after a line break), and others merge it with the preceding text.
"""

from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase

from steadfast.core.errors import DataError
from steadfast.models.chat import encode_chat, user_message

# Number of tokens at the end of a prompt that may affect the tokenization of the text after it.
ENDING = 32


def continuation_tokens(
    tokenizer: PreTrainedTokenizerBase, text: str, prompt: Sequence[int] | None = None
) -> list[int]:
    """Token ids of a text after a prompt: those of prompt and text, without the prompt's.

    If the tokenizer merges the end of the prompt with the text, the prompt keeps its tokens and the text is tokenized
    as at the beginning of a line.

    Args:
        tokenizer: the model's own tokenizer.
        text: beginning of the answer; a leading space is significant.
        prompt: token ids of the prompt; None takes an arbitrary prompt with the chat template's suffix.

    Raises:
        DataError: no tokens of this tokenizer continue the prompt with the text.
    """
    ending = list(_probe(tokenizer) if prompt is None else prompt)[-ENDING:]
    behind = _tokens_after(tokenizer, _decode(tokenizer, ending), text)
    if behind:
        return behind
    for candidate in (_tokens_after(tokenizer, "\n", text), _ids(tokenizer, text)):
        if candidate and _continues(tokenizer, ending, candidate, text):
            return candidate
    raise DataError(f"no tokens of this tokenizer continue a prompt with {text!r}; {_ids(tokenizer, text)} do not")


def answer_tokens(tokenizer: PreTrainedTokenizerBase, answer: str, prompt: Sequence[int]) -> list[int]:
    """Token ids of a complete answer to a prompt; encoded alone if the tokenizer merges the two."""
    ending = list(prompt[-ENDING:])
    return _tokens_after(tokenizer, _decode(tokenizer, ending), answer) or _ids(tokenizer, answer)


def first_tokens(tokenizer: PreTrainedTokenizerBase, text: str, prompt: Sequence[int] | None = None) -> list[int]:
    """First tokens of answers that begin with ``text``, directly or after a space (as with some templates).

    Raises:
        DataError: see ``continuation_tokens``.
    """
    direct = continuation_tokens(tokenizer, text, prompt)[0]
    spaced = continuation_tokens(tokenizer, f" {text}", prompt)[0]
    # a lone space begins any kind of answer
    return [direct] if spaced == direct or not _decode(tokenizer, [spaced]).strip() else [direct, spaced]


def _probe(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    return encode_chat(tokenizer, [user_message("a b c")])[0]


def _tokens_after(tokenizer: PreTrainedTokenizerBase, before: str, text: str) -> list[int]:
    """Token ids of a text after another one; None if the tokenizer merges the two."""
    alone, whole = _ids(tokenizer, before), _ids(tokenizer, before + text)
    return whole[len(alone) :] if whole[: len(alone)] == alone else []


def _continues(tokenizer: PreTrainedTokenizerBase, ending: list[int], candidate: list[int], text: str) -> bool:
    """Whether tokens after others decode to ``text``, up to white space."""
    before, both = _decode(tokenizer, ending), _decode(tokenizer, [*ending, *candidate])
    return both.startswith(before) and both[len(before) :].split() == text.split()


def _decode(tokenizer: PreTrainedTokenizerBase, tokens: list[int]) -> str:
    return str(tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False))


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    ids: Any = tokenizer(text, add_special_tokens=False)["input_ids"]
    return list(ids)
