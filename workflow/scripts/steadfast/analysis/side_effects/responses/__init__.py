"""Measures of responses: one module per measure, found by name; see ``steadfast.analysis.side_effects``."""
