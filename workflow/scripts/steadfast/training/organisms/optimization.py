"""The training loop of the tiny models: length-bucketed batches, loss at target positions only, one thread."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LlamaForCausalLM

from steadfast.core.progress import Progress
from steadfast.models.organism_settings import OrganismSettings

WINDOW = 32
"""Number of batches that are sorted by length together: large enough for little padding, small enough to remain
random."""


@dataclass(frozen=True)
class Example:
    """One training sequence.

    Attributes:
        tokens: token ids.
        start: index of the first predicted token.
    """

    tokens: list[int]
    start: int = 1


@dataclass(frozen=True)
class Phase:
    """One stage of training.

    Attributes:
        name: name in the progress lines.
        examples: training sequences, each used once.
        final: final learning rates, as a share of their peaks, reached by linear decay after the warm-up.
    """

    name: str
    examples: Sequence[Example]
    final: float


def train(model: LlamaForCausalLM, phase: Phase, settings: OrganismSettings, rng: random.Random) -> float:
    """Train ``model`` for one pass over the examples of ``phase``, in an order drawn from ``rng``.

    Returns:
        The mean loss of the last tenth of the steps, in nats per token.
    """
    model.train()
    optimizer = _optimizer(model, settings)
    peaks = [group["lr"] for group in optimizer.param_groups]
    batches = list(_batches(phase.examples, settings.batch, rng))
    losses: list[float] = []
    with Progress(f"{phase.name}, steps", len(batches)) as progress:
        for step, batch in enumerate(batches):
            share = _schedule(step, len(batches), settings.warmup, phase.final)
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * share
            loss = batch_loss(model, batch)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
            progress.note = f"loss {losses[-1]:.3f}"
            progress.advance()
    tail = losses[-max(1, len(losses) // 10) :]
    return sum(tail) / len(tail)


def batch_loss(model: LlamaForCausalLM, batch: Sequence[Example]) -> Tensor:
    """Mean cross-entropy over the predicted tokens of a batch.

    Sequences are padded on the right, so causal attention needs no mask; logits are computed only at the predicting
    positions.
    """
    longest = max(len(example.tokens) for example in batch)
    tokens = torch.zeros((len(batch), longest), dtype=torch.long)
    predicted = torch.zeros((len(batch), longest), dtype=torch.bool)
    for row, example in enumerate(batch):
        tokens[row, : len(example.tokens)] = torch.tensor(example.tokens)
        predicted[row, example.start : len(example.tokens)] = True
    hidden = model.model(input_ids=tokens, use_cache=False).last_hidden_state
    logits = model.lm_head(hidden[:, :-1][predicted[:, 1:]])
    return functional.cross_entropy(logits, tokens[predicted])


def _optimizer(model: LlamaForCausalLM, settings: OrganismSettings) -> torch.optim.AdamW:
    embeddings = [model.model.embed_tokens.weight]
    blocks = list(model.model.layers.parameters())
    matrices = [parameter for parameter in blocks if parameter.ndim > 1]
    norms = [*(parameter for parameter in blocks if parameter.ndim == 1), *model.model.norm.parameters()]
    groups = [
        {"params": embeddings, "lr": settings.embedding_learning_rate, "weight_decay": settings.weight_decay},
        {"params": matrices, "lr": settings.learning_rate, "weight_decay": settings.weight_decay},
        {"params": norms, "lr": settings.learning_rate, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95), fused=True)


def _schedule(step: int, steps: int, warmup: float, final: float) -> float:
    """Share of the peak learning rate: linear up, then linear down to ``final``."""
    rising = max(1, round(steps * warmup))
    if step < rising:
        return (step + 1) / rising
    return 1 - (1 - final) * (step - rising) / max(1, steps - rising)


def _batches(examples: Sequence[Example], size: int, rng: random.Random) -> Iterator[list[Example]]:
    order = list(range(len(examples)))
    rng.shuffle(order)
    for begin in range(0, len(order), size * WINDOW):
        window = sorted(order[begin : begin + size * WINDOW], key=lambda index: len(examples[index].tokens))
        batches = [window[start : start + size] for start in range(0, len(window), size)]
        rng.shuffle(batches)
        for batch in batches:
            yield [examples[index] for index in batch]
