"""Feature extraction for the learned judge: states of the base, n-grams, and matches of the phrase list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from steadfast.core.names import REFUSAL
from steadfast.judges.interface import Case, Judge
from steadfast.judges.learned.ngrams import counts
from steadfast.judges.learned.seen import PROMPT_PLACES, RESPONSE_PLACES, Seen
from steadfast.judges.learned.states import states_of
from steadfast.judges.learned.texts import passage

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class CaseReader:
    """Extracts features of cases without thinking.

    Attributes:
        model: the base.
        tokenizer: its tokenizer.
        special: strings that the tokenizer would parse as control tokens.
        phrases: the phrase list.
        blocks: blocks of the base that are run.
        batch_tokens: tokens per forward batch.
    """

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    special: tuple[str, ...]
    phrases: Judge
    blocks: int
    batch_tokens: int

    def read(self, cases: Sequence[Case]) -> Seen:
        """Features of the cases, in order."""
        passages = [passage(self.tokenizer, case.prompt, case.response, self.special) for case in cases]
        found = [verdict.verdict == REFUSAL for verdict in self.phrases.judge(cases)]
        return Seen(
            states_of(self.model, passages, self.blocks, self.batch_tokens),
            counts([case.response for case in cases], 2, RESPONSE_PLACES),
            counts([case.prompt for case in cases], 1, PROMPT_PLACES),
            np.asarray(found, dtype=np.float32),
        )


def build_reader(checkpoint: str, phrases: Judge, blocks: int, **machine: Any) -> CaseReader:
    """Load the base and build a reader.

    Args:
        checkpoint: model directory of the workflow, or a plain checkpoint directory.
        phrases: the phrase list.
        blocks: blocks of the base that are run.
        machine: ``dtype``, ``device`` and ``batch_tokens``.
    """
    from steadfast.judges.checkpoint import special_strings
    from steadfast.models.loading import load_model, load_tokenizer

    tokenizer = load_tokenizer(checkpoint)
    model = load_model(checkpoint, dtype=machine["dtype"], device=machine["device"])
    special = tuple(sorted(special_strings(tokenizer)))
    return CaseReader(model, tokenizer, special, phrases, blocks, machine["batch_tokens"])
