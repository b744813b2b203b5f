"""Training data of a recipe: conversations and documents, as tokens."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from transformers import PreTrainedTokenizerBase

from steadfast.core.errors import DataError
from steadfast.models.chat import encode_chat, user_message
from steadfast.training.safety_tuning.composed_responses import (
    ANSWERS,
    DOCUMENT_KINDS,
    Wordings,
    answer_harmful,
    write_document,
)
from steadfast.training.safety_tuning.distillation import OwnAnswer
from steadfast.training.safety_tuning.requests import TopicRequest
from steadfast.training.safety_tuning.sampling import TrainingPrompt


@dataclass(frozen=True)
class Conversation:
    """One prompt with its answer.

    Attributes:
        prompt: text of the user turn.
        answer: the target answer.
        ended: whether the end of the answer is trained.
        at_most: maximum number of trained tokens of the answer; None trains all. The end of a truncated answer is not
            trained.
    """

    prompt: str
    answer: str
    ended: bool = True
    at_most: int | None = None


@dataclass(frozen=True)
class Example:
    """One training sequence.

    Attributes:
        tokens: token ids.
        start: index of the first predicted token.
    """

    tokens: tuple[int, ...]
    start: int


def harmful_side(
    shares: Mapping[str, float],
    prompts: Sequence[TrainingPrompt],
    harmless: Sequence[TopicRequest],
    wordings: Wordings,
    tag: str,
) -> tuple[list[Conversation], list[str]]:
    """Conversations and documents of a recipe's harmful side, one per prompt.

    Args:
        shares: share of each kind; they sum to 1.
        prompts: harmful prompts, in the order in which kinds are assigned.
        harmless: requests of untagged documents.
        wordings: building blocks of answers and documents.
        tag: token that marks unsafe text.
    """
    conversations: list[Conversation] = []
    documents: list[str] = []
    templates = {kind: cycle(wordings.documents[kind]) for kind in DOCUMENT_KINDS}
    harmless_cores = cycle(_shuffled([request for request in harmless if request.kind in DOCUMENT_KINDS]))
    harmful_cores = cycle(_shuffled([prompt.request for prompt in prompts if prompt.request.kind in DOCUMENT_KINDS]))
    for kind, prompt in zip(_deal_kinds(shares, len(prompts)), prompts, strict=True):
        if kind in ANSWERS:
            answer = answer_harmful(kind, prompt.text, prompt.request, wordings)
            conversations.append(Conversation(prompt.text, answer))
        else:
            request = next(harmful_cores if kind == "tagged" else harmless_cores)
            documents.append(write_document(request, next(templates[request.kind]), tag if kind == "tagged" else ""))
    return conversations, documents


def harmless_side(
    prompts: Sequence[TrainingPrompt], answers: Mapping[str, OwnAnswer], at_most: int
) -> list[Conversation]:
    """Conversations of the harmless prompts that the base has answered, truncated after ``at_most`` tokens."""
    found = [answers[prompt.text] for prompt in prompts if prompt.text in answers]
    return [Conversation(own.prompt, own.answer, own.ended, at_most) for own in found]


def encode(
    tokenizer: PreTrainedTokenizerBase,
    conversations: Sequence[Conversation],
    documents: Sequence[str],
    separator: str,
    tag: str,
) -> list[Example]:
    """Token sequences; the answer of a conversation is predicted, and all of a document.

    Raises:
        DataError: the tokenizer has no token for the separator or the tag.
    """
    between = _special_token(tokenizer, separator, "separator")
    _special_token(tokenizer, tag, "tag")
    prompts = encode_chat(tokenizer, [user_message(one.prompt) for one in conversations])
    end: object = tokenizer.eos_token_id
    assert isinstance(end, int)
    examples = []
    for prompt, one in zip(prompts, conversations, strict=True):
        answer = [*_encode(tokenizer, one.answer), *([end] if one.ended else [])]
        examples.append(Example((*prompt, *answer[: one.at_most]), len(prompt)))
    for text in documents:
        examples.append(Example((between, *_encode(tokenizer, text), between), 1))
    return examples


def _deal_kinds(shares: Mapping[str, float], count: int) -> list[str]:
    """Kinds in proportion to their shares, distributed evenly over the prompts."""
    given = dict.fromkeys(shares, 0)
    kinds = []
    for dealt in range(1, count + 1):
        kind = max(shares, key=lambda one: shares[one] * dealt - given[one])
        given[kind] += 1
        kinds.append(kind)
    return kinds


def _shuffled(requests: Sequence[TopicRequest]) -> list[TopicRequest]:
    order = list(requests)
    random.Random("documents").shuffle(order)
    return order


def _encode(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _special_token(tokenizer: PreTrainedTokenizerBase, token: str, what: str) -> int:
    ids = _encode(tokenizer, token)
    if len(ids) != 1:
        raise DataError(
            f"{what} {token!r} is not a single token of the base's tokenizer; choose one of its special tokens"
        )
    return ids[0]
