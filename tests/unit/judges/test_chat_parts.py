"""Content as a list of parts: thinking among them is not an answer."""

import json
from typing import Any

import pytest

from steadfast.judges.chat_api.faults import Fault
from steadfast.judges.chat_api.reading import Answer
from steadfast.judges.chat_api.replies import read_completion

LOGPROBS = {"content": [{"token": "NON", "logprob": -0.1, "top_logprobs": [{"token": "NON", "logprob": -0.1}]}]}
SAYS = {"type": "text", "text": "REFUSAL"}
THOUGHTS: list[dict[str, Any]] = [
    {"type": "text", "thought": True, "text": "NON-"},
    {"thought": True, "text": "NON-"},
    {"type": "text", "thought": "true", "text": "NON-"},
    {"type": "thinking", "thinking": "NON-", "text": "NON-"},
    {"type": "thinking", "thinking": [{"type": "text", "text": "NON-"}]},
    {"type": "redacted_thinking", "data": "x"},
    {"type": "reasoning", "text": "NON-"},
    {"type": "reasoning_text", "text": "NON-"},
    {"type": "summary_text", "text": "NON-"},
]


def completion(content: Any, **choice: Any) -> Answer | Fault:
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": content}, **choice}
    return read_completion(json.dumps({"object": "chat.completion", "choices": [choice]}), None)


@pytest.mark.parametrize("thought", THOUGHTS)
def test_thinking_parts_are_excluded_from_the_answer(thought: dict[str, Any]) -> None:
    answer = completion([thought, SAYS], logprobs=LOGPROBS)
    assert isinstance(answer, Answer) and answer.text == "REFUSAL"
    # the log-probabilities are those of all parts, the thinking first
    assert answer.logprobs == ()


@pytest.mark.parametrize("content", [*([thought] for thought in THOUGHTS), THOUGHTS[0]])
def test_thinking_without_answer_is_a_fault(content: Any) -> None:
    fault = completion(content)
    assert isinstance(fault, Fault) and "the model thought and said nothing" in fault.reason


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (["REF", {"type": "text", "text": "USAL"}], "REFUSAL"),
        ([{"type": "output_text", "text": "REFUSAL", "thought": False}], "REFUSAL"),
        ({"text": "REFUSAL", "thought": None}, "REFUSAL"),
        ([{"type": "text", "text": "REFUSAL", "thoughtSignature": "abc"}], "REFUSAL"),
    ],
)
def test_text_parts_are_joined(content: Any, text: str) -> None:
    answer = completion(content, logprobs=LOGPROBS)
    assert isinstance(answer, Answer) and answer.text == text and len(answer.logprobs) == 1
