"""Edited models: whole checkpoints, streamed shard by shard with NumPy, or low-rank factors."""

from steadfast.attacks.baking.baking import bake, keep_factors, write_edited

__all__ = ["bake", "keep_factors", "write_edited"]
