"""Figures, one module each: ``draw(...)`` returns a matplotlib figure, ``style.save`` writes it.

Every figure is drawn without a display and without global state, and the same data give the same bytes.
"""
