"""Common prefix of all prompts of a batch, run once; its keys and values are reused for every row."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel

# With fewer tokens, running the shared prefix separately costs more than it saves.
SHORTEST_PREFIX = 16


@dataclass(frozen=True)
class Prefix:
    """The common prefix of all prompts.

    Attributes:
        length: its tokens; 0 if nothing is shared.
        cache: their keys and values, of one row; None if nothing is shared.
    """

    length: int = 0
    cache: DynamicCache | None = None


NO_PREFIX = Prefix()


def shared_prefix(model: PreTrainedModel, prompts: Sequence[Sequence[int]], kept: int) -> Prefix:
    """Run the common prefix of all prompts once.

    Args:
        model: a causal language model.
        prompts: token ids of each prompt.
        kept: tokens at the end of every prompt that must not be part of it.
    """
    length = reusable_prefix(model, prompts, kept)
    return Prefix(length, run_prefix(model, prompts[0][:length])) if length else NO_PREFIX


def common_prefix(sequences: Sequence[Sequence[int]]) -> int:
    """Number of common first elements of all sequences."""
    length = min(map(len, sequences))
    for sequence in sequences[1:]:
        length = next((at for at in range(length) if sequence[at] != sequences[0][at]), length)
    return length


def reusable_prefix(model: PreTrainedModel, sequences: Sequence[Sequence[int]], kept: int) -> int:
    """Length of the prefix to run once; 0 if it is not worthwhile or the model's cache cannot be reused.

    Args:
        model: a causal language model.
        sequences: token ids of each prompt.
        kept: tokens at the end of every prompt that must not be part of it.
    """
    if len(sequences) < 2 or not has_plain_cache(model):
        return 0
    length = min(common_prefix(sequences), min(map(len, sequences)) - kept)
    return length if length >= SHORTEST_PREFIX else 0


def has_plain_cache(model: PreTrainedModel) -> bool:
    """Whether every block keeps the keys and values of all tokens, row by row, on one device, and nothing else.

    Sliding windows, recurrent states and convolutions keep what depends on how many tokens came before, so that rows
    cannot be prefixed, taken out or repeated. Of a model that is spread over devices the cache is spread too; taking
    rows out of one has not been tried, so it is left unchanged.
    """
    places: dict[str, Any] = getattr(model, "hf_device_map", None) or {}
    settings: Any = model.config.get_text_config()
    layers = getattr(settings, "layer_types", None)
    if len(set(places.values())) > 1:
        return False
    if layers:
        return set(layers) == {"full_attention"}
    return not getattr(settings, "sliding_window", None) and not model._is_stateful


def run_prefix(model: PreTrainedModel, ids: Sequence[int]) -> DynamicCache:
    """Keys and values of one sequence of tokens."""
    untyped: Any = model
    # only the decoder, since no logits are needed
    output: Any = untyped.get_decoder()(input_ids=torch.tensor([list(ids)], device=model.device), use_cache=True)
    cache: DynamicCache = output.past_key_values
    return cache


def repeated(cache: DynamicCache, rows: int) -> DynamicCache:
    """A copy of a cache of one row, for a batch of ``rows``."""
    copied = copy.deepcopy(cache)
    copied.batch_repeat_interleave(rows)
    return copied
