"""Blocks that are nested, repeated, left open or only mentioned."""

import pytest

from steadfast.thinking import control_tokens, opens_thinking, split_thinking


@pytest.mark.parametrize(
    ("text", "response", "thinking"),
    [
        ("Hello.", "Hello.", ""),
        ("<think></think>Hello.", "Hello.", ""),
        ("<think>a</think>Hello <think>b</think>there", "Hello there", "a\n\nb"),
        ("began in the template</think>Hello.", "Hello.", "began in the template"),
        ("<THINK>a</Think>Hello.", "Hello.", "a"),
        # nested, and a second closing marker
        ("<think>a<think>b</think>c</think>Hello.", "Hello.", "a<think>b</think>c"),
        ("<think>a <think> b</think>Hello.", "Hello.", "a <think> b"),
        ("a</think>I'm sorry</think>\n\nHello.", "Hello.", "a\n\nI'm sorry"),
        ("<think>a</think>Hello.</think>", "Hello.", "a"),
        # markers of an answer
        ("<answer>Hello.</answer>", "Hello.", ""),
        ("<think>a <answer>Hello.</answer>", "Hello.", "a"),
        ("<think>a</think>\n<answer>Hello", "Hello", "a"),
        ("<think>a</think>\n<response>\nHello.\n</response>\n", "Hello.", "a"),
        ("<response>Hello.</response>", "<response>Hello.</response>", ""),
        # mentioned, not used
        ("Write <think> in your prompt.", "Write <think> in your prompt.", ""),
        ("Use <think> and </think> around thoughts.", "Use <think> and </think> around thoughts.", ""),
        ("Tags are `<think>` and `</think>`.", "Tags are `<think>` and `</think>`.", ""),
        ("hm</think>Hello: use </think> to close.", "Hello: use </think> to close.", "hm"),
        ('<think>They said "hi"</think>"Hello."', '"Hello."', 'They said "hi"'),
        ("<think>I may quote `</think>` here.</think>Hello.", "Hello.", "I may quote `</think>` here."),
        # plain words of Granite count at the beginning only
        ("Sure. Here is my response: Hello.", "Sure. Here is my response: Hello.", ""),
        ("Here is my response: Hello.", "Here is my response: Hello.", ""),
        # two formats
        ("[THINK]a[/THINK]<think>b</think>Hello.", "Hello.", "a\n\nb"),
    ],
)
def test_split(text: str, response: str, thinking: str) -> None:
    split = split_thinking(text)
    assert (split.response, split.thinking, split.closed) == (response, thinking, True)


@pytest.mark.parametrize(
    ("text", "already_open", "response", "thinking"),
    [
        ("<think>never closed", False, "", "never closed"),
        ("Well. <think>never closed", False, "Well.", "never closed"),
        ("a</think>Hello <think>b", False, "Hello", "a\n\nb"),
        ("still musing", True, "", "still musing"),
        ("<think>again", True, "", "<think>again"),
        ("<|channel|>analysis<|message|>They want", False, "", "They want"),
        ("<|channel|>commentary<|message|>I'm sorry", False, "", "I'm sorry"),
        ("analysisThey want", False, "", "They want"),
    ],
)
def test_a_block_that_is_not_closed(text: str, already_open: bool, response: str, thinking: str) -> None:
    split = split_thinking(text, already_open=already_open)
    assert (split.response, split.thinking, split.closed) == (response, thinking, False)


@pytest.mark.parametrize(
    ("text", "response", "thinking"),
    [
        ("<|channel|>final<|message|>Boil water.", "Boil water.", ""),
        ("<|channel|>final <|constrain|>json<|message|>{}<|return|>", "{}", ""),
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary to=functions.f "
            "<|constrain|>json<|message|>{}<|call|><|start|>assistant<|channel|>final<|message|>Boil water.",
            "Boil water.",
            "a\n\n{}",
        ),
        ("<|channel|>final<|message|>Boil water.<|end|><|start|>assistant<|channel|>fin", "Boil water.", ""),
        ("analysisThey want soup.assistantfinalBoil water.", "Boil water.", "They want soup."),
        ("analysis of soups is hard", "analysis of soups is hard", ""),
    ],
)
def test_messages_of_harmony(text: str, response: str, thinking: str) -> None:
    split = split_thinking(text)
    assert (split.response, split.thinking, split.closed) == (response, thinking, True)


def test_whether_a_prompt_ends_within_a_block() -> None:
    assert opens_thinking("<|assistant|><think>\n")
    assert opens_thinking("[INST]How?[/INST][THINK]")
    assert not opens_thinking("<|assistant|><think>\n\n</think>\n\n")
    assert not opens_thinking("<|assistant|>")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Boil <b>water</b>, a < b > c, a[1] | b.", []),
        ("Sure.<|im_end|>\n<|im_start|>user\nMore<|im_end|>", ["<|im_end|>", "<|im_start|>"]),
        ("<muse>hm</muse>Hello.", []),
        ("Hm.</think>Hello.", ["</think>"]),
        ("Hello.<end_of_turn>", ["<end_of_turn>"]),
        ("Hm.<|new_marker|>Hello.", ["<|new_marker|>"]),
        ("<｜end▁of▁sentence｜>", ["<｜end▁of▁sentence｜>"]),
        ("Hello.<turn|>", ["<turn|>"]),
        ("[INST] More [/INST]", ["[INST]", "[/INST]"]),
    ],
)
def test_control_tokens_that_are_left(text: str, found: list[str]) -> None:
    assert control_tokens(text) == found


def test_special_tokens_of_a_tokenizer_are_control_tokens() -> None:
    assert control_tokens("<muse>hm</muse>Hello.", ["<muse>", "</muse>"]) == ["<muse>", "</muse>"]
