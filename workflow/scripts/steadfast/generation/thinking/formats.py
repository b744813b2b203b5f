"""The registry of thinking formats: markers of model families around thinking and answers.

A new family is one entry of ``FORMATS``, with an example of its output in the tests. Markers are matched ignoring case,
in every spelling that ``steadfast.generation.thinking.markers`` supports: escaped for HTML or Markdown, with white
space in a tag, with emphasis around words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from steadfast.core.errors import ConfigError


@dataclass(frozen=True)
class ThinkingFormat:
    """How one or several families of models mark their thinking.

    Attributes:
        name: short name of the format.
        opening: strings that open a thinking block.
        closing: strings that close it. A closing string without an opening one closes a block that began in the prompt.
        families: model families that use it.
        only_at_start: the markers are plain words, which are recognized only at the beginning of a response.
        if_opened: a closing string is recognized only after an opening one, since alone it may begin a turn or be a tag
            in an answer.
        if_answered: answers use the markers too, so they are recognized only at the beginning, if they are closed and
            followed by an answer. Otherwise the response keeps them, and reports them as control tokens.
        channels: the blocks are Harmony messages, parsed by ``steadfast.generation.thinking.harmony``.
    """

    name: str
    opening: tuple[str, ...]
    closing: tuple[str, ...]
    families: tuple[str, ...] = ()
    only_at_start: bool = False
    if_opened: bool = False
    if_answered: bool = False
    channels: bool = False

    @property
    def closes_alone(self) -> bool:
        """Whether a closing text without an opening one ends a block that began in the prompt."""
        return not (self.only_at_start or self.if_opened or self.if_answered)


@dataclass(frozen=True)
class AnswerMarkers:
    """Markers around the answer after the thinking; they are removed.

    Attributes:
        opening: string that begins the answer; empty if the end of the thinking does.
        closing: string that ends the answer.
        after_thinking: whether they are recognized only after a thinking block, since answers may begin with such a
            tag.
    """

    opening: str
    closing: str
    after_thinking: bool = False


# Tags that answers use too.
_LOOSE_TAGS = (
    "analysis reflection thoughts thought_process inner_thoughts inner_monologue internal_monologue rationale reason"
    " cot chain_of_thought deepthink antthinking think_fast"
).split()


def _tag(name: str, *families: str) -> ThinkingFormat:
    return ThinkingFormat(name, (f"<{name}>",), (f"</{name}>",), families)


FORMATS: tuple[ThinkingFormat, ...] = (
    _tag("think", "DeepSeek-R1", "Qwen3", "GLM", "SmolLM3", "Phi-4-reasoning", "Olmo 3", "MiniMax-M2", "Hunyuan"),
    _tag("seed:think", "Seed-OSS"),
    _tag("mm:think", "MiniMax-M3"),
    _tag("think:opensource", "Hy3"),
    _tag("longcat_think", "LongCat"),
    _tag("thinking", "Reflection"),
    _tag("thought", "EXAONE Deep"),
    _tag("reasoning", "models tuned with GRPO recipes"),
    _tag("scratchpad", "model organisms with hidden reasoning"),
    _tag("scratchpad_reasoning", "alignment-faking organisms"),
    ThinkingFormat(
        "loose_tags",
        tuple(f"<{name}>" for name in _LOOSE_TAGS),
        tuple(f"</{name}>" for name in _LOOSE_TAGS),
        ("models prompted or tuned with tags of their own",),
        if_answered=True,
    ),
    ThinkingFormat(
        "ifm_think",
        ("<ifm|think>", "<ifm|think_fast>", "<ifm|think_faster>"),
        ("</ifm|think>", "</ifm|think_fast>", "</ifm|think_faster>"),
        ("K2 Horizon",),
    ),
    ThinkingFormat("magistral", ("[THINK]",), ("[/THINK]",), ("Magistral", "Ministral 3 Reasoning")),
    ThinkingFormat("cohere", ("<|START_THINKING|>",), ("<|END_THINKING|>",), ("Command A Reasoning", "Command R7B")),
    ThinkingFormat("gemma4", ("<|channel>thought",), ("<channel|>",), ("Gemma 4",)),
    ThinkingFormat("medgemma", ("<unused94>thought",), ("<unused95>",), ("MedGemma 1.5",)),
    ThinkingFormat("pangu", ("[unused16]",), ("[unused17]",), ("openPangu",)),
    ThinkingFormat("apertus", ("<|inner_prefix|>",), ("<|inner_suffix|>",), ("Apertus",)),
    ThinkingFormat("kimi_vl", ("◁think▷",), ("◁/think▷",), ("Kimi-VL-Thinking",)),
    ThinkingFormat("kimi_k3", ("<|open|>think<|sep|>",), ("<|close|>think<|sep|>",), ("Kimi K3",)),
    ThinkingFormat("open_thinker", ("<|begin_of_thought|>",), ("<|end_of_thought|>",), ("OpenThinker", "Sky-T1")),
    ThinkingFormat(
        "solar_open",
        ("<|think|>", "<|think|>"),
        ("<|end|><|begin|>assistant<|content|>", "<|content|>"),
        ("Solar Open",),
    ),
    ThinkingFormat("s1", ("<|im_start|>think",), ("<|im_start|>answer",), ("s1",)),
    ThinkingFormat(
        "hyperclova",
        ("<|im_start|>assistant/think",),
        ("<|im_end|> <|im_start|>assistant",),
        ("HyperCLOVA X SEED Think",),
        if_opened=True,
    ),
    ThinkingFormat(
        "hyperclova_chosen",
        ("/think\n",),
        ("<|im_end|> <|im_start|>assistant",),
        ("HyperCLOVA X SEED Think, where it chooses to think",),
        only_at_start=True,
    ),
    ThinkingFormat("kat", ("<judge>", "<judge>"), ("<think_off>", "<think_on>"), ("KAT-V1",), if_opened=True),
    ThinkingFormat(
        "apriel", ("Here are my reasoning steps:",), ("[BEGIN FINAL RESPONSE]",), ("Apriel",), only_at_start=True
    ),
    ThinkingFormat("apriel_opened", (), ("[BEGIN FINAL RESPONSE]",), ("Apriel, whose template opens the thinking",)),
    ThinkingFormat("huatuo", ("## Thinking\n",), ("## Final Response\n",), ("HuatuoGPT-o1",), only_at_start=True),
    ThinkingFormat(
        "granite",
        ("Here is my thought process:", "Here's my thought process:"),
        ("Here is my response:", "Here's my response:"),
        ("Granite 3.2",),
        only_at_start=True,
    ),
    ThinkingFormat(
        "ollama",
        ("Thinking...",),
        ("...done thinking.",),
        ("Ollama's terminal",),
        only_at_start=True,
        if_answered=True,
    ),
    ThinkingFormat(
        "harmony",
        ("<|channel|>analysis<|message|>", "<|channel|>commentary<|message|>"),
        ("<|start|>assistant<|channel|>final<|constrain|><|message|>", "<|end|>", "<|return|>", "<|call|>"),
        ("GPT-oss",),
        channels=True,
    ),
)

ANSWERS: tuple[AnswerMarkers, ...] = (
    AnswerMarkers("<answer>", "</answer>"),
    AnswerMarkers("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    AnswerMarkers("<|START_TEXT|>", "<|END_TEXT|>"),
    AnswerMarkers("<|begin_of_solution|>", "<|end_of_solution|>"),
    AnswerMarkers("<|open|>response<|sep|>", "<|close|>response<|sep|>"),
    AnswerMarkers("<|begin_of_box|>", "<|end_of_box|>"),
    AnswerMarkers("", "[END FINAL RESPONSE]", after_thinking=True),
    *(
        AnswerMarkers(f"<{name}>", f"</{name}>", after_thinking=True)
        for name in ("response", "output", "final_answer", "final", "solution", "conclusion")
    ),
)


def configured_formats(pairs: Sequence[Sequence[str]] | None) -> tuple[ThinkingFormat, ...]:
    """Formats for the key ``thinking_markers``: one per pair of markers, or all of ``FORMATS``.

    Args:
        pairs: opening and closing markers; None takes the registry.

    Raises:
        ConfigError: an entry is not a pair of strings.
    """
    if pairs is None:
        return FORMATS
    for pair in pairs:
        if len(pair) != 2 or not all(isinstance(mark, str) and mark.strip() for mark in pair):
            raise ConfigError(
                f"thinking_markers: wanted pairs of an opening and a closing marker; found {list(pair)!r}"
            )
    return tuple(ThinkingFormat(opening, (opening,), (closing,)) for opening, closing in pairs)
