"""Blocks that are nested, repeated, left open or only mentioned."""

from unittest.mock import ANY

import pytest

from steadfast.generation.thinking import begins_thinking, control_tokens, opened_by, split_thinking

FENCED = "Use this:\n```\n<think>\nreason\n</think>\n<answer>yes</answer>\n```\nDone."
QUOTES_THE_ANSWER = [
    "I must write:\n<answer>REFUSAL</answer>\nbut let me check",
    "The format is <answer>yes</answer>. So",
    "The format is <think>...</think><answer>...</answer>. So",
    "Options:\n<answer>REFUSAL</answer>\n<answer>NON-REFUSAL</answer>\nIt",
    "Options:\n<answer>REFUSAL</answer>\n<answer>NON-REFUSAL</answer>",
    "I put it into `<answer>` tags.",
    "I put it into <answer> tags.",
    "It ends with\n<answer>",
    "So I write\n<answer>REF",
    "&lt;answer&gt;no&lt;/answer&gt; would be wrong",
    "The format:\n<think>\nreason\n</think>\nanswer\nSo I",
    "I have to write </think> before I answer, so",
    "In code:\n```\n</think>\n<answer>no</answer>\n```\nso",
    f"As in\n{FENCED}\nNow",
    "<response>no</response> or <output>no</output>?",
]
QUOTES_THE_FINAL_CHANNEL = [
    "I'd write <|channel|>final<|message|>REFUSAL? No",
    'It is "<|channel|>final<|message|>REFUSAL" then',
]
SPEAKS_OF_HARMONY = [
    "GPT-oss writes `<|channel|>analysis<|message|>` first.",
    "GPT-oss writes <|channel|>analysis<|message|> first.",
    "It is\n```\n<|start|>assistant<|channel|>analysis<|message|>hm<|end|>\n```\nin Harmony.",
]


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
        ("<think>a\n<answer>Hello.</answer>\n<|im_end|>", "Hello.\n<|im_end|>", "a"),
        ("<reflection>a\n<output>Hello.</output>", "Hello.", "a"),
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
        ("Wrap it in <think>...</think> tags.", "Wrap it in <think>...</think> tags.", ""),
        ("Type `<think>hm</think>` first.", "Type `<think>hm</think>` first.", ""),
        ("<code><think></code> opens it.", "<code><think></code> opens it.", ""),
        ("Write &lt;think&gt; there.</p>", "Write &lt;think&gt; there.</p>", ""),
        ("<p>&lt;think&gt;</p> and more", "<p>&lt;think&gt;</p> and more", ""),
        ("<think>I have to write </think> before I answer, so</think>Hello.", "Hello.", ANY),
        ("<think>it refuses </think> no", "no", "it refuses"),
        # in code
        (FENCED, FENCED, ""),
        (FENCED.replace("```", "~~~~"), FENCED.replace("```", "~~~~"), ""),
        (f"<think>hm</think>{FENCED}", FENCED, "hm"),
        (f"<think>{FENCED}</think>Hello.", "Hello.", FENCED),
        (FENCED[: FENCED.index("</think>")], FENCED[: FENCED.index("</think>")].strip(), ""),
        ("<think>\n```python\nx = 1\n</think>\nHello.", "Hello.", ANY),
        ("<think>\n```\nx = 1\n</think>\nHello:\n```\nx\n```", "Hello:\n```\nx\n```", ANY),
        ("<think>\n```python\nx\n</think>\nHello:\n```python\nx\n```", "Hello:\n```python\nx\n```", ANY),
        # plain words of Granite count at the beginning only
        ("Sure. Here is my response: Hello.", "Sure. Here is my response: Hello.", ""),
        ("Here is my response: Hello.", "Here is my response: Hello.", ""),
        # two formats
        ("[THINK]a[/THINK]<think>b</think>Hello.", "Hello.", "a\n\nb"),
    ],
)
def test_split_thinking_separates_closed_blocks(text: str, response: str, thinking: str) -> None:
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
        ("hm &lt;/think&gt; so", True, "", "hm &lt;/think&gt; so"),
        # the form of the answer is quoted by what is still thinking
        *((f"<think>{text}", False, "", text) for text in QUOTES_THE_ANSWER),
        *((text, True, "", text) for text in QUOTES_THE_ANSWER),
        ("&lt;think&gt;never closed", False, "", "never closed"),
        ("<scratchpad>never closed", False, "", "never closed"),
        ("**Here is my thought process:** hm", False, "", "hm"),
        ("<|channel|>analysis<|message|>They want", False, "", "They want"),
        ("<|channel|>commentary<|message|>I'm sorry", False, "", "I'm sorry"),
        ("analysisThey want", False, "", "They want"),
        ("analysisthey want", False, "", "they want"),
        ("<|channel|>analy", False, "", ""),
        *((f"<|channel|>analysis<|message|>{text}", False, "", text) for text in QUOTES_THE_FINAL_CHANNEL),
    ],
)
def test_split_thinking_handles_unclosed_blocks(text: str, already_open: bool, response: str, thinking: str) -> None:
    split = split_thinking(text, opened=opened_by("<think>") if already_open else ())
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
        ("analysisthey want soup.assistantfinalboil water.", "boil water.", "they want soup."),
        ("analysis\nThey want soup.\nassistantfinal\nBoil water.", "Boil water.", "They want soup."),
        ("assistantanalysis\nSoup.\nassistant\nfinal\nBoil water.<|return|>", "Boil water.", "Soup."),
        ("analysisa.assistantcommentary to=f json{}assistantfinalBoil.", "Boil.", "a.assistantcommentary to=f json{}"),
        ("analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>Boil water.", "Boil water.", "a"),
        ("assistantfinalBoil water.", "Boil water.", ""),
        ("analysis of soups is hard", "analysis of soups is hard", ""),
        ("Analysis\nSoups are hard.", "Analysis\nSoups are hard.", ""),
        *((text, text, "") for text in SPEAKS_OF_HARMONY),
    ],
)
def test_split_thinking_reads_harmony_channels(text: str, response: str, thinking: str) -> None:
    split = split_thinking(text)
    assert (split.response, split.thinking, split.closed) == (response, thinking, True)


