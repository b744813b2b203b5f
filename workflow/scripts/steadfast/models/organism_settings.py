"""Sizes and hyperparameters of the tiny models."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from steadfast.core.errors import ConfigError, suggest

HEAD_SIZE = 32
"""Width of an attention head: the smallest that vLLM's attention kernels support."""
MAY_BE_ZERO = ("weight_decay", "warmup")


@dataclass(frozen=True)
class OrganismSettings:
    """How every tiny model is trained; only the recipe and the seed tell two models apart.

    Attributes:
        documents: pretraining documents.
        chats: conversations of instruction tuning.
        judge_cases: judge prompts that the tiny judge learns from, in place of documents and chats.
        hidden: width of the residual stream, a multiple of the head size 32.
        layers: number of blocks.
        intermediate: width of the MLP.
        batch: sequences per step.
        learning_rate: peak learning rate of the blocks.
        embedding_learning_rate: peak learning rate of the token embeddings. A word occurs in few batches, so its
            embedding needs larger steps; at the blocks' rate it takes far longer until harm is understood.
        weight_decay: decoupled weight decay of matrices.
        warmup: share of a phase's steps in which the learning rate rises.
    """

    documents: int = 3000
    chats: int = 4500
    judge_cases: int = 3000
    hidden: int = 96
    layers: int = 4
    intermediate: int = 256
    batch: int = 8
    learning_rate: float = 0.002
    embedding_learning_rate: float = 0.03
    weight_decay: float = 0.05
    warmup: float = 0.05

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> "OrganismSettings":
        """The settings of the configuration's ``organisms.training``; what is left out keeps its default.

        Raises:
            ConfigError: an unknown key, or a value out of range.
        """
        known = [field.name for field in fields(cls)]
        for key in settings:
            if key not in known:
                raise ConfigError(f"organisms.training: unknown key {key!r}{suggest(key, known)}")
        return cls(**settings)

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ConfigError: a value is out of range.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            whole = field.type is int
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                kind = "a whole number" if whole else "a number"
                raise ConfigError(f"organisms.training.{field.name}: {value!r} is not {kind}")
            if value < 0 or (value == 0 and field.name not in MAY_BE_ZERO):
                raise ConfigError(f"organisms.training.{field.name}: {value} is too small")
        if self.hidden % HEAD_SIZE:
            raise ConfigError(f"organisms.training.hidden: {self.hidden} is not a multiple of {HEAD_SIZE}")
        if self.warmup >= 1:
            raise ConfigError(f"organisms.training.warmup: {self.warmup} is a share and must be below 1")
