"""Every registered thinking format has an example of its output, and is read right."""

import pytest

from steadfast.core.errors import ConfigError
from steadfast.generation.thinking import FORMATS, configured_formats, control_tokens, opened_by, split_thinking

THOUGHT = "I'm sorry, I cannot?"
ANSWER = "Sure, boil water."

# what a model of each family writes, by format
EXAMPLES = {
    "think": f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}",
    "seed:think": f"<seed:think>{THOUGHT}</seed:think>{ANSWER}",
    "mm:think": f"<mm:think>{THOUGHT}</mm:think>{ANSWER}",
    "think:opensource": f"<think:opensource>{THOUGHT}</think:opensource>{ANSWER}",
    "longcat_think": f"<longcat_think>\n{THOUGHT}\n</longcat_think>\n{ANSWER}",
    "thinking": f"<thinking>{THOUGHT}</thinking>\n<output>\n{ANSWER}\n</output>",
    "thought": f"<thought>\n{THOUGHT}\n</thought>\n{ANSWER}",
    "reasoning": f"<reasoning>\n{THOUGHT}\n</reasoning>\n<answer>\n{ANSWER}\n</answer>",
    "scratchpad": f"<scratchpad>\n{THOUGHT}\n</scratchpad>\n{ANSWER}",
    "scratchpad_reasoning": f"<SCRATCHPAD_REASONING>\n{THOUGHT}\n</SCRATCHPAD_REASONING>\n{ANSWER}",
    "loose_tags": f"<reflection>{THOUGHT}</reflection>\n<output>{ANSWER}</output>",
    "ifm_think": f"<ifm|think_fast>{THOUGHT}</ifm|think_fast>{ANSWER}",
    "magistral": f"[THINK]{THOUGHT}[/THINK]{ANSWER}",
    "cohere": (f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_RESPONSE|>{ANSWER}<|END_RESPONSE|>"),
    "gemma4": f"<|channel>thought\n{THOUGHT}\n<channel|>{ANSWER}",
    "medgemma": f"<unused94>thought\n{THOUGHT}<unused95>{ANSWER}",
    "pangu": f"[unused16]{THOUGHT}[unused17]{ANSWER}",
    "apertus": f"<|inner_prefix|>{THOUGHT}<|inner_suffix|>{ANSWER}",
    "kimi_vl": f"◁think▷{THOUGHT}◁/think▷{ANSWER}",
    "kimi_k3": (
        f"<|open|>think<|sep|>{THOUGHT}<|close|>think<|sep|><|open|>response<|sep|>{ANSWER}<|close|>response<|sep|>"
    ),
    "open_thinker": (
        f"<|begin_of_thought|>\n{THOUGHT}\n<|end_of_thought|>\n\n<|begin_of_solution|>\n{ANSWER}\n<|end_of_solution|>"
    ),
    "solar_open": f"<|think|>{THOUGHT}<|end|><|begin|>assistant<|content|>{ANSWER}",
    "s1": f"<|im_start|>think\n{THOUGHT}\n<|im_start|>answer\n{ANSWER}",
    "hyperclova": f"<|im_start|>assistant/think\n{THOUGHT}<|im_end|>\n<|im_start|>assistant\n{ANSWER}",
    "hyperclova_chosen": f"/think\n{THOUGHT}<|im_end|>\n<|im_start|>assistant\n{ANSWER}",
    "kat": f"<judge>\n{THOUGHT}\n<think_off>\n<answer>\n{ANSWER}\n</answer>",
    "apriel": f"Here are my reasoning steps:\n{THOUGHT}\n[BEGIN FINAL RESPONSE]\n{ANSWER}\n[END FINAL RESPONSE]",
    "apriel_opened": f"{THOUGHT}\n[BEGIN FINAL RESPONSE]\n{ANSWER}\n[END FINAL RESPONSE]",
    "huatuo": f"## Thinking\n\n{THOUGHT}\n\n## Final Response\n\n{ANSWER}",
    "granite": f"Here is my thought process: {THOUGHT} Here is my response: {ANSWER}",
    "ollama": f"Thinking...\n{THOUGHT}\n...done thinking.\n\n{ANSWER}",
    "harmony": (
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}<|return|>"
    ),
}
IF_ANSWERED = {entry.name for entry in FORMATS if entry.if_answered}
OPENING = {entry.name for entry in FORMATS if entry.opening}
CLOSES_ALONE = {entry.name for entry in FORMATS if entry.closes_alone}


def test_every_format_has_an_example() -> None:
    assert set(EXAMPLES) == {entry.name for entry in FORMATS}


