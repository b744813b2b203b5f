"""Information from the hub about a model before it is downloaded."""

from collections.abc import Mapping
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

from steadfast.models.download import missing_files
from steadfast.models.hub import FAILURES, UNWANTED, WANTED
from steadfast.models.size import ModelSize, written_out

BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2}
UNKNOWN_SIZE = (*FAILURES, NotASafetensorsRepoError, SafetensorsParsingError)


def bytes_to_fetch(entry: Mapping[str, Any]) -> int | None:
    """Download size of a hub model in bytes, 0 if it is cached; None if unknown."""
    wanted, unwanted = ([entry["file"]], []) if "file" in entry else (WANTED, UNWANTED)
    files = missing_files(entry["repo"], entry.get("revision", "main"), wanted, unwanted)
    return None if files is None else sum(files.values())


def size_on_hub(entry: Mapping[str, Any]) -> ModelSize | None:
    """Size of a model of the hub; None if the hub does not tell.

    Of a checkpoint the headers of its files tell it, of a GGUF file what the hub has read of it.
    """
    if "file" in entry:
        return _size_of_gguf(entry)
    try:
        found = HfApi().get_safetensors_metadata(entry["repo"], revision=entry.get("revision", "main"))
    except UNKNOWN_SIZE:
        return None
    counts = found.parameter_count
    return ModelSize(sum(counts.values()), sum(count * BYTES.get(dtype, 1) for dtype, count in counts.items()))


def _size_of_gguf(entry: Mapping[str, Any]) -> ModelSize | None:
    try:
        header = HfApi().model_info(entry["repo"], revision=entry.get("revision", "main"), expand=["gguf"]).gguf
    except FAILURES:
        return None
    parameters = (header or {}).get("total")
    return written_out(int(parameters), entry["dtype"]) if parameters else None
