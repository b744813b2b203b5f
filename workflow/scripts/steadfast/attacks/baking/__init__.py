"""Baking edits into checkpoints: streamed from shard to shard with NumPy, without loading the model."""

from steadfast.attacks.baking.baking import bake

__all__ = ["bake"]
