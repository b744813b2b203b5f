"""A direction found by gradient descent: its ablation removes refusals and preserves behavior on harmless prompts.

After Wollschläger et al. 2025 (refusal direction optimization), with refusal scores in place of their target texts.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from steadfast.attacks.activations.extraction import Batch, pad_left
from steadfast.attacks.activations.logits import divergence, last_logits
from steadfast.attacks.direction_search.refusal_score import FLOOR, ModelAccess
from steadfast.attacks.directions import Descent
from steadfast.attacks.interventions.modules import OutputModule, changed_outputs, output_modules
from steadfast.core.progress import Progress


@dataclass(frozen=True)
class Examples:
    """Prompts that a loss is computed on.

    Attributes:
        harmful: token ids of harmful prompts.
        harmless: token ids of harmless prompts.
        reference: the model's own log-probabilities of the token after each harmless prompt, float64.
    """

    harmful: Sequence[Sequence[int]]
    harmless: Sequence[Sequence[int]]
    reference: Tensor

    def drawn(self, generator: np.random.Generator, count: int) -> "Examples":
        """A random sample of each label, without replacement."""
        harmful, harmless = (
            generator.choice(len(group), min(count, len(group)), replace=False).tolist()
            for group in (self.harmful, self.harmless)
        )
        return Examples(
            [self.harmful[row] for row in harmful], [self.harmless[row] for row in harmless], self.reference[harmless]
        )


def descend(
    access: ModelAccess,
    rows: NDArray[np.float64],
    prompts: tuple[Sequence[str], Sequence[str]],
    tokens: Sequence[int],
    descent: Descent,
    seed: int,
) -> tuple[NDArray[np.float64], Mapping[str, Any]]:
    """Improve directions by gradient descent through the ablated model.

    Args:
        access: the model.
        rows: float64 [k, hidden], orthonormal rows to start from.
        prompts: ids of harmful and of harmless prompts.
        tokens: first tokens of refusals.
        descent: settings of the descent.
        seed: seed of the order of the prompts.

    Returns:
        The rows with the smaller loss on all prompts, of the initial and the final ones, and details: both losses, and
        the cosine of the (largest principal) angle between the two.
    """
    harmful, harmless = (access.encode(list(ids)) for ids in prompts)
    examples = Examples(harmful, harmless, access.log_probabilities(harmless))
    model, generator = access.model, np.random.default_rng(seed)
    places = output_modules(model)
    start = torch.tensor(rows, dtype=torch.float32, device=model.device)
    moving = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([moving], lr=descent.learning_rate)
    with _frozen(model):
        before = _whole_loss(access, places, start, examples, tokens, descent)
        with Progress("steps", descent.steps) as progress:
            for _ in range(descent.steps):
                drawn = examples.drawn(generator, descent.batch)
                optimizer.zero_grad()
                _loss(access, places, moving, drawn, tokens, descent).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                with torch.no_grad():  # only the span matters, so the rows stay orthonormal
                    moving.copy_(orthonormal(moving))
                progress.advance()
        end = moving.detach()
        after = _whole_loss(access, places, end, examples, tokens, descent)
    found = (end if after < before else start).double().cpu().numpy()
    cosine = float(np.linalg.svd(found @ rows.T, compute_uv=False).min())
    return found, {"loss_before": before, "loss_after": min(before, after), "cosine_with_start": cosine}


def orthonormal(rows: Tensor) -> Tensor:
    """Orthonormal rows of the same span, in order and with their signs; differentiable."""
    basis, triangle = torch.linalg.qr(rows.T)
    turned: Tensor = (basis * torch.sign(torch.diagonal(triangle))).T
    return turned


@contextmanager
def _frozen(model: PreTrainedModel) -> Iterator[None]:
    """Context in which no weight requires a gradient."""
    asked = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in asked:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in asked:
            parameter.requires_grad_(True)


def _whole_loss(
    access: ModelAccess,
    places: Sequence[OutputModule],
    rows: Tensor,
    examples: Examples,
    tokens: Sequence[int],
    descent: Descent,
) -> float:
    """Loss on all prompts, computed in batches of the size of a step."""
    total = 0.0
    size = max(len(examples.harmful), len(examples.harmless))
    with torch.no_grad():
        for begin in range(0, size, descent.batch):
            part = slice(begin, begin + descent.batch)
            drawn = Examples(examples.harmful[part], examples.harmless[part], examples.reference[part])
            scores = _parts(access, places, rows, drawn, tokens)
            shares = len(drawn.harmful) / len(examples.harmful), len(drawn.harmless) / len(examples.harmless)
            weights = 1.0, descent.divergence_weight
            total += sum(
                float(score) * share * weight for score, share, weight in zip(scores, shares, weights, strict=True)
            )
    return total


def _loss(
    access: ModelAccess,
    places: Sequence[OutputModule],
    rows: Tensor,
    examples: Examples,
    tokens: Sequence[int],
    descent: Descent,
) -> Tensor:
    refusals, moved = _parts(access, places, rows, examples, tokens)
    return refusals + descent.divergence_weight * moved


def _parts(
    access: ModelAccess, places: Sequence[OutputModule], rows: Tensor, examples: Examples, tokens: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Mean refusal score of harmful prompts, and mean KL(original ‖ ablated) of harmless ones, under ablation."""
    zero = torch.zeros((), device=rows.device)
    refusals = moved = zero
    with changed_outputs([(place.module, _ablation(rows, place.gain)) for place in places]):
        if examples.harmful:
            found = _log_probabilities(access, examples.harmful)
            probability = found[:, list(tokens)].exp().sum(dim=-1).clamp(FLOOR, 1 - 1e-6)
            refusals = (probability.log() - (1 - probability).log()).mean()
        if examples.harmless:
            found = _log_probabilities(access, examples.harmless)
            moved = divergence(examples.reference.to(found), found).mean()
    return refusals, moved


def _ablation(rows: Tensor, gain: Tensor | None) -> Any:
    def change(state: Tensor) -> Tensor:
        # a norm follows the module, so a different direction is removed before it
        basis = orthonormal(rows if gain is None else rows * gain.to(rows)).to(state.device)
        wide = state.float()
        return (wide - (wide @ basis.T) @ basis).to(state.dtype)

    return change


def _log_probabilities(access: ModelAccess, encoded: Sequence[Sequence[int]]) -> Tensor:
    """Log-probabilities of the token after each prompt, float32, in a single differentiable batch."""
    batch: Batch = pad_left(encoded, list(range(len(encoded))), int(access.tokenizer.pad_token_id or 0))
    return torch.log_softmax(last_logits(access.model, batch, 1)[:, -1].float(), dim=-1)