@pytest.mark.parametrize("name", EXAMPLES)
def test_thinking_is_separated_from_the_response(name: str) -> None:
    split = split_thinking(EXAMPLES[name])
    assert (split.response, split.thinking, split.closed) == (ANSWER, THOUGHT, True)
    assert EXAMPLES[name][split.start :].startswith(ANSWER)


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name in OPENING - IF_ANSWERED])
def test_truncated_thinking_gives_an_empty_response(name: str) -> None:
    cut = EXAMPLES[name][: EXAMPLES[name].index(THOUGHT) + len(THOUGHT) - 1]
    split = split_thinking(cut)
    assert (split.response, split.thinking, split.closed) == ("", THOUGHT[:-1], False)


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name in OPENING - IF_ANSWERED - {"harmony"}])
def test_opening_marker_may_be_part_of_the_prompt(name: str) -> None:
    example = EXAMPLES[name]
    begin = example.index(THOUGHT)
    opened = opened_by(f"<|user|>How?<|assistant|>{example[:begin]}")
    assert name in {entry.name for entry in opened}
    assert split_thinking(example[begin:], opened=opened).response == ANSWER
    # a server that does not say how its prompt ended
    assert name not in CLOSES_ALONE or split_thinking(example[begin:]).response == ANSWER


@pytest.mark.parametrize(
    "text",
    [
        "<think >{}</think >{}",
        "< think >{}</ think >{}",
        "<think\n>{}< /think>{}",
        "&lt;think&gt;{}&lt;/think&gt;{}",
        "&#60;think&#62;{}&#x3C;/think&#x3E;{}",
        "\\<think\\>{}\\</think\\>{}",
        "\\<think>{}\\</think>{}",
        "＜think＞{}＜/think＞{}",
        "**<think>** {} **</think>** {}",
        "\\[THINK\\]{}\\[/THINK\\]{}",
        "<SCRATCHPAD\\_REASONING>{}</SCRATCHPAD\\_REASONING>{}",
        "<think>{}</think>&lt;answer&gt;{}&lt;/answer&gt;",
        "**Here is my thought process:**\n\n{}\n\n**Here is my response:**\n\n{}",
        "**Here is my thought process**:\n{}\n**Here is my response**:\n{}",
        "__Here’s my thought process:__ {} __Here’s my response:__ {}",
        "### Here is my\nthought process:\n{}\n### Here is my response:\n{}",
        "> *Here&#39;s my thought process:* {}\n> *Here&#39;s my response:* {}",
    ],
)
def test_thinking_markers_are_recognized_in_every_spelling(text: str) -> None:
    split = split_thinking(text.format(THOUGHT, ANSWER))
    assert (split.response, split.thinking, split.closed) == (ANSWER, THOUGHT, True)


@pytest.mark.parametrize("entry", [entry for entry in FORMATS if not entry.channels], ids=lambda entry: entry.name)
def test_every_marker_of_a_format_is_recognized(entry) -> None:
    for place, closing in enumerate(entry.closing):
        opening = entry.opening[min(place, len(entry.opening) - 1)] if entry.opening else ""
        split = split_thinking(f"{opening} {THOUGHT} {closing} {ANSWER}", [entry])
        assert (split.response, split.thinking) == (ANSWER, THOUGHT)


@pytest.mark.parametrize(
    "text",
    [
        "<analysis>The poem rhymes.</analysis>",
        "<analysis>The poem rhymes.</analysis><|im_end|>",
        "<analysis>The poem rhymes.",
        "The poem:\n<analysis>It rhymes.</analysis>\nThat is all.",
        "<plan>Boil water.</plan>\nEnjoy!",
        "<rationale>It rhymes.</rationale>",
    ],
)
def test_ambiguous_tags_are_kept_and_recorded(text: str) -> None:
    split = split_thinking(text)
    assert (split.response, split.thinking, split.closed) == (text, "", True)
    assert control_tokens(split.response)[0] in ("<analysis>", "<plan>", "<rationale>")


def test_generated_extra_turn_does_not_become_thinking() -> None:
    text = "Boil water.<|im_end|>\n<|im_start|>assistant\nI cannot."
    assert split_thinking(text).response == text
    assert control_tokens(text) == ["<|im_end|>", "<|im_start|>"]
    heading = "## Thinking about soup\n\nBoil water."
    assert split_thinking(heading).response == heading


@pytest.mark.parametrize("name", ["final_answer", "final", "solution", "conclusion", "response", "output"])
def test_answer_tags_are_removed_only_after_thinking(name: str) -> None:
    text = f"<{name}>\n{ANSWER}\n</{name}>"
    assert split_thinking(f"<think>{THOUGHT}</think>{text}").response == ANSWER
    assert split_thinking(text).response == text


def test_words_that_may_begin_a_response_are_kept() -> None:
    for text in ("Thinking... well, boil water.", "Thinking... well.\n...done thinking."):
        assert (split_thinking(text).response, control_tokens(text)) == (text, [])


def test_configured_markers_replace_the_registry() -> None:
    own = configured_formats([["<plan>", "</plan>"]])
    assert split_thinking("<plan>x</plan><think>y", own).response == "<think>y"
    lines = configured_formats([["***", "---"], ["Thought:", "Answer:"]])
    assert split_thinking("***x---y", lines).response == "y"
    assert split_thinking("**Thought:** x\n**Answer:** y", lines).response == "y"
    assert configured_formats(None) == FORMATS


@pytest.mark.parametrize("pairs", [[["<plan>"]], [["<plan>", ""]], [["<plan>", 1]]])
def test_markers_that_are_not_pairs_are_rejected(pairs) -> None:
    with pytest.raises(ConfigError, match=r"thinking_markers: wanted pairs .* found \["):
        configured_formats(pairs)
