"""Prompts: where they come from, how they are cleaned, de-duplicated and split."""
