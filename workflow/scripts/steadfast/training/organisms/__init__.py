"""Tiny models trained from scratch on a synthetic grammar: they demonstrate the pipeline offline.

They are no evidence about real models.
"""
