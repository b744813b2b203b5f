"""Figures, one module each; ``steadfast.report.figures`` says what such a module holds."""
