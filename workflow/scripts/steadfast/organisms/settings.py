"""Sizes and hyperparameters of the tiny models."""

from dataclasses import dataclass, fields

from steadfast.errors import ConfigError

HEAD_SIZE = 32
"""Width of an attention head: the smallest that vLLM's attention kernels support."""


@dataclass(frozen=True)
class OrganismSettings:
    """How every tiny model is trained; only the recipe and the seed tell two models apart.

    Attributes:
        documents: pretraining documents.
        chats: conversations of instruction tuning.
        judge_cases: labelled responses that the tiny judge learns from, in place of documents and chats.
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
    chats: int = 4000
    judge_cases: int = 4000
    hidden: int = 96
    layers: int = 4
    intermediate: int = 256
    batch: int = 8
    learning_rate: float = 0.002
    embedding_learning_rate: float = 0.03
    weight_decay: float = 0.05
    warmup: float = 0.05

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
            if value < 0 or (whole and value < 1):
                raise ConfigError(f"organisms.training.{field.name}: {value} is too small")
        if self.hidden % HEAD_SIZE:
            raise ConfigError(f"organisms.training.hidden: {self.hidden} is not a multiple of {HEAD_SIZE}")
        if self.warmup >= 1:
            raise ConfigError(f"organisms.training.warmup: {self.warmup} is a share and must be below 1")
