"""Kinds of prompt sources: one module per kind, found by name."""
