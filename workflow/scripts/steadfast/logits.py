"""Next-token distributions of a model on prompts: what interventions and edits are compared by."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from steadfast.activations.extraction import batches


def next_token_log_probabilities(
    model: PreTrainedModel, encoded: Sequence[Sequence[int]], batch_tokens: int, pad_token_id: int
) -> Tensor:
    """Log-probabilities of the token after each prompt, float64 [prompts, vocabulary], on the CPU.

    Args:
        model: the model, with whatever hooks it carries.
        encoded: token ids of each prompt.
        batch_tokens: largest number of tokens of a batch, padding included.
        pad_token_id: token to pad with, on the left.
    """
    parameters = inspect.signature(model.forward).parameters
    rows: list[Tensor] = [torch.empty(0)] * len(encoded)
    with torch.inference_mode():
        for batch in batches(encoded, batch_tokens, pad_token_id):
            arguments: dict[str, Any] = {"input_ids": batch.input_ids.to(model.device), "use_cache": False}
            if batch.attention_mask is not None:
                mask = batch.attention_mask.to(model.device)
                arguments["attention_mask"] = mask
                if "position_ids" in parameters:
                    arguments["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)
            if "logits_to_keep" in parameters:
                arguments["logits_to_keep"] = 1
            logits = model(**arguments).logits[:, -1]
            for row, values in zip(batch.rows, torch.log_softmax(logits.double(), dim=-1).cpu(), strict=True):
                rows[row] = values
    return torch.stack(rows)


def divergence(reference: Tensor, other: Tensor) -> Tensor:
    """Kullback-Leibler divergence KL(reference ‖ other) of each row [prompts], in nats, from log-probabilities."""
    return (reference.exp() * (reference - other)).sum(dim=-1).clamp(min=0)
