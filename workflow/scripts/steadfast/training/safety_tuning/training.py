"""Training one LoRA adapter: resumable, one thread, loss on the answers only."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import DynamicCache, PreTrainedModel

from steadfast.core.files import atomic_path
from steadfast.core.progress import Progress
from steadfast.models.prefix import common_prefix
from steadfast.training.safety_tuning.adapter import adapter_weights, add_adapter
from steadfast.training.safety_tuning.examples import Example
from steadfast.training.safety_tuning.recipes import TrainingSettings

WINDOW = 16
"""Number of batches that are sorted by length together: large enough for little padding, small enough to remain
random."""
SAVE_EVERY = 20
SHOWN_LOSSES = 10
"""Number of steps whose mean loss is logged."""


@dataclass
class TrainingState:
    """State of a training: the next step, and the loss of each previous step in nats per token."""

    step: int = 0
    losses: list[float] = field(default_factory=list)


def train_adapter(
    model: PreTrainedModel,
    examples: Sequence[Example],
    settings: TrainingSettings,
    seed: int,
    checkpoint: str | Path,
    *,
    stop_after: int | None = None,
) -> tuple[dict[str, Tensor], list[float]]:
    """Train LoRA matrices on ``model`` for one pass over a list of examples.

    The base's weights are frozen. Blocks below the first adapted one are run without gradients, and logits are computed
    only at the predicting positions.

    Args:
        model: the base, on the CPU; its number format is used for the arithmetic.
        examples: training sequences, each used once, in an order sampled with ``seed``.
        settings: settings of LoRA and the optimizer.
        seed: seed of the LoRA matrices and the order.
        checkpoint: file for the state, saved every ``SAVE_EVERY`` steps; if it exists, training resumes from it, with
            the same result.
        stop_after: stop at this step, for tests.

    Returns:
        The LoRA matrices (float32, PEFT's names) and the loss of each step.

    Raises:
        DataError: the base has fewer blocks than ``first_block``, or none of the modules.
    """
    torch.set_num_threads(1)
    adapted = add_adapter(model, settings, seed)
    weights = {name: weight for name, weight in adapted.named_parameters() if weight.requires_grad}
    optimizer = torch.optim.AdamW(list(weights.values()), lr=settings.learning_rate, weight_decay=0.0)
    batches = batch_examples(examples, settings.batch, random.Random(f"order {seed}"))
    state = _resume(Path(checkpoint), weights, optimizer)
    adapted.train()
    coming = sum(len(example.tokens) for batch in batches[state.step :] for example in batch)
    with Progress("training steps", len(batches), unit="tokens", work=coming, resumed=state.step) as progress:
        for batch in batches[state.step :]:
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * schedule(state.step, len(batches), settings)
            step_loss = batch_loss(model, batch, settings.first_token_weight)
            step_loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            state.losses.append(step_loss.item())
            state.step += 1
            if state.step % SAVE_EVERY == 0 or state.step in (len(batches), stop_after):
                _save(Path(checkpoint), state, weights, optimizer)
            progress.note = f"loss {fmean(state.losses[-SHOWN_LOSSES:]):.3f}"
            progress.advance(1, sum(len(example.tokens) for example in batch))
            if state.step == stop_after:
                break
    return adapter_weights(weights), state.losses


def batch_loss(model: PreTrainedModel, batch: Sequence[Example], first_weight: float = 1.0) -> Tensor:
    """Weighted mean cross-entropy over the predicted tokens of a batch, in nats.

    The first token of an answer, which decides whether it is a refusal, has the weight ``first_weight``; all others
    have 1. The shared prefix of all sequences, such as the system turn, is run once and its keys and values are reused;
    the gradient flows through both parts. Sequences are padded on the right, so causal attention needs no mask.
    """
    shared = shared_prefix(batch)
    longest = max(len(example.tokens) for example in batch)
    tokens = torch.zeros((len(batch), longest), dtype=torch.long)
    weights = torch.zeros((len(batch), longest))
    for row, example in enumerate(batch):
        tokens[row, : len(example.tokens)] = torch.tensor(example.tokens)
        weights[row, example.start : len(example.tokens)] = 1.0
        weights[row, example.start] = first_weight
    predicted = weights > 0
    causal: Any = model
    body, head = causal.get_decoder(), causal.get_output_embeddings()
    with torch.autocast("cpu", dtype=model.dtype, enabled=model.dtype != torch.float32):
        past = DynamicCache()
        if shared:
            body(input_ids=tokens[:1, :shared], past_key_values=past, use_cache=True)
            past.batch_repeat_interleave(len(batch))
        hidden = body(input_ids=tokens[:, shared:], past_key_values=past, use_cache=True).last_hidden_state
        # two dimensions, since a batched product would copy the head once per sequence
        logits = head(hidden[:, :-1][predicted[:, shared + 1 :]])
    losses = functional.cross_entropy(logits.float(), tokens[predicted], reduction="none")
    return (losses * weights[predicted]).sum() / weights.sum()


def shared_prefix(batch: Sequence[Example]) -> int:
    """Length of the shared prefix of all sequences, before the predicting positions."""
    return min(common_prefix([example.tokens for example in batch]), min(example.start for example in batch) - 1)


def batch_examples(examples: Sequence[Example], size: int, rng: random.Random) -> list[list[Example]]:
    """The examples in random order, in batches of similar length; documents and conversations are separate."""
    order = list(examples)
    rng.shuffle(order)
    batches: list[list[Example]] = []
    for begin in range(0, len(order), size * WINDOW):
        window = sorted(order[begin : begin + size * WINDOW], key=_kind_and_length)
        group = [window[start : start + size] for start in range(0, len(window), size)]
        rng.shuffle(group)
        batches += group
    return batches


def _kind_and_length(example: Example) -> tuple[bool, int]:
    return example.start > 1, len(example.tokens)


def schedule(step: int, steps: int, settings: TrainingSettings) -> float:
    """Share of the peak learning rate: linear up, then linear down."""
    rising = max(1, round(steps * settings.warmup))
    if step < rising:
        return (step + 1) / rising
    return 1 - (1 - settings.final) * (step - rising) / max(1, steps - rising)


def _save(
    path: Path, state: TrainingState, weights: dict[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer
) -> None:
    saved = {
        "progress": asdict(state),
        "weights": {name: weight.detach() for name, weight in weights.items()},
        "optimizer": optimizer.state_dict(),
    }
    with atomic_path(path) as temporary:
        torch.save(saved, temporary)


def _resume(path: Path, weights: dict[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer) -> TrainingState:
    if not path.exists():
        return TrainingState()
    saved = torch.load(path, weights_only=True)
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(saved["weights"][name])
    optimizer.load_state_dict(saved["optimizer"])
    return TrainingState(**saved["progress"])
