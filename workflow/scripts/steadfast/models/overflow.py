"""Overflow: numbers that a format cannot hold become infinite, then NaN, which greedy decoding takes for text.

Every loaded model is watched: the output states of its decoder and the logits must be finite, so that no activation,
response, label probability or score is computed from non-finite numbers. A state that overflows in any block stays
infinite or NaN in the residual stream, and is NaN after the final norm.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from steadfast.core.errors import DataError
from steadfast.models.classes import decoder_of

NARROW = {torch.float16: "bfloat16 or float32", torch.bfloat16: "float32"}
"""Formats with a larger range."""


class NumberOverflowError(DataError):
    """A model's numbers exceed the format that it runs in."""


def watch(model: PreTrainedModel, name: str) -> list[RemovableHandle]:
    """Make a loaded model raise ``NumberOverflowError`` if its states or logits are not finite.

    Args:
        model: the model.
        name: what the message calls it.

    Returns:
        Handles, by which the watch ends.
    """
    untyped: Any = model
    decoder = decoder_of(model)

    def states(_module: nn.Module, _inputs: object, arguments: Mapping[str, Any], output: Any) -> None:
        state = getattr(output, "last_hidden_state", None)
        if isinstance(state, Tensor):
            _require_finite(state, arguments.get("attention_mask"), "states", name)

    def logits(_module: nn.Module, _inputs: object, arguments: Mapping[str, Any], output: Any) -> None:
        values = getattr(output, "logits", None)
        if isinstance(values, Tensor):
            # single tokens may be masked by minus infinity; the maximum is NaN if any logit is
            _require_finite(values.amax(dim=-1, keepdim=True), arguments.get("attention_mask"), "logits", name)

    return [
        decoder.register_forward_hook(states, with_kwargs=True),
        untyped.register_forward_hook(logits, with_kwargs=True),
    ]


def require_finite_weights(model: PreTrainedModel, name: str) -> None:
    """Check that the weights of a model are finite in the format that they are in.

    Raises:
        NumberOverflowError: naming the first that is not.
    """
    for parameter, weight in model.named_parameters():
        if not bool(torch.isfinite(weight).all()):
            raise NumberOverflowError(_message(f"{name}: the weights of {parameter}", weight.dtype))


def _require_finite(values: Tensor, mask: object, what: str, name: str) -> None:
    """Check that values [rows, tokens, ...] are finite wherever there is a token and no padding."""
    if values.ndim < 3 or bool(torch.isfinite(values).all()):
        return
    wrong = ~torch.isfinite(values).flatten(2).all(dim=-1)
    if isinstance(mask, Tensor) and mask.ndim == 2 and mask.shape[1] >= wrong.shape[1]:
        wrong &= mask[:, -wrong.shape[1] :].bool().to(wrong.device)
    if bool(wrong.any()):
        where = f"at {int(wrong.sum())} of {wrong.numel()} tokens"
        raise NumberOverflowError(_message(f"{name}: its {what} {where}", values.dtype))


def _message(what: str, dtype: torch.dtype) -> str:
    name = str(dtype).removeprefix("torch.")
    wider = NARROW.get(dtype)
    remedy = f"set `dtype` of its config entry to {wider}" if wider else "no wider format is offered"
    return (
        f"{what} are infinite or NaN: they exceed what {name} holds (up to {torch.finfo(dtype).max:.3g}). Remedy: "
        f"{remedy}; if that does not help, its weights are damaged, or an edit or a hook is too strong (`scale`)"
    )
