"""Kinds of judges: one module per kind, found by name."""
