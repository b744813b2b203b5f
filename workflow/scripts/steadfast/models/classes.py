"""The model class of transformers for a checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, PreTrainedModel

from steadfast.core.errors import DataError

if TYPE_CHECKING:
    from torch import nn

MOST_CHARACTERS = 600  # maximum length of a message of transformers; some list every class
# errors of loading with invalid files and configurations; RuntimeError for mismatched sizes
FAULTS = (AttributeError, ImportError, KeyError, OSError, RuntimeError, StrictDataclassError, TypeError, ValueError)
MOST_BLOCKS = 10_000  # building such an architecture would take hours


def model_class_of(path: Path, *, trust_remote_code: bool = False) -> tuple[Any, Any]:
    """The model class of a checkpoint and its configuration; for multimodal ones, those of the loaded part.

    Raises:
        DataError: transformers does not know the architecture, or cannot build it.
    """
    import torch

    try:
        config = AutoConfig.from_pretrained(path, trust_remote_code=trust_remote_code)
        auto_class = auto_class_of(config)
        depth = getattr(config.get_text_config(), "num_hidden_layers", None) or 0
        if depth > MOST_BLOCKS:
            raise ValueError(f"config.json says that there are {depth:,} blocks (`num_hidden_layers`)")
        with torch.device("meta"):
            model = auto_class.from_config(config, trust_remote_code=trust_remote_code)
    except FAULTS as error:
        raise DataError(f"{path}: its architecture cannot be built: {in_one_line(error)}") from error
    return type(model), model.config


def auto_class_of(config: Any) -> Any:
    """The auto class for a configuration; some multimodal models are not registered as causal ones."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

    causal = type(config) in MODEL_FOR_CAUSAL_LM_MAPPING or "AutoModelForCausalLM" in getattr(config, "auto_map", {})
    if not causal and type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        return AutoModelForImageTextToText
    return AutoModelForCausalLM


def decoder_of(model: PreTrainedModel) -> "nn.Module":
    """The text decoder of a causal language model: everything except the output head."""
    untyped: Any = model
    decoder = untyped.get_decoder()
    # a few classes have no separate decoder and return themselves
    return untyped.model if decoder is model else decoder  # type: ignore[no-any-return]


def in_one_line(error: BaseException) -> str:
    """An error's message on one line, with its type if that is informative."""
    text = " ".join(str(error).split())[:MOST_CHARACTERS]
    return text if isinstance(error, (ImportError, OSError, ValueError)) and text else f"{type(error).__name__}: {text}"
