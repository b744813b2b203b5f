"""The model of a chat judge: at a given address, or in a server started for the job."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadfast.core.files import read_json
from steadfast.core.integrity import content_hash
from steadfast.core.result_cache import canonical_json
from steadfast.generation.serving.arguments import device_of
from steadfast.generation.serving.interpreter import interpreter_or_none
from steadfast.judges.chat_api.settings import ChatJobSettings
from steadfast.judges.prompts.templates import Message
from steadfast.models.number_format import AUTO, running_format
from steadfast.models.pointer import FILE, checkpoint_path, read_pointer

# turns joined by blank lines, like all prompts without a template
BARE = "{% for message in messages %}{{ message['content'] }}{% if not loop.last %}{{ '\n\n' }}{% endif %}{% endfor %}"
BARE_WITH_START = "{{ bos_token }}" + BARE


@dataclass(frozen=True)
class Speaking:
    """Server arguments for the chat settings of a served model, without those that the server finds itself.

    Attributes:
        template: text of the chat template.
        stop_tokens: token ids that end an answer.
    """

    template: str | None = None
    stop_tokens: tuple[int, ...] = ()


@contextmanager
def serving(settings: ChatJobSettings, speaking: Speaking) -> Iterator[tuple[str, str]]:
    """Context with the address of the API and the name of the model, while it can be queried.

    Args:
        settings: settings of the judge.
        speaking: chat settings of a locally served model.
    """
    if settings.checkpoint is None:
        yield str(settings.base_url), str(settings.model)
        return
    from steadfast.generation.serving.server import serve

    with serve(
        settings.checkpoint,
        dtype=settings.dtype,
        template=speaking.template,
        stop_tokens=speaking.stop_tokens,
        **settings.server,
    ) as server:
        yield server.base_url, server.model


def speaking_to(settings: ChatJobSettings, messages: Sequence[Message]) -> Speaking:
    """Chat settings of a judge's model, after testing its template.

    A server applies a template without checking the result, does not know the template that the configuration sets for
    a model, inserts the current date, and does not stop at end-of-turn tokens that only the template defines.

    Args:
        settings: settings of the judge.
        messages: a conversation of the judge.

    Raises:
        ConfigError: the template never reads one of ``template_arguments``.
        DataError: the checkpoint has no chat template, or it rejects or drops a turn.
    """
    if settings.checkpoint is None:
        return Speaking()
    from steadfast.generation.responses import stop_token_ids
    from steadfast.models.chat import encode_chat, template_of
    from steadfast.models.loading import load_plain_tokenizer, load_tokenizer

    tokenizer = load_tokenizer(settings.checkpoint)
    encode_chat(tokenizer, [messages], settings.template_arguments)
    stop = stop_token_ids(settings.checkpoint, tokenizer)
    further = tuple(sorted(stop)) if stop - _known_to_servers(settings.checkpoint, tokenizer) else ()
    template = template_of(tokenizer)
    if template is None:
        return Speaking(BARE_WITH_START if _begins_texts(tokenizer) else BARE, further)
    own: Any = load_plain_tokenizer(settings.checkpoint)
    changed = template.reads_clock or own.chat_template != template.source
    return Speaking(template.with_fixed_clock if changed else None, further)


def _known_to_servers(directory: str, tokenizer: Any) -> set[int]:
    """End-of-answer tokens that a server finds by itself."""
    file = checkpoint_path(directory) / "generation_config.json"
    value = read_json(file).get("eos_token_id") if file.is_file() else None
    return {tokenizer.eos_token_id, *(value if isinstance(value, list) else [value])}


def _begins_texts(tokenizer: Any) -> bool:
    """Whether a tokenizer prepends its beginning-of-sequence token to every text."""
    begin = tokenizer.bos_token_id
    return begin is not None and tokenizer("a")["input_ids"][:1] == [begin]


def checkpoint_identity(directory: str) -> str:
    """Hash of a served checkpoint, independent of its location and name.

    For a hub or local model, it covers the hashes of the files in its pointer and its chat settings; otherwise the
    content of the directory.
    """
    root = Path(directory)
    pointer = read_pointer(root) if (root / FILE).is_file() else None
    if pointer is None or not pointer.files or pointer.update:
        return content_hash(root)
    content = {"files": pointer.files, "chat": pointer.chat} if pointer.chat else pointer.files
    return hashlib.sha256(canonical_json(content)).hexdigest()


def served_format(settings: ChatJobSettings) -> str:
    """Number format in which the checkpoint is served on this machine."""
    interpreter = interpreter_or_none(settings.server.get("vllm_python"))
    device = device_of(interpreter) if interpreter else AUTO
    return running_format(str(settings.checkpoint), settings.dtype, device).name


def special_strings(directory: str) -> frozenset[str]:
    """The added tokens of a checkpoint's tokenizer, which a server would parse as control tokens in a text.

    They are read from its files, since the server runs in another environment. Whitespace tokens have no meaning and
    are skipped.
    """
    root = checkpoint_path(directory)
    tokens: list[Any] = []
    if (root / "tokenizer.json").is_file():
        tokens += read_json(root / "tokenizer.json").get("added_tokens") or []
    if (root / "tokenizer_config.json").is_file():
        tokens += (read_json(root / "tokenizer_config.json").get("added_tokens_decoder") or {}).values()
    names = {str(token["content"]) for token in tokens if isinstance(token, dict) and "content" in token}
    return frozenset(name for name in names if name.strip())
