"""A checkpoint that scores the probabilities of two labels; by default a tiny judge trained by the workflow."""

from typing import Any, ClassVar

from pydantic import Field

from steadfast.core.names import ORIGINAL
from steadfast.judges.checkpoint import build_checkpoint_judge
from steadfast.judges.interface import Judge
from steadfast.judges.settings import CheckpointJudgeSettings


class Settings(CheckpointJudgeSettings):
    """A checkpoint that scores the probabilities of two labels."""

    follows_template: ClassVar[bool] = True
    resolved: ClassVar[frozenset[str]] = frozenset({"model"})

    model: str = Field(description="Name of an entry of `models` (with `role: judge` if it is not under test itself).")

    def weights(self) -> tuple[str, str]:
        """The original of its model."""
        return self.model, ORIGINAL


def build(**settings: Any) -> Judge:
    """A judge that runs on ``checkpoint``; see ``CheckpointSettings`` for all keys."""
    return build_checkpoint_judge(**settings)
