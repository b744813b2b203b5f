"""Checkpoints: sources, loading and chat templates."""
