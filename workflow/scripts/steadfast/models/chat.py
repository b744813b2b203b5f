"""Chat templates, applied exactly once."""

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase

from steadfast.core.errors import ConfigError, DataError, SteadfastError
from steadfast.models.templates import DATE, ChatTemplate, Message

QUESTION, ANSWER = "Which colour is the sky?", "Blue as the sea."
NO_TEMPLATE = (
    "has no chat template (chat_template.jinja, tokenizer_config.json or chat_template.json): give the model one with "
    "`chat_template: <file>`, or set `chat_template: bare` for a base model, which continues prompts without a template"
)


def user_message(text: str, system: str | None = None) -> list[Message]:
    """A conversation of one user turn, after an optional system turn."""
    turn: Message = {"role": "user", "content": text}
    return [{"role": "system", "content": system}, turn] if system else [turn]


def set_template(
    tokenizer: PreTrainedTokenizerBase, template: str | None, *, bare: bool = False, date: str | None = None
) -> None:
    """Set the chat template of a loaded tokenizer.

    Args:
        tokenizer: the model's own tokenizer.
        template: the text of the template; None if there is none.
        bare: whether prompts are used without a template.
        date: date (YYYY-MM-DD) for templates that insert the current date.
    """
    holder: Any = tokenizer
    holder.chat_template = None if bare else template
    holder.bare_prompts = bare
    holder.template_date = date or DATE


def template_of(tokenizer: PreTrainedTokenizerBase) -> ChatTemplate | None:
    """The chat template of a tokenizer; None if prompts are bare.

    Raises:
        DataError: it has no template, or several and none is selected.
    """
    holder: Any = tokenizer
    text = getattr(tokenizer, "chat_template", None)
    if isinstance(text, dict):
        raise DataError(f"{holder.name_or_path} has several chat templates: {', '.join(sorted(text))}")
    if text:
        special = {name: str(token) for name, token in holder.special_tokens_map.items()}
        return ChatTemplate(text, special, getattr(tokenizer, "template_date", DATE), str(holder.name_or_path))
    if not getattr(tokenizer, "bare_prompts", False):
        raise DataError(f"{holder.name_or_path or 'the model'} {NO_TEMPLATE}")
    return None


def encode_chat(
    tokenizer: PreTrainedTokenizerBase,
    conversations: Sequence[Sequence[Message]],
    template_arguments: Mapping[str, Any] | None = None,
) -> list[list[int]]:
    """Token ids of each conversation, ending where the assistant's answer begins.

    The template adds the special tokens, so none are added when its text is tokenized: a second beginning-of-sequence
    token would shift every activation. Bare prompts (base models) join turns by blank lines, with the tokenizer's
    special tokens, except for an end-of-sequence token that some tokenizers append: after it, a model begins another
    text instead of an answer.

    Args:
        tokenizer: the model's own tokenizer, as ``load_tokenizer`` returns it.
        conversations: chat messages with ``role`` and ``content``.
        template_arguments: further variables of the template, such as ``enable_thinking``.

    Raises:
        ConfigError: the template never reads one of the arguments.
        DataError: there is no template, it rejects a conversation, or it drops a turn (for example, some reject system
            turns).
    """
    arguments = template_arguments or {}
    template = template_of(tokenizer)
    if template is None:
        if arguments:
            raise ConfigError(f"template_arguments: {next(iter(arguments))!r} is given, and the prompts are bare")
        return [_encode_bare(tokenizer, conversation) for conversation in conversations]
    return [_ids(tokenizer, template.render(conversation, arguments)) for conversation in conversations]


def template_suffix(
    tokenizer: PreTrainedTokenizerBase, template_arguments: Mapping[str, Any] | None = None
) -> list[int]:
    """Token ids of the template after the user's text: the post-instruction tokens.

    They are the longest common suffix of two conversations that share no text.
    """
    first, second = encode_chat(tokenizer, [user_message("a b c"), user_message("7 8 9?")], template_arguments)
    length = 0
    while length < min(len(first), len(second)) and first[-1 - length] == second[-1 - length]:
        length += 1
    return first[len(first) - length :]


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The template's control token after an answer, at which the model stops; None if there is none.

    Not every checkpoint lists it as an end-of-sequence token; without it, a model continues with the user's next turn.

    Raises:
        DataError: as ``template_of``.
    """
    template = template_of(tokenizer)
    if template is None:
        return None
    turns: list[Message] = [*user_message(QUESTION), {"role": "assistant", "content": ANSWER}]
    try:
        text = template.render(turns, {}, add_generation_prompt=False)
    except SteadfastError:  # the template renders prompts only
        return None
    before, _, rest = text.rpartition(ANSWER)
    behind = _ids(tokenizer, rest.lstrip()) if before else []
    holder: Any = tokenizer
    known = holder.added_tokens_decoder.keys() - {holder.unk_token_id}
    return behind[0] if behind and behind[0] in known else None


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    ids: Any = tokenizer(text, add_special_tokens=False)["input_ids"]
    return list(ids)


def _encode_bare(tokenizer: PreTrainedTokenizerBase, conversation: Sequence[Message]) -> list[int]:
    ids: Any = tokenizer("\n\n".join(message["content"] for message in conversation))["input_ids"]
    return list(ids[:-1] if ids and ids[-1] == tokenizer.eos_token_id else ids)
