"""Thinking blocks: told apart from the answer by the markers that models put around them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ThinkingMarkers:
    """What a family of models puts before its thinking (``open``) and between it and its answer (``close``)."""

    open: str
    close: str


DEFAULT_MARKERS = (
    # Qwen3, DeepSeek-R1, GLM, SmolLM3 and most others
    ThinkingMarkers("<think>", "</think>"),
    # Magistral
    ThinkingMarkers("[THINK]", "[/THINK]"),
    # GPT-oss (Harmony): whatever comes before the final channel is not meant for the user
    ThinkingMarkers("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
)


@dataclass(frozen=True)
class Answer:
    """A response with its thinking taken out."""

    response: str
    thinking: str


def split_thinking(
    text: str, markers: Sequence[ThinkingMarkers] = DEFAULT_MARKERS, *, already_open: bool = False
) -> Answer:
    """Take the thinking out of what a model emitted.

    Everything between an opening and the next closing marker is thinking, and so is everything after an
    opening marker that is never closed: a response that was cut off while it was thinking says nothing. A
    closing marker without an opening one ends a block that the chat template began.

    Args:
        text: new tokens as text, markers included.
        markers: the markers to look for.
        already_open: whether the prompt ended within a block.
    """
    thoughts: list[str] = []
    for pair in markers:
        before, closed, after = text.partition(pair.close)
        if closed and pair.open not in before:
            thoughts, text, already_open = [*thoughts, before], after, False
        text, found = _take_blocks(text, pair)
        thoughts.extend(found)
    if already_open:
        thoughts, text = [*thoughts, text], ""
    return Answer(text.strip(), "\n\n".join(thought.strip() for thought in thoughts if thought.strip()))


def opens_thinking(prompt_end: str, markers: Sequence[ThinkingMarkers] = DEFAULT_MARKERS) -> bool:
    """Whether a prompt ends within a thinking block that its template has begun."""
    return any(prompt_end.rstrip().endswith(pair.open) for pair in markers)


def _take_blocks(text: str, pair: ThinkingMarkers) -> tuple[str, list[str]]:
    """``text`` without the blocks of one pair of markers, and the blocks."""
    kept, thoughts = "", []
    while pair.open in text:
        before, _, rest = text.partition(pair.open)
        thought, _, text = rest.partition(pair.close)
        kept += before
        thoughts.append(thought)
    return kept + text, thoughts
