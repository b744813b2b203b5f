"""Chat settings of a model: its chat template, or none; determined once, when the model directory is created.

The decision is in ``model.json`` (``chat``), and travels with edited copies of the model:

- ``template``: the text of a template that is not the checkpoint's only one, or comes from the configuration;
- ``bare``: true if prompts are used without a template;
- ``date``: date for templates that insert the current date.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from steadfast.core.errors import DataError, suggest
from steadfast.core.files import read_json
from steadfast.models.chat import encode_chat, end_of_turn, set_template, template_of, user_message
from steadfast.models.pointer import chat_of, checkpoint_path, read_pointer

BARE = "bare"
DEFAULT = "default"
PROCESSOR_FILE = "chat_template.json"
SYSTEM, FIRST, SECOND = "Answers are short and polite.", "Which river is the longest?", "How many legs has a spider?"


def apply_settings(tokenizer: PreTrainedTokenizerBase, path: Path, settings: Mapping[str, Any]) -> None:
    """Set the chosen template on a loaded tokenizer.

    Args:
        tokenizer: tokenizer loaded by transformers.
        path: the checkpoint's directory.
        settings: ``chat`` of ``model.json``; empty for a plain directory.

    Raises:
        DataError: the checkpoint has several templates, none is the default and none is selected.
    """
    bare = bool(settings.get("bare"))
    template = settings.get("template")
    if template is None and not bare:
        template = _default(own_templates(tokenizer, path), path)
    set_template(tokenizer, template, bare=bare, date=settings.get("date"))


def decide(tokenizer: PreTrainedTokenizerBase, path: Path, wish: str | None, date: str | None = None) -> dict[str, Any]:
    """Chat settings from the configuration and the checkpoint.

    Args:
        tokenizer: tokenizer loaded by transformers.
        path: the checkpoint's directory.
        wish: ``chat_template`` of the configuration: None for the checkpoint's template, ``bare``, the name of one of
            several, or the path of a file.
        date: ``template_date`` of the configuration.

    Raises:
        DataError: no template has that name, or the checkpoint has several and none is the default.
    """
    own = own_templates(tokenizer, path)
    settings: dict[str, Any] = {"date": date} if date else {}
    if wish is None:
        _default(own, path)
        return settings
    if wish == BARE:
        return {BARE: True}
    if wish in own:
        return {**settings, "template": own[wish]}
    if not Path(wish).is_file():
        raise DataError(
            f"chat_template: {wish!r} is neither a file, nor `{BARE}`, nor one of the chat templates of {path}"
            f"{suggest(wish, own)}"
        )
    return {**settings, "template": Path(wish).read_text(encoding="utf-8")}


def own_templates(tokenizer: PreTrainedTokenizerBase, path: Path) -> dict[str, str]:
    """The checkpoint's templates by name: those of its tokenizer, or of the processor that it is published with."""
    found: Any = getattr(tokenizer, "chat_template", None)
    if not found and (path / PROCESSOR_FILE).is_file():
        content = read_json(path / PROCESSOR_FILE)
        found = content.get("chat_template") if isinstance(content, dict) else None
    if isinstance(found, list):
        found = {str(item["name"]): str(item["template"]) for item in found}
    if isinstance(found, dict):
        return {str(name): str(text) for name, text in found.items()}
    return {DEFAULT: str(found)} if found else {}


def settle_chat(directory: str | Path, **wishes: Any) -> None:
    """Determine the chat settings of a model directory, test them, and record them in its ``model.json``.

    Args:
        directory: a model directory of the workflow, complete except for the chat settings.
        wishes: keyword arguments of ``try_chat``.

    Raises:
        ConfigError, DataError: as ``try_chat``.
    """
    pointer = read_pointer(directory)
    settings, facts = try_chat(directory, **wishes)
    if "date" in facts:
        date = facts["date"]
        print(f"{pointer.path}: its chat template reads the clock, and sees {date} (`template_date`)", flush=True)
    replace(pointer, chat=settings, details={**pointer.details, "chat": facts}).write(directory)


def try_chat(
    directory: str | Path,
    *,
    template: str | None = None,
    date: str | None = None,
    system: bool = False,
    arguments: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Determine the chat settings of a model, and test its template on two short conversations.

    Args:
        directory: a model directory of the workflow, or a plain checkpoint directory.
        template: ``chat_template`` of its config entry; without it, a merged adapter keeps the settings of its base.
        date: ``template_date``.
        system: whether a system turn comes before its prompts.
        arguments: ``template_arguments``.

    Returns:
        The settings for ``model.json``; and details: ``reads_clock`` with ``date`` if the template inserts the date,
        and ``end_of_turn``, the token after an answer, or None.

    Raises:
        ConfigError: the template never reads one of the arguments.
        DataError: there is no template, it is invalid, it rejects or drops a turn, or it renders all prompts equally.
    """
    from steadfast.models.loading import load_plain_tokenizer

    path = checkpoint_path(directory)
    tokenizer = load_plain_tokenizer(directory)
    inherited = {} if template else chat_of(directory)
    settings = (
        {**inherited, **({"date": date} if date else {})} if inherited else decide(tokenizer, path, template, date)
    )
    apply_settings(tokenizer, path, settings)
    require_known_tokens(tokenizer, path)
    conversations = [user_message(text, SYSTEM if system else None) for text in (FIRST, SECOND)]
    first, second = encode_chat(tokenizer, conversations, arguments)
    if first == second:
        raise DataError(f"{path}: the chat template makes the same of two different prompts")
    chat, end = template_of(tokenizer), end_of_turn(tokenizer)
    facts: dict[str, Any] = {"end_of_turn": None if end is None else tokenizer.convert_ids_to_tokens(end)}
    if chat is not None and chat.reads_clock:
        facts |= {"reads_clock": True, "date": chat.date}
        settings = {**settings, "date": chat.date}
    return settings, facts


def require_known_tokens(tokenizer: PreTrainedTokenizerBase, path: Path) -> None:
    """Check that a model has embeddings for the tokens of its prompts.

    Added tokens for unsupported input, such as images, may be outside.

    Raises:
        DataError: a regular token, or one that begins, ends or pads prompts, has no embedding.
    """
    config = read_json(path / "config.json")
    rows = {**config, **(config.get("text_config") or {})}.get("vocab_size")
    holder: Any = tokenizer
    added = set(holder.added_tokens_decoder)
    used = {holder.pad_token_id, holder.bos_token_id, holder.eos_token_id, end_of_turn(tokenizer)} - {None}
    beyond = {
        number: name
        for name, number in holder.get_vocab().items()
        if isinstance(rows, int) and number >= rows and (number in used or number not in added)
    }
    if beyond:
        number = min(beyond)
        raise DataError(
            f"{path}: its tokenizer is not that of its weights: the token {beyond[number]!r} has the number {number}, "
            f"and the embedding has {rows} rows (`vocab_size`); get the tokenizer's files that were published with the "
            "weights, or remove a token that was added later"
        )


def _default(own: Mapping[str, str], path: Path) -> str | None:
    if len(own) > 1 and DEFAULT not in own:
        raise DataError(
            f"{path} has several chat templates and none is the default: choose one with `chat_template`; its names "
            f"are {', '.join(sorted(own))}"
        )
    return own.get(DEFAULT) or next(iter(own.values()), None)
