"""Extraction of activations: forward hooks on the decoder's blocks, no logits, length-bucketed batches.

The state read is the residual stream *after* block ℓ (0-based), taken from the block's own output.
``hidden_states`` of transformers is not used: its entry i is the input of block i and its last entry has
gone through the final norm.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from steadfast.attacks.activations import Activations, ClassActivations
from steadfast.core.errors import DataError
from steadfast.core.files import require_columns
from steadfast.core.names import PROMPT_LABELS
from steadfast.core.progress import Progress
from steadfast.models.chat import encode_chat, template_suffix, user_message
from steadfast.models.classes import decoder_of
from steadfast.models.loading import load_model, load_tokenizer
from steadfast.models.padding import padded_left
from steadfast.models.prefix import NO_PREFIX, Prefix, repeated, shared_prefix

Positions = Sequence[int] | Literal["post_instruction"]


@dataclass(frozen=True)
class Batch:
    """A left-padded batch.

    Attributes:
        rows: index of each prompt in the list that was batched.
        input_ids: int64 [prompts, tokens].
        attention_mask: int64 [prompts, tokens], or None if nothing is padded.
    """

    rows: list[int]
    input_ids: Tensor
    attention_mask: Tensor | None


def extract_activations(
    model_dir: str | Path,
    prompts: pd.DataFrame,
    *,
    positions: Positions = (-1,),
    batch_tokens: int = 8192,
    device: str = "auto",
    dtype: str = "auto",
    system_prompt: str | None = None,
    template_arguments: Mapping[str, Any] | None = None,
) -> Activations:
    """Run every prompt through the model once and keep the residual stream at the given positions.

    Args:
        model_dir: a model directory of the workflow, or a plain checkpoint directory.
        prompts: columns ``prompt_id``, ``text``, ``label`` (harmful or harmless), optionally ``category``.
        positions: negative positions counted from the end of the encoded prompt, or ``post_instruction``
            for every token that the chat template puts after the user's text.
        batch_tokens: largest number of tokens of a batch, padding included.
        device: ``auto`` or a torch device name.
        dtype: number format to run the model in; see ``steadfast.models.number_format`` for ``auto``.
        system_prompt: an optional system turn before every prompt.
        template_arguments: further variables of the chat template.

    Raises:
        DataError: a class has no prompts, or a prompt is shorter than a position reaches.
    """
    require_columns(prompts, ["prompt_id", "text", "label"], "calibration prompts")
    groups = [prompts[prompts["label"] == label] for label in PROMPT_LABELS]
    for label, group in zip(PROMPT_LABELS, groups, strict=True):
        if group.empty:
            raise DataError(f"there are no {label} calibration prompts, so there is nothing to contrast")
    table = pd.concat(groups)
    tokenizer = load_tokenizer(model_dir)
    encoded = encode_chat(tokenizer, [user_message(text, system_prompt) for text in table["text"]], template_arguments)
    wanted = resolve_positions(positions, tokenizer, encoded, template_arguments)
    model = load_model(model_dir, dtype=dtype, device=device)
    blocks, final_norm = residual_stream(model, encoded, wanted, batch_tokens, int(tokenizer.pad_token_id or 0))
    split = len(groups[0])
    harmful, harmless = (
        ClassActivations(blocks[rows], final_norm[rows], tuple(map(str, group["prompt_id"])), tuple(_categories(group)))
        for group, rows in zip(groups, (slice(0, split), slice(split, None)), strict=True)
    )
    return Activations(harmful, harmless, wanted, _tokens_at(wanted, tokenizer, encoded[0]), Path(model_dir).name)


def residual_stream(
    model: PreTrainedModel,
    encoded: Sequence[Sequence[int]],
    positions: Sequence[int],
    batch_tokens: int,
    pad_token_id: int,
) -> tuple[np.ndarray[Any, np.dtype[np.float32]], np.ndarray[Any, np.dtype[np.float32]]]:
    """Residual stream after every block, and the state after the final norm, at ``positions``.

    Returns:
        float32 [prompts, positions, layers, hidden] and float32 [prompts, positions, hidden], in the order
        of ``encoded``.
    """
    decoder = decoder_of(model)
    layers = decoder_blocks(model)
    shape = (len(encoded), len(positions), len(layers), int(model.config.get_text_config().hidden_size))
    blocks = np.empty(shape, dtype=np.float32)
    final_norm = np.empty((shape[0], shape[1], shape[3]), dtype=np.float32)
    with torch.inference_mode():
        # before hooks are attached: the prefix may be shorter than the positions that they read
        prefix = shared_prefix(model, encoded, -min(positions))
    rest = [ids[prefix.length :] for ids in encoded]
    with torch.inference_mode(), capture_blocks(layers, positions) as captured:
        for batch in batches(rest, batch_tokens, pad_token_id):
            state = _at(run_decoder(decoder, batch, model.device, prefix).last_hidden_state, positions)
            # if the model is split across GPUs, each block's state is on its own device
            stacked = torch.stack([block.to(state.device) for block in captured], dim=2)
            blocks[batch.rows] = stacked.float().cpu().numpy()
            final_norm[batch.rows] = state.float().cpu().numpy()
    return blocks, final_norm


def run_decoder(decoder: nn.Module, batch: Batch, device: torch.device, prefix: Prefix = NO_PREFIX) -> Any:
    """Run the decoder, without the language-modeling head, on one left-padded batch.

    Position ids count from each prompt's first token, so that models with absolute positions give the same results as
    without padding.

    Args:
        decoder: the text decoder.
        batch: the tokens to run, without the shared prefix.
        device: device of the decoder's embedding.
        prefix: the shared prefix of all prompts.
    """
    ids = batch.input_ids.to(device)
    arguments: dict[str, Any] = {"input_ids": ids, "use_cache": prefix.cache is not None}
    if prefix.cache is not None:
        arguments["past_key_values"] = repeated(prefix.cache, len(ids))
    if batch.attention_mask is not None:
        seen = torch.ones(len(ids), prefix.length, dtype=torch.long)
        mask = torch.cat([seen, batch.attention_mask], dim=1).to(device)
        arguments["attention_mask"] = mask
        if "position_ids" in inspect.signature(decoder.forward).parameters:
            arguments["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)[:, prefix.length :]
    return decoder(**arguments)


def batches(encoded: Sequence[Sequence[int]], batch_tokens: int, pad_token_id: int) -> Iterator[Batch]:
    """Left-padded batches of prompts of similar length, longest first, each within ``batch_tokens``.

    The longest batch comes first, so that a batch size too large for the memory fails at once. The job's progress
    counts a batch as done when the next one is requested.
    """
    order = sorted(range(len(encoded)), key=lambda row: (-len(encoded[row]), row))
    start = 0
    with Progress("prompts", len(encoded), unit="tokens", work=sum(map(len, encoded)), brief=True) as progress:
        while start < len(order):
            width = len(encoded[order[start]])
            rows = order[start : start + max(1, batch_tokens // width)]
            start += len(rows)
            yield pad_left(encoded, rows, pad_token_id)
            progress.advance(len(rows), sum(len(encoded[row]) for row in rows))


def pad_left(encoded: Sequence[Sequence[int]], rows: list[int], pad_token_id: int) -> Batch:
    """Left-padded batch of the given rows."""
    ids, mask = padded_left([encoded[row] for row in rows], pad_token_id)
    return Batch(rows, ids, None if len({len(encoded[row]) for row in rows}) == 1 else mask)


@contextmanager
def capture_blocks(layers: nn.ModuleList, positions: Sequence[int]) -> Iterator[list[Tensor]]:
    """Context in which each forward pass stores [prompts, positions, hidden] of every block in the list."""
    captured: list[Tensor] = [torch.empty(0)] * len(layers)

    def keep(index: int, output: Any) -> None:
        state = output[0] if isinstance(output, tuple) else output
        captured[index] = _at(state, positions)

    with ExitStack() as stack:
        for index, layer in enumerate(layers):
            handle = layer.register_forward_hook(lambda _module, _inputs, output, index=index: keep(index, output))
            stack.callback(handle.remove)
        yield captured


def _at(state: Tensor, positions: Sequence[int]) -> Tensor:
    """A copy of the states at some positions, [prompts, positions, hidden], on their device."""
    # an index tensor would have to be copied to the device of every block, and each copy synchronizes
    return torch.stack([state[:, position] for position in positions], dim=1)


def decoder_blocks(model: PreTrainedModel) -> nn.ModuleList:
    """The blocks of the text decoder, first to last.

    Raises:
        DataError: the decoder has no list with the number of blocks that its config gives.
    """
    decoder = decoder_of(model)
    depth = int(model.config.get_text_config().num_hidden_layers)
    for module in decoder.children():
        if isinstance(module, nn.ModuleList) and len(module) == depth:
            return module
    raise DataError(f"{type(model).__name__} has no list of {depth} blocks in its decoder")


def resolve_positions(
    positions: Positions,
    tokenizer: PreTrainedTokenizerBase,
    encoded: Sequence[Sequence[int]],
    template_arguments: Mapping[str, Any] | None,
) -> tuple[int, ...]:
    """Negative positions, ascending; ``post_instruction`` becomes those of the template's suffix.

    Raises:
        DataError: a position is not negative, or reaches beyond the shortest prompt.
    """
    if positions == "post_instruction":
        length = max(1, len(template_suffix(tokenizer, template_arguments)))
        return tuple(range(-length, 0))
    wanted = tuple(sorted({int(position) for position in positions}))
    shortest = min(map(len, encoded))
    if not wanted or wanted[-1] >= 0 or -wanted[0] > shortest:
        raise DataError(
            f"positions {list(positions)} must count from the end of the prompt: -1 (last token) to -{shortest}, "
            "the length of the shortest prompt"
        )
    return wanted


def _tokens_at(positions: Sequence[int], tokenizer: PreTrainedTokenizerBase, encoded: Sequence[int]) -> tuple[str, ...]:
    ids = [encoded[position] for position in positions]
    return tuple(str(token) for token in tokenizer.convert_ids_to_tokens(ids))


def _categories(group: pd.DataFrame) -> list[str]:
    if "category" not in group.columns:
        return [""] * len(group)
    return [str(value) for value in group["category"].fillna("")]
