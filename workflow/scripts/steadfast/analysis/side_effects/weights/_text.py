"""Held-out texts."""

from collections.abc import Mapping
from typing import Any

from steadfast.core.errors import DataError
from steadfast.core.plug_ins import PROMPT_SOURCES
from steadfast.prompts.sources import load_source
from steadfast.prompts.synthetic.held_out import held_out_documents
from steadfast.prompts.synthetic.world import load_world


def held_out_texts(source: Mapping[str, Any], count: int) -> list[str]:
    """The first texts of a source: a file, a data set, or held-out documents of the synthetic world.

    Args:
        source: a prompt source's entry, with ``kind``.
        count: number of texts.

    Raises:
        DataError: the source holds no text.
    """
    if PROMPT_SOURCES.of(source).Settings.is_synthetic:
        return held_out_documents(load_world(source["world"]), count)
    texts = [prompt.text for prompt in load_source(source)[:count]]
    if not texts:
        raise DataError("the held-out text for the perplexity is empty")
    return texts
