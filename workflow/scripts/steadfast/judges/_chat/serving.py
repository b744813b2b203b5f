"""Where a chat judge finds its model: at a given address, or in a server that is started for the job."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from steadfast.answers import canonical_json
from steadfast.files import read_json
from steadfast.integrity import content_hash
from steadfast.judges._chat.settings import ChatSettings
from steadfast.models.number_format import AUTO, running_format
from steadfast.models.pointer import FILE, checkpoint_path, read_pointer
from steadfast.serving.arguments import device_of
from steadfast.serving.interpreter import interpreter_or_none


@contextmanager
def serving(settings: ChatSettings) -> Iterator[tuple[str, str]]:
    """Yield the address of the API and the name of the model there, while it can be asked."""
    if settings.checkpoint is None:
        yield str(settings.base_url), str(settings.model)
        return
    from steadfast.serving.server import serve

    with serve(settings.checkpoint, dtype=settings.dtype, **settings.server) as server:
        yield server.base_url, server.model


def checkpoint_identity(directory: str) -> str:
    """What is served, as a hash that does not depend on where it lies or what it is called here.

    Of a hub or local model the hashes of its files, as its pointer holds them; else the content of the directory.
    """
    root = Path(directory)
    files = read_pointer(root).files if (root / FILE).is_file() else {}
    return hashlib.sha256(canonical_json(files)).hexdigest() if files else content_hash(root)


def served_format(settings: ChatSettings) -> str:
    """The number format in which the checkpoint is served on this machine."""
    interpreter = interpreter_or_none(settings.server.get("vllm_python"))
    device = device_of(interpreter) if interpreter else AUTO
    return running_format(str(settings.checkpoint), settings.dtype, device).name


def special_strings(directory: str) -> frozenset[str]:
    """The added tokens of a checkpoint's tokenizer, which a server would find in a text and take for themselves.

    Read from its files, since the server runs in an environment of its own. Tokens of white space alone mean
    nothing and are left out.
    """
    root = checkpoint_path(directory)
    tokens: list[Any] = []
    if (root / "tokenizer.json").is_file():
        tokens += read_json(root / "tokenizer.json").get("added_tokens") or []
    if (root / "tokenizer_config.json").is_file():
        tokens += (read_json(root / "tokenizer_config.json").get("added_tokens_decoder") or {}).values()
    names = {str(token["content"]) for token in tokens if isinstance(token, dict) and "content" in token}
    return frozenset(name for name in names if name.strip())
