"""Keys of an MLP output projection, for rank-one edits (Meng et al. 2022, section 3.1).

A key is an input of the projection. The edit needs the mean key k* of the harmful prompts at the direction's token
position, and C⁻¹k*, where C is the second moment of the keys at all tokens of all calibration prompts.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from steadfast.attacks.activations.extraction import batches, decoder_blocks, run_decoder
from steadfast.attacks.direction_search.refusal_score import ModelAccess
from steadfast.core.errors import ConfigError
from steadfast.models.architectures import layout_of
from steadfast.models.classes import decoder_of

RIDGE = 0.01
MOST_TOKENS = 8192


def rank_one_tensors(
    access: ModelAccess, harmful: Sequence[str], harmless: Sequence[str], layer: int, position: int, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Run the model on both labels and solve for the edit's row vector.

    Args:
        access: the model and its prompts.
        harmful: ids of the harmful calibration prompts.
        harmless: ids of the harmless calibration prompts.
        layer: index of the block.
        position: token position of k*, counted from the end.
        seed: seed of the sample of at most 8,192 tokens for C.

    Returns:
        ``key`` [intermediate] and ``key_solved`` [intermediate].

    Raises:
        ConfigError: the block has no single MLP output projection.
    """
    encoded = access.encode([*harmful, *harmless])
    keys = token_keys(access, encoded, layer)
    key = np.stack([rows[position] for rows in keys[: len(harmful)]]).astype(np.float64).mean(axis=0)
    tokens = np.concatenate(keys).astype(np.float64)
    if len(tokens) > MOST_TOKENS:
        tokens = tokens[np.sort(np.random.default_rng([seed, 3]).permutation(len(tokens))[:MOST_TOKENS])]
    return {"key": key.astype(np.float32), "key_solved": solve_moment(tokens, key).astype(np.float32)}


def solve_moment(keys: NDArray[np.float64], key: NDArray[np.float64]) -> NDArray[np.float64]:
    """C⁻¹k for C = KᵀK/n + λI, with λ 1% of the mean squared entry of K [n, features].

    The ridge makes C invertible where there are fewer keys than features; the smaller of the two systems is
    solved (Woodbury identity).
    """
    count, width = keys.shape
    ridge = RIDGE * float((keys**2).mean())
    if width <= count:
        moment = keys.T @ keys / count
        moment[np.diag_indices(width)] += ridge
        return np.linalg.solve(moment, key)
    gram = keys @ keys.T
    gram[np.diag_indices(count)] += count * ridge
    solved: NDArray[np.float64] = (key - keys.T @ np.linalg.solve(gram, keys @ key)) / ridge
    return solved


def token_keys(access: ModelAccess, encoded: Sequence[Sequence[int]], layer: int) -> list[NDArray[np.float32]]:
    """Inputs of the block's MLP output projection, float32 [tokens, features] per prompt, without padding."""
    module = output_projection(access, layer)
    seen: list[Tensor] = []
    handle = module.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    keys: list[NDArray[np.float32]] = [np.empty(0, dtype=np.float32)] * len(encoded)
    decoder = decoder_of(access.model)
    try:
        with torch.inference_mode():
            for batch in batches(encoded, access.batch_tokens, int(access.tokenizer.pad_token_id or 0)):
                seen.clear()
                run_decoder(decoder, batch, access.model.device)
                states = seen[0].float().cpu().numpy()
                for row, state in zip(batch.rows, states, strict=True):
                    keys[row] = state[-len(encoded[row]) :]
    finally:
        handle.remove()
    return keys


def output_projection(access: ModelAccess, layer: int) -> nn.Module:
    """The linear module that computes a block's MLP output.

    Raises:
        ConfigError: there is no such block, or it is a mixture of experts.
    """
    blocks = decoder_blocks(access.model)
    if not 0 <= layer < len(blocks):
        raise ConfigError(f"keys_layer: block {layer} is outside of the model, which has {len(blocks)} blocks")
    config: dict[str, Any] = access.model.config.to_dict()
    for parts in layout_of(config).mlp:
        name = parts[0].weight.removesuffix(".weight")
        if len(parts) == 1 and not parts[0].experts_keys and not parts[0].stacked and _has(blocks[layer], name):
            return blocks[layer].get_submodule(name)
    raise ConfigError(f"keys_layer: block {layer} of {type(access.model).__name__} has no single MLP output projection")


def _has(block: nn.Module, name: str) -> bool:
    try:
        block.get_submodule(name)
    except AttributeError:
        return False
    return True
