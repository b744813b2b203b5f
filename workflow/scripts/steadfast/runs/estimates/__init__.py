"""Estimates of a run, before and during it: sizes of models, costs of steps, remaining time."""
