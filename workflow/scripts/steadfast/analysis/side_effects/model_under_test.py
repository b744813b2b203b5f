"""A model–variant pair whose weights are measured."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.attacks.direction_search.refusal_score import ModelAccess
from steadfast.attacks.directions import Direction, load_direction
from steadfast.attacks.interventions import preparation

EVALUATION = "evaluation"


@dataclass(frozen=True)
class ModelUnderTest:
    """One model in one variant.

    Attributes:
        variant: name of the variant.
        access: its weights and chat settings, loaded lazily.
        responses: responses of the *original* of this model, columns ``prompt_id``, ``sample``, ``response``.
        direction_path: file of the variant's direction, if it has one.
        edit: the ``edit`` entry of the variant, if it has one.
        hook: its ``hook`` entry, if it has one.
        scale_factor: factor by which baking multiplied the scale of the edit.
        greedy_responses: responses of the variant itself, if they were generated greedily; None if sampled.
    """

    variant: str
    access: ModelAccess
    responses: pd.DataFrame
    direction_path: str | Path | None = None
    edit: Mapping[str, Any] | None = None
    hook: Mapping[str, Any] | None = None
    scale_factor: float = 1.0
    greedy_responses: pd.DataFrame | None = None

    @cached_property
    def direction(self) -> Direction | None:
        """The variant's direction; None if it has none, or no valid one."""
        found = load_direction(self.direction_path) if self.direction_path else None
        return found if found is not None and found.valid else None

    @property
    def pad_token(self) -> int:
        """Id of the padding token."""
        return int(self.access.tokenizer.pad_token_id or 0)

    def prompts(self, label: str | None = None) -> pd.DataFrame:
        """Evaluation prompts of one label or both: columns ``prompt_id``, ``text``, ``label``."""
        table = self.access.prompts
        chosen = table["split"] == EVALUATION
        return table[chosen if label is None else chosen & (table["label"] == label)]

    @property
    def is_baked(self) -> bool:
        """Whether the checkpoint holds an edit along a valid direction and nothing else changes the model."""
        return self.direction is not None and self.edit is not None and self.hook is None

    def first_prompts(self, count: int) -> list[str]:
        """Ids of the first ``count`` evaluation prompts of each label."""
        groups = [self.prompts(label).head(count) for label in ("harmful", "harmless")]
        return [str(prompt_id) for prompt_id in pd.concat(groups)["prompt_id"]]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Context in which the hook is attached; on exit the weights are released."""
        try:
            with ExitStack() as stack:
                if self.hook is not None and self.direction_path is not None and self.direction is not None:
                    stack.enter_context(preparation(self.hook, self.direction_path)(self.access.model))
                yield
        finally:
            # free memory for the next model's weights
            self.access.__dict__.pop("model", None)
