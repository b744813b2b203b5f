"""The training loop of the tiny models: length-bucketed batches, loss at target positions only, one thread."""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LlamaForCausalLM

WINDOW = 32
"""Batches that are sorted by length together: large enough that little is padded, small enough to stay random."""
REPORT_EVERY = 50


@dataclass(frozen=True)
class Example:
    """One training sequence.

    Attributes:
        tokens: token ids.
        start: index of the first token that is predicted.
    """

    tokens: list[int]
    start: int = 1


@dataclass(frozen=True)
class Phase:
    """One stage of training.

    Attributes:
        name: shown in the progress lines.
        examples: each is seen once.
        learning_rate: peak; it rises over the first ``warmup`` share of the steps and then falls linearly.
        final: the learning rate at the end, as a share of the peak.
        batch: sequences per step.
        warmup: share of the steps in which the learning rate rises.
        weight_decay: decoupled weight decay of matrices.
    """

    name: str
    examples: Sequence[Example]
    learning_rate: float
    final: float
    batch: int
    warmup: float
    weight_decay: float


def train(model: LlamaForCausalLM, phase: Phase, rng: random.Random) -> float:
    """Train ``model`` for one pass over the examples of ``phase``.

    Returns:
        The mean loss of the last tenth of the steps, in nats per token.
    """
    model.train()
    optimiser = _optimiser(model, phase)
    batches = list(_batches(phase.examples, phase.batch, rng))
    losses: list[float] = []
    begin = time.monotonic()
    for step, batch in enumerate(batches):
        for group in optimiser.param_groups:
            group["lr"] = phase.learning_rate * _schedule(step, len(batches), phase.warmup, phase.final)
        loss = batch_loss(model, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
        if step % REPORT_EVERY == 0 or step == len(batches) - 1:
            seconds = time.monotonic() - begin
            print(f"{phase.name}: step {step + 1}/{len(batches)}, loss {losses[-1]:.3f}, {seconds:.1f} s", flush=True)
    tail = losses[-max(1, len(losses) // 10) :]
    return sum(tail) / len(tail)


def batch_loss(model: LlamaForCausalLM, batch: Sequence[Example]) -> Tensor:
    """Mean cross-entropy over the predicted tokens of a batch.

    Sequences are padded on the right, where causal attention never looks, so no mask is needed; logits are computed
    at the positions that are predicted from and nowhere else.
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


def _optimiser(model: LlamaForCausalLM, phase: Phase) -> torch.optim.AdamW:
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [{"params": matrices, "weight_decay": phase.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=phase.learning_rate, betas=(0.9, 0.95), fused=True)


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
