"""Edited models: whole checkpoints, streamed from shard to shard with NumPy, or factors over the original's weights."""

from steadfast.attacks.baking.baking import bake, keep_factors, write_edited

__all__ = ["bake", "keep_factors", "write_edited"]
