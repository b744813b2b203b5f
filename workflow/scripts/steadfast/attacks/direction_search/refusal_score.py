"""Effect of directions on a model: refusal scores under ablation and addition (Arditi et al. 2024, section 2.3).

The refusal score of a prompt is the log odds that the response begins with a refusal token. Refusal tokens are taken
from the model's own responses unless the configuration lists them: not all refusals begin with "I".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from steadfast.attacks.activations.extraction import decoder_blocks
from steadfast.attacks.activations.logits import divergence, next_token_log_probabilities
from steadfast.attacks.directions import Candidate, Descent, Direction
from steadfast.attacks.interventions.methods import projection
from steadfast.attacks.interventions.modules import add, changed_outputs
from steadfast.core.progress import Progress
from steadfast.models.chat import encode_chat, user_message
from steadfast.models.continuations import first_tokens
from steadfast.models.loading import load_model, load_tokenizer

LEAST_PROBABILITY = 0.01
LEAST_RATIO = 4.0
FLOOR = 1e-12
ALIKE = "the answers to harmful and to harmless prompts begin alike, so refusals cannot be recognized"


@dataclass(frozen=True)
class ModelAccess:
    """A model and the calibration prompts, loaded lazily.

    Attributes:
        model_dir: a model directory of the workflow, or a plain checkpoint directory.
        prompts: columns ``prompt_id``, ``text``.
        batch_tokens: largest number of tokens of a batch, padding included.
        device: ``auto`` or a torch device name.
        dtype: ``auto`` (see ``steadfast.models.number_format``) or a torch number format.
        system_prompt: an optional system turn before every prompt.
        template_arguments: further variables of the chat template.
    """

    model_dir: str | Path
    prompts: pd.DataFrame
    batch_tokens: int = 8192
    device: str = "auto"
    dtype: str = "auto"
    system_prompt: str | None = None
    template_arguments: Mapping[str, Any] | None = None

    @cached_property
    def model(self) -> PreTrainedModel:
        """The loaded model."""
        return load_model(self.model_dir, dtype=self.dtype, device=self.device)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The loaded tokenizer."""
        return load_tokenizer(self.model_dir)

    def encode(self, prompt_ids: Sequence[str]) -> list[list[int]]:
        """Token ids of prompts, chat template applied."""
        texts = self.prompts.drop_duplicates("prompt_id").set_index("prompt_id")["text"].loc[list(prompt_ids)]
        conversations = [user_message(text, self.system_prompt) for text in texts]
        return encode_chat(self.tokenizer, conversations, self.template_arguments)

    def first_tokens(self, text: str) -> list[int]:
        """First tokens of responses that begin with ``text``."""
        prompt = encode_chat(self.tokenizer, [user_message("a b c", self.system_prompt)], self.template_arguments)[0]
        return first_tokens(self.tokenizer, text, prompt)

    def log_probabilities(self, encoded: Sequence[Sequence[int]]) -> Tensor:
        """Log-probabilities of the first token of the responses, float64 [prompts, vocabulary]."""
        return next_token_log_probabilities(
            self.model, encoded, self.batch_tokens, int(self.tokenizer.pad_token_id or 0)
        )


@dataclass(frozen=True)
class ModelScores:
    """Causal scores of candidates, measured on a model."""

    access: ModelAccess

    def score(
        self,
        candidates: Sequence[Candidate],
        *,
        fit: tuple[Sequence[str], Sequence[str]],
        held_out: tuple[Sequence[str], Sequence[str]],
        refusal_tokens: Sequence[str] | None,
    ) -> tuple[pd.DataFrame, Mapping[str, Any]]:
        """Score every candidate; see ``steadfast.attacks.directions.CausalScores``."""
        tokens = self._refusal_tokens(fit, refusal_tokens)
        harmful, harmless = (self.access.encode(ids) for ids in held_out)
        undisturbed = self.access.log_probabilities(harmless)
        facts: dict[str, Any] = {
            "refusal_tokens": [str(self.access.tokenizer.convert_ids_to_tokens(token)) for token in tokens],
            "prompts": [len(harmful), len(harmless)],
            "baseline_harmful": refusal_score(self.access.log_probabilities(harmful), tokens),
            "baseline_harmless": refusal_score(undisturbed, tokens),
        }
        columns = ["bypass", "induce", "divergence"]
        if not tokens:
            facts["reason"] = ALIKE
            return pd.DataFrame(np.nan, index=range(len(candidates)), columns=columns), facts
        rows = []
        with Progress("candidates", len(candidates), kinds=["candidate"] * len(candidates)) as progress:
            for candidate in candidates:
                with progress.part(f"block {candidate.layer}"):
                    rows.append(self._score(candidate, harmful, harmless, undisturbed, tokens))
        return pd.DataFrame(rows, columns=columns), facts

    def descend(
        self, rows: NDArray[np.float64], prompts: tuple[Sequence[str], Sequence[str]], descent: Descent, seed: int
    ) -> tuple[NDArray[np.float64], Mapping[str, Any]]:
        """Improve directions by gradient descent; see ``steadfast.attacks.directions.CausalScores``."""
        from steadfast.attacks.direction_search.gradient import descend

        tokens = self._refusal_tokens(prompts, descent.refusal_tokens)
        return descend(self.access, rows, prompts, tokens, descent, seed) if tokens else (rows, {"reason": ALIKE})

    def _score(
        self,
        candidate: Candidate,
        harmful: Sequence[Sequence[int]],
        harmless: Sequence[Sequence[int]],
        undisturbed: Tensor,
        tokens: Sequence[int],
    ) -> dict[str, float]:
        model = self.access.model
        with projection.build(projection.Settings.read({})).attach(
            model, Direction(candidate.rows.astype(np.float32), "candidate")
        ):
            bypass = refusal_score(self.access.log_probabilities(harmful), tokens)
            disturbed = self.access.log_probabilities(harmless)
        block = decoder_blocks(model)[candidate.layer]
        with changed_outputs([(block, add(torch.from_numpy(candidate.difference)))]):
            induce = refusal_score(self.access.log_probabilities(harmless), tokens)
        moved = float(divergence(undisturbed, disturbed).mean())
        return {"bypass": bypass, "induce": induce, "divergence": moved}

    def _refusal_tokens(self, fit: tuple[Sequence[str], Sequence[str]], given: Sequence[str] | None) -> list[int]:
        if given is not None:
            return sorted({token for text in given for token in self.access.first_tokens(text)})
        harmful, harmless = (self.access.log_probabilities(self.access.encode(ids)).exp().mean(dim=0) for ids in fit)
        return select_refusal_tokens(harmful, harmless)


def refusal_score(log_probabilities: Tensor, tokens: Sequence[int]) -> float:
    """Mean log odds that a response begins with one of ``tokens``; NaN without tokens."""
    if not tokens:
        return float("nan")
    probability = log_probabilities[:, list(tokens)].exp().sum(dim=-1).clamp(FLOOR, 1 - FLOOR)
    return float((probability.log() - (1 - probability).log()).mean())


def select_refusal_tokens(harmful: Tensor, harmless: Tensor) -> list[int]:
    """First tokens of responses that distinguish harmful from harmless prompts.

    Args:
        harmful: mean probability of each first token after harmful prompts [vocabulary].
        harmless: the same after harmless prompts.

    Returns:
        Tokens with a probability of at least 1% after harmful prompts, and at least four times their probability after
        harmless ones.
    """
    indicative = (harmful >= LEAST_PROBABILITY) & (harmful >= LEAST_RATIO * harmless)
    return [int(token) for token in indicative.nonzero().flatten()]
