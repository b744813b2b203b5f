"""Baking edits into checkpoints: streamed from shard to shard with NumPy, without loading the model."""

from steadfast.checkpoints.baking import bake

__all__ = ["bake"]
