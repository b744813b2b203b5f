"""Sizes and hyperparameters of the tiny models."""

from pydantic import Field

from steadfast.core.settings import SettingsModel

HEAD_SIZE = 32
"""Width of an attention head: the smallest that vLLM's attention kernels support."""


class OrganismSettings(SettingsModel):
    """How every tiny model is trained; two models differ only in recipe and seed.

    A word occurs in few batches, so its embedding needs larger steps: at the blocks' rate it takes far longer until
    harm is understood.
    """

    documents: int = Field(3000, ge=1, le=10000000, description="Pretraining documents.")
    chats: int = Field(4500, ge=1, le=10000000, description="Conversations of instruction tuning.")
    judge_cases: int = Field(
        3000,
        ge=1,
        le=10000000,
        description="Judge prompts that the `judge` recipe learns from, in place of documents and chats.",
    )
    hidden: int = Field(
        96,
        ge=32,
        le=8192,
        multiple_of=HEAD_SIZE,
        description="Width of the residual stream, a multiple of the head size 32.",
    )
    layers: int = Field(4, ge=1, le=128, description="Number of blocks.")
    intermediate: int = Field(256, ge=1, le=65536, description="Width of the MLP.")
    batch: int = Field(8, ge=1, le=65536, description="Sequences per step.")
    learning_rate: float = Field(
        0.002, gt=0, le=10, description="Peak learning rate of all parameters but the embedding."
    )
    embedding_learning_rate: float = Field(0.03, gt=0, le=10, description="Peak learning rate of the embedding.")
    weight_decay: float = Field(0.05, ge=0, le=100, description="Decoupled weight decay of matrices.")
    warmup: float = Field(0.05, ge=0, lt=1, description="Share of a phase's steps in which the learning rate rises.")
