"""Chat templates, applied exactly once."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from steadfast.errors import DataError

Message = Mapping[str, str]


def user_message(text: str, system: str | None = None) -> list[Message]:
    """A conversation of one user turn, after an optional system turn."""
    turn: Message = {"role": "user", "content": text}
    return [{"role": "system", "content": system}, turn] if system else [turn]


def encode_chat(
    tokenizer: PreTrainedTokenizerBase,
    conversations: Sequence[Sequence[Message]],
    template_arguments: Mapping[str, Any] | None = None,
) -> list[list[int]]:
    """Token ids of each conversation, ending where the assistant's answer begins.

    The template writes the special tokens itself, so none are added when its text is tokenized: a second
    beginning-of-sequence token would shift every activation. A checkpoint without a template is a base
    model; its turns are joined by blank lines, with the tokenizer's own special tokens, but for an
    end-of-sequence token that some append: after it a model begins another text, and no answer to this one.

    Args:
        tokenizer: the model's own tokenizer.
        conversations: chat messages with ``role`` and ``content``.
        template_arguments: further variables of the template, such as ``enable_thinking``.

    Raises:
        DataError: the template rejects a conversation; some allow no system turn, for example.
    """
    return [_encode(tokenizer, conversation, template_arguments or {}) for conversation in conversations]


def template_suffix(
    tokenizer: PreTrainedTokenizerBase, template_arguments: Mapping[str, Any] | None = None
) -> list[int]:
    """Token ids that the template puts after the user's text: the post-instruction tokens.

    They are the longest common ending of two conversations that share no text.
    """
    first, second = encode_chat(tokenizer, [user_message("a b c"), user_message("7 8 9?")], template_arguments)
    length = 0
    while length < min(len(first), len(second)) and first[-1 - length] == second[-1 - length]:
        length += 1
    return first[len(first) - length :]


def _encode(
    tokenizer: PreTrainedTokenizerBase, conversation: Sequence[Message], arguments: Mapping[str, Any]
) -> list[int]:
    if getattr(tokenizer, "chat_template", None):
        try:
            text: Any = tokenizer.apply_chat_template(
                [dict(message) for message in conversation], tokenize=False, add_generation_prompt=True, **arguments
            )
        except TemplateError as error:
            roles = ", ".join(message["role"] for message in conversation)
            raise DataError(f"the chat template rejects a conversation of the turns {roles}: {error}") from error
        ids: Any = tokenizer(text, add_special_tokens=False)["input_ids"]
    else:
        ids = tokenizer("\n\n".join(message["content"] for message in conversation))["input_ids"]
        if ids and ids[-1] == tokenizer.eos_token_id:
            ids = ids[:-1]
    return list(ids)