def test_opened_by_detects_a_prompt_ending_in_thinking() -> None:
    assert [entry.name for entry in opened_by("<|assistant|><think>\n")] == ["think"]
    assert [entry.name for entry in opened_by("[INST]How?[/INST][THINK]")] == ["magistral"]
    assert not opened_by("<|assistant|><think>\n\n</think>\n\n")
    assert not opened_by("<|assistant|>")


def test_begins_thinking_detects_a_leading_marker() -> None:
    assert begins_thinking("\n**Here is my thought process:** hm")
    assert begins_thinking("< think >hm")
    assert not begins_thinking("Use <think> first.")
    assert not begins_thinking("<analysis>hm")


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
        # thinking in a format that is not known
        ("Hm, < think >so</ think >.", ["<think>", "</think>"]),
        ("<think time='5s'>hm", ["<thinktime='5s'>"]),
        ("So &lt;think&gt; it is \\<think\\>.", ["&lt;think&gt;", "\\<think\\>"]),
        ("<inner_monologue>hm</inner_monologue>", ["<inner_monologue>", "</inner_monologue>"]),
        ("<chain-of-thought>hm", ["<chain-of-thought>"]),
        ("<think_start>hm<think_end>Boil.", ["<think_start>", "<think_end>"]),
        ("<思考>hm</思考>Boil.", ["<思考>", "</思考>"]),
        ("**Reasoning**\nhm\n**Answer**\nBoil.", ["Reasoning"]),
        ("## My thought process\n\nhm", ["My_thought_process"]),
        ("## Thinking about soup\nBoil.", []),
        ("Reasoning is hard.", []),
        ("[thinking]hm[/thinking]", ["[thinking]", "[/thinking]"]),
        ("analysis\nThey want soup.", ["analysis"]),
        ("Hm.assistantfinalBoil.", ["assistantfinal"]),
        ("**Thinking process:**\n1. Boil.", ["Thinking_process:"]),
        ('<details type="reasoning" done="true">hm', ['<detailstype="reasoning"done="true">']),
        ("<details><summary>Thought for 3 s</summary>hm", ["<summary>Thought"]),
        ("```thinking\nhm\n```\nBoil.", ["```thinking"]),
        ("<details><summary>Soup</summary>```text\nx", []),
        ("Analysis\nI think: <thing> [Reason] <plan b>", []),
    ],
)
def test_remaining_control_tokens_are_listed(text: str, found: list[str]) -> None:
    assert control_tokens(text) == found


def test_special_tokens_of_a_tokenizer_are_control_tokens() -> None:
    assert control_tokens("<muse>hm</muse>Hello.", ["<muse>", "</muse>"]) == ["<muse>", "</muse>"]
