"""The tokenizer of a GGUF file, its chat template and the tokens that end a turn, written out beside the weights."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError, suggest
from steadfast.core.files import read_json, write_json
from steadfast.models.gguf.header import GgufHeader

BYTE_LEVEL, SENTENCEPIECE = "gpt2", "llama"
SPLIT_BY_TRANSFORMERS = frozenset(
    {
        "dbrx",
        "deepseek-r1-qwen",
        "f2llmv2",
        "falcon-h1",
        "falcon3",
        "gpt-4o",
        "jina-v5-nano",
        "kanana2",
        "kormo",
        "lfm2",
        "llama-bpe",
        "llama-v3",
        "llama3",
        "llama4",
        "megrez",
        "midm-2.0",
        "minimax-m2",
        "pixtral",
        "qwen2",
        "qwen35",
        "smaug-bpe",
        "talkie",
        "tekken",
    }
)
"""Names of ways to split text before merging that transformers knows."""
SPLIT_LIKE_GPT2 = frozenset({"exaone4", "gpt-2", "granite-docling", "jais", "mpt", "olmo", "phi-2", "trillion"})
SPLIT_AT_DIGITS = frozenset({"codeshell", "command-r", "exaone", "minerva-7b", "refact", "smollm", "starcoder"})
"""Like GPT-2, with every digit apart; transformers leaves that out."""
SPLITS = SPLIT_BY_TRANSFORMERS | SPLIT_LIKE_GPT2 | SPLIT_AT_DIGITS
TURN_ENDS = ("eos", "eot", "eom")
SAME_EVERYWHERE = "TokenizersBackend"
"""The class that uses ``tokenizer.json`` unchanged; others rebuild the pre-tokenizer of their architecture."""
PROBE = "Hello, world!  Don't split 12345 or naïve 漢字\n\n\tthe  end. "


def tokenizer_problems(header: GgufHeader) -> Iterator[str]:
    """What of a file's tokenizer cannot be written out."""
    kind = header.settings.get("tokenizer.ggml.model")
    if kind not in (BYTE_LEVEL, SENTENCEPIECE):
        yield f"unsupported tokenizer {kind!r}{suggest(str(kind), (BYTE_LEVEL, SENTENCEPIECE))}"
        return
    split = header.settings.get("tokenizer.ggml.pre")
    if kind == BYTE_LEVEL and split not in SPLITS:
        yield f"its tokenizer splits text by {split!r}, which is not known (tokenizer.ggml.pre)"
    if header.list_lengths.get("tokenizer.ggml.tokens", 0) == 0:
        yield "its tokenizer has no tokens"


def load_tokenizer(header: GgufHeader, file: Path) -> Any:
    """The tokenizer of a file.

    Args:
        header: the file's.
        file: the file, in a separate folder.

    Raises:
        DataError: transformers cannot build it, or it has another number of tokens than the file.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise DataError(f"{header.path}: its tokenizer cannot be built by transformers: {error}") from error
    tokens = header.list_lengths["tokenizer.ggml.tokens"]
    if len(tokenizer) != tokens:
        raise DataError(f"{header.path}: its tokenizer has {tokens} tokens, the one that was built {len(tokenizer)}")
    _complete(header, tokenizer.backend_tokenizer)
    return tokenizer


def write_tokenizer(header: GgufHeader, tokenizer: Any, directory: Path) -> None:
    """Write a file's tokenizer, its chat template and ``generation_config.json``.

    Raises:
        DataError: what was written splits a text otherwise.
    """
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(directory)
    config = read_json(directory / "tokenizer_config.json")
    kept = {key: value for key, value in config.items() if key not in ("is_local", "local_files_only", "name_or_path")}
    write_json(directory / "tokenizer_config.json", {**kept, "tokenizer_class": SAME_EVERYWHERE})
    _write_generation_config(header, tokenizer, directory)
    again: Any = AutoTokenizer.from_pretrained(directory)
    probe = PROBE + "".join(tokenizer.all_special_tokens) + PROBE
    if again(probe)["input_ids"] != tokenizer(probe)["input_ids"]:
        raise DataError(f"{header.path}: its tokenizer does not split text the same way after it was written out")


def turn_end(tokenizer: Any) -> int | None:
    """The special token that the chat template writes behind an answer, if it writes one at once."""
    if not tokenizer.chat_template:
        return None
    answer = "Yes"
    messages = [{"role": "user", "content": "Is it?"}, {"role": "assistant", "content": answer}]
    text = str(tokenizer.apply_chat_template(messages, tokenize=False))
    ids = tokenizer(text.rpartition(answer)[2], add_special_tokens=False)["input_ids"]
    return int(ids[0]) if ids and ids[0] in tokenizer.all_special_ids else None


def _complete(header: GgufHeader, backend: Any) -> None:
    """Add to the built tokenizer what transformers does not read."""
    from tokenizers import decoders, normalizers, pre_tokenizers

    if header.settings.get("tokenizer.ggml.pre") in SPLIT_AT_DIGITS:
        digits = pre_tokenizers.Digits(individual_digits=True)
        backend.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    no_space = header.settings.get("tokenizer.ggml.add_space_prefix") is False
    if no_space and header.settings["tokenizer.ggml.model"] == SENTENCEPIECE and "gemma" not in header.architecture:
        backend.normalizer = normalizers.Replace(" ", "▁")
        backend.pre_tokenizer = None
        backend.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()],
        )


def _write_generation_config(header: GgufHeader, tokenizer: Any, directory: Path) -> None:
    """Name the tokens that end a response: the file's, and what its template writes behind the assistant's turn."""
    configured = read_json(directory / "config.json").get("eos_token_id")
    ends = list(configured) if isinstance(configured, list) else [configured]
    ends += [header.settings.get(f"tokenizer.ggml.{name}_token_id") for name in TURN_ENDS]
    ends.append(turn_end(tokenizer))
    known = list(dict.fromkeys(int(token) for token in ends if token is not None))
    names = {"bos_token_id": tokenizer.bos_token_id, "pad_token_id": tokenizer.pad_token_id}
    present = {key: value for key, value in names.items() if value is not None}
    write_json(directory / "generation_config.json", {"eos_token_id": known, **present})
