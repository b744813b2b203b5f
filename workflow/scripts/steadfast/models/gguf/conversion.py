"""Writing a GGUF file out as a Hugging Face checkpoint.

transformers and the ``gguf`` package read it. The result is checked, since transformers silently skips tensors that it
has no name for, and fills missing ones with random numbers.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from steadfast.core.errors import DataError
from steadfast.core.files import read_json, write_json
from steadfast.core.progress import Progress
from steadfast.core.registry import load
from steadfast.models.gguf.configuration import complete
from steadfast.models.gguf.header import GgufHeader
from steadfast.models.gguf.rotation import FACTORS
from steadfast.models.gguf.support import native_dtype, require_supported
from steadfast.models.gguf.tensors import require_tensors
from steadfast.models.gguf.tokens import load_tokenizer, write_tokenizer
from steadfast.models.overflow import require_finite_weights
from steadfast.models.silence import silence
from steadfast.models.weights import open_checkpoint

QUANTIZED_DTYPE = "bfloat16"
SHARD_SIZE = "4GB"


def write_checkpoint(file: Path, directory: Path, dtype: str = "auto") -> dict[str, Any]:
    """Write a GGUF file out as a checkpoint: weights, configuration, tokenizer, chat template, tokens that end a turn.

    Args:
        file: the GGUF file.
        directory: an existing directory.
        dtype: ``float32``, ``float16``, ``bfloat16``, or ``auto``: the file's own floating-point format, ``bfloat16``
            where it is quantized.

    Returns:
        What ``model.json`` keeps of it: architecture, storage types, number format.

    Raises:
        DataError: the file cannot be read, or was not read completely.
    """
    header = require_supported(file)
    number_format = (native_dtype(header) or QUANTIZED_DTYPE) if dtype == "auto" else dtype
    with tempfile.TemporaryDirectory() as folder:
        # in a separate folder, since transformers also reads files next to it
        alone = Path(folder) / "model.gguf"
        alone.symlink_to(file.resolve())
        model = _load_model(header, alone, number_format)
        tokenizer = load_tokenizer(header, alone)
    model.save_pretrained(directory, max_shard_size=SHARD_SIZE)
    _clean_configuration(directory)
    write_tokenizer(header, tokenizer, directory)
    _require_complete(header, directory)
    return {
        "architecture": header.architecture,
        "storage": storage_types(header),
        "dtype": number_format,
        "tied": header.tied,
    }


def storage_types(header: GgufHeader) -> dict[str, int]:
    """Number of tensors of each storage type."""
    from gguf.constants import GGMLQuantizationType

    names = [GGMLQuantizationType(tensor.type_id).name for tensor in header.tensors]
    return {name: names.count(name) for name in sorted(set(names))}


def _load_model(header: GgufHeader, file: Path, dtype: str) -> PreTrainedModel:
    config_class: Any = AutoConfig
    model_class: Any = AutoModelForCausalLM
    try:
        config = config_class.from_pretrained(file.parent, gguf_file=file.name)
        config = type(config).from_dict(complete(header, config.to_dict()))
        require_tensors(header, config)
        # suppresses advice about packed weights, which does not apply here
        with silence(), _counted_tensors():
            model, report = model_class.from_pretrained(
                file.parent, gguf_file=file.name, config=config, dtype=getattr(torch, dtype), output_loading_info=True
            )
    except (OSError, ValueError, RuntimeError, NotImplementedError, KeyError) as error:
        raise DataError(f"{header.path} cannot be loaded by transformers: {error}") from error
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report[problem]:
            raise DataError(f"{header.path} was not read as a whole by transformers: {problem} {report[problem]}")
    if bool(model.config.tie_word_embeddings) != header.tied:
        raise DataError(f"{header.path}: the head is {'tied' if header.tied else 'untied'} in the file alone")
    require_finite_weights(model, str(header.path))
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    return model  # type: ignore[no-any-return]


@contextmanager
def _counted_tensors() -> Iterator[None]:
    """Context in which the job's log shows converted tensors instead of transformers' progress bar."""
    from transformers import modeling_gguf_pytorch_utils as reading

    def counted(tensors: Sequence[Any], **_settings: object) -> Iterator[Any]:
        with Progress("tensors of the file", len(tensors)) as progress:
            for tensor in tensors:
                yield tensor
                progress.advance()

    bar = vars(reading)["tqdm"]
    vars(reading)["tqdm"] = counted
    try:
        yield
    finally:
        vars(reading)["tqdm"] = bar


def _clean_configuration(directory: Path) -> None:
    """Remove settings about the file's history."""
    config = read_json(directory / "config.json")
    kept = {key: value for key, value in config.items() if key not in ("_model_name_or_path", "quantization_config")}
    write_json(directory / "config.json", kept)


def _require_complete(header: GgufHeader, directory: Path) -> None:
    """Check that the checkpoint is complete, with the same number of weights as the file."""
    # imported by name, so that a changed check does not cause models to be converted again
    load("steadfast.models", "check").check_checkpoint(directory)
    # the factors of rotary positions are in the configuration
    given = sum(tensor.count for tensor in header.tensors if tensor.name != FACTORS)
    stored = open_checkpoint(directory).parameters
    if given != stored:
        raise DataError(f"{header.path} holds {given} weights, and {stored} of them were read by transformers")
