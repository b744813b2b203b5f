"""Steadfast: does safety training survive abliteration, and can the judge that says so be trusted?

Importing the package loads nothing heavy: torch, transformers, vllm and openai are imported by the
modules that need them, so that a rule pays only for what it uses.
"""

__version__ = "0.1.0"
