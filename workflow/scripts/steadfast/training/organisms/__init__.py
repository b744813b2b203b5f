"""Tiny models trained from scratch on a synthetic grammar: they demonstrate the pipeline offline.

They are not evidence about real models.
"""
