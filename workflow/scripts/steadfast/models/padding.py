"""Left-padded batches of prompts."""

from collections.abc import Sequence

import torch
from torch import Tensor


def padded_left(prompts: Sequence[Sequence[int]], pad_token_id: int = 0) -> tuple[Tensor, Tensor]:
    """A batch whose prompts all end at its last column.

    Args:
        prompts: token ids of each prompt; none may be empty.
        pad_token_id: padding before the shorter ones.

    Returns:
        Token ids and the attention mask, each int64 [prompts, longest prompt], on the CPU.
    """
    width = max(map(len, prompts))
    ids = torch.full((len(prompts), width), pad_token_id, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt, dtype=torch.long)
        mask[row, width - len(prompt) :] = 1
    return ids, mask
