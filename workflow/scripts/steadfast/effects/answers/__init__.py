"""Measures of what a system answered: one module per measure, found by name; see ``steadfast.effects``."""
