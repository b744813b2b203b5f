"""Checkpoints: where they are, how they are loaded and how their chat template is applied."""
