"""Thinking: separation of a model's thinking from its answer.

Responses of the models under test and answers of judges are parsed by the same ``split_thinking``. The markers that
families of models use are listed once, in ``steadfast.generation.thinking.formats``. This package imports no model
library.
"""

from steadfast.generation.thinking.control import control_tokens
from steadfast.generation.thinking.formats import FORMATS, ThinkingFormat, configured_formats
from steadfast.generation.thinking.reading import Split, begins_thinking, opened_by, split_thinking

__all__ = [
    "FORMATS",
    "Split",
    "ThinkingFormat",
    "begins_thinking",
    "configured_formats",
    "control_tokens",
    "opened_by",
    "split_thinking",
]
