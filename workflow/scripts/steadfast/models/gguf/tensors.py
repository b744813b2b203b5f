"""Whether a GGUF file holds the tensors of its model, no more and no fewer, before any of them is read.

transformers reads the tensors that it has a name for and leaves out the others, without an error; what a file lacks it
fills with random numbers. Its own table of names says which those are.
"""

from collections.abc import Collection
from typing import Any

from steadfast.core.errors import DataError
from steadfast.models.gguf.header import GgufHeader
from steadfast.models.gguf.rotation import FACTORS

HEAD = "output.weight"
NAMED = 5


def require_tensors(header: GgufHeader, config: Any) -> None:
    """Check that a file holds every tensor of a model, and nothing else.

    Args:
        header: the file's.
        config: the model's configuration, as transformers' object.

    Raises:
        DataError: naming the tensors that are missing, and those that would be left out.
    """
    wanted = known_names(header, config)
    if header.tied:
        wanted.discard(HEAD)
    found = {_stem(tensor.name) for tensor in header.tensors} - {_stem(FACTORS)}
    missing = sorted({name for name in wanted if _stem(name) not in found})
    unknown = sorted(found - {_stem(name) for name in wanted})
    parts = [f"{what}: {_some(names)}" for what, names in (("missing", missing), ("not known", unknown)) if names]
    if parts:
        raise DataError(
            f"{header.path}: its tensors are not those of the architecture {header.architecture!r} in transformers; "
            f"{'; '.join(parts)}"
        )


def known_names(header: GgufHeader, config: Any) -> set[str]:
    """llama.cpp's names of a model's tensors, as transformers knows them; those of experts lack their ending."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.modeling_gguf_pytorch_utils import (
        TENSOR_PROCESSORS,
        TensorProcessor,
        get_gguf_hf_weights_map,
    )

    model_class: Any = AutoModelForCausalLM
    with torch.device("meta"):
        model = model_class.from_config(config)
    processor: Any = TENSOR_PROCESSORS.get(header.architecture, TensorProcessor)
    names: Any = get_gguf_hf_weights_map(model, processor(config=config.to_dict()))
    return set(names)


def _stem(name: str) -> str:
    return name.removesuffix(".weight")


def _some(names: Collection[str]) -> str:
    listed = ", ".join(list(names)[:NAMED])
    return f"{listed}, ... ({len(names)} in all)" if len(names) > NAMED else listed
