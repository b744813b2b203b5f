"""Which GGUF files can be converted to checkpoints: determined from the header, before anything is loaded."""

from collections.abc import Iterator
from pathlib import Path

from steadfast.core.errors import DataError, suggest
from steadfast.models.gguf.configuration import FURTHER, setting_problems
from steadfast.models.gguf.header import GgufHeader, read_header
from steadfast.models.gguf.tokens import tokenizer_problems

ARCHITECTURES = tuple(FURTHER)
"""Those whose conversion is tested against a reference (``tests/unit/gguf``)."""
REMEDY = "use the checkpoint that the file was made from (source: hub or source: local)"


def require_supported(path: str | Path) -> GgufHeader:
    """Read a GGUF file's header and see that the file can be written out.

    Raises:
        DataError: it is not a complete GGUF file, or something of it cannot be read; the message names all of it.
    """
    header = read_header(path)
    problems = list(problems_of(header))
    if problems:
        raise DataError(f"{header.path} cannot be written out: {'; '.join(problems)}. Remedy: {REMEDY}")
    return header


def problems_of(header: GgufHeader) -> Iterator[str]:
    """What keeps a GGUF file from being written out as a checkpoint."""
    kind = header.settings.get("general.type", "model")
    if kind != "model":
        yield f"it holds no model but {kind!r} (general.type)"
        return
    parts = int(header.settings.get("split.count", 1))
    if parts > 1:
        yield f"it is one of {parts} parts; join them with llama-gguf-split --merge"
        return
    if header.architecture not in ARCHITECTURES:
        yield f"unsupported architecture {header.architecture!r}{suggest(header.architecture, ARCHITECTURES)}"
        return
    yield from tokenizer_problems(header)
    yield from setting_problems(header)
    yield from _storage_problems(header)


def _storage_problems(header: GgufHeader) -> Iterator[str]:
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    names = {kind.value: kind.name for kind in GGMLQuantizationType}
    known = readable_types()
    unknown = sorted({t.type_id for t in header.tensors} - known)
    if unknown:
        listed = ", ".join(names.get(number, f"number {number}") for number in unknown)
        allowed = ", ".join(sorted(names[number] for number in known))
        yield f"tensors of the unsupported storage type {listed} (supported: {allowed})"
        return
    for tensor in header.tensors:
        elements, size = GGML_QUANT_SIZES[GGMLQuantizationType(tensor.type_id)]
        end = header.data_start + tensor.offset + tensor.count // elements * size
        if end > header.size:
            yield f"it is not complete: {tensor.name} ends at byte {end}, the file at {header.size}"
            return


def readable_types() -> set[int]:
    """Numbers of the storage types that the ``gguf`` package turns into floating-point numbers."""
    from gguf.constants import GGMLQuantizationType
    from gguf.quants import _type_traits

    return {GGMLQuantizationType.F32.value, GGMLQuantizationType.F16.value, *(kind.value for kind in _type_traits)}


def is_quantized(header: GgufHeader) -> bool:
    """Whether any tensor is stored in blocks, and not as floating-point numbers."""
    return native_dtype(header) is None


def native_dtype(header: GgufHeader) -> str | None:
    """The floating-point format that the file is stored in (norms in float32 do not count), or None if quantized."""
    from gguf.constants import GGMLQuantizationType as Type

    floats = {Type.F32.value: "float32", Type.F16.value: "float16", Type.BF16.value: "bfloat16"}
    found = {tensor.type_id for tensor in header.tensors}
    if not found <= set(floats):
        return None
    half = {floats[kind] for kind in found} - {"float32"}
    return "float32" if len(half) != 1 else half.pop()
