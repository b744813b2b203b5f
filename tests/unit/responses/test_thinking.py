"""Thinking is taken out by its markers."""

import pytest

from steadfast.responses.thinking import ThinkingMarkers, opens_thinking, split_thinking

HARMONY = "<|channel|>analysis<|message|>They want soup.<|end|><|start|>assistant<|channel|>final<|message|>Boil water."


@pytest.mark.parametrize(
    ("text", "response", "thinking"),
    [
        ("Hello.", "Hello.", ""),
        ("<think>\nHm.\n</think>\n\nHello.", "Hello.", "Hm."),
        ("<think></think>Hello.", "Hello.", ""),
        ("<think>a</think>Hello <think>b</think>there", "Hello there", "a\n\nb"),
        ("<think>never closed", "", "never closed"),
        ("Well. <think>never closed", "Well.", "never closed"),
        ("began in the template</think>Hello.", "Hello.", "began in the template"),
        ("a</think>Hello <think>b", "Hello", "a\n\nb"),
        ("[THINK]Hm.[/THINK]Hello.", "Hello.", "Hm."),
        (HARMONY, "Boil water.", "They want soup.<|end|><|start|>assistant"),
        ("<|channel|>final<|message|>Boil water.", "Boil water.", ""),
        ("<|channel|>analysis<|message|>They want", "", "They want"),
    ],
)
def test_split(text, response, thinking):
    answer = split_thinking(text)
    assert (answer.response, answer.thinking) == (response, thinking)


def test_a_block_that_the_template_began_and_nobody_closed_is_all_thinking():
    assert split_thinking("still musing", already_open=True).response == ""
    assert split_thinking("musing</think>Hello.", already_open=True).response == "Hello."


def test_whether_a_prompt_ends_within_a_block():
    assert opens_thinking("<|assistant|><think>\n")
    assert not opens_thinking("<|assistant|><think>\n\n</think>\n\n")


def test_own_markers():
    own = [ThinkingMarkers("<plan>", "</plan>")]
    assert split_thinking("<plan>x</plan><think>y", own).response == "<think>y"
