"""The registry of thinking formats: what families of models put around their thinking, and around their answers.

A new family is one entry of ``FORMATS``; its test is an example of its output, which a test asks for. Markers are
compared without case, and in every spelling that ``steadfast.generation.thinking.markers`` knows: escaped for HTML or
Markdown, with white space in a tag, with emphasis around words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from steadfast.core.errors import ConfigError


@dataclass(frozen=True)
class ThinkingFormat:
    """How one or several families of models mark their thinking.

    Attributes:
        name: short name of the format.
        opening: texts that begin a block of thinking.
        closing: texts that end it. A closing text without an opening one ends a block that began in the prompt.
        families: the models that are known to write it.
        only_at_start: the markers are plain words, which count at the beginning of a response only.
        if_answered: answers use the markers as well: they count at the beginning only, when they are closed and an
            answer follows. Else the response keeps them, and they are among its control tokens.
        channels: the blocks are messages of Harmony, read by ``steadfast.generation.thinking.harmony``.
    """

    name: str
    opening: tuple[str, ...]
    closing: tuple[str, ...]
    families: tuple[str, ...] = ()
    only_at_start: bool = False
    if_answered: bool = False
    channels: bool = False


@dataclass(frozen=True)
class AnswerMarkers:
    """What is put around the answer that follows the thinking; taken off.

    Attributes:
        opening: the text that begins the answer.
        closing: the text that ends it.
        after_thinking: whether they count after a block of thinking only, since answers may begin with such a tag.
    """

    opening: str
    closing: str
    after_thinking: bool = False


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
        ("<analysis>", "<reflection>", "<thoughts>", "<inner_thoughts>", "<inner_monologue>"),
        ("</analysis>", "</reflection>", "</thoughts>", "</inner_thoughts>", "</inner_monologue>"),
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
    AnswerMarkers("<response>", "</response>", after_thinking=True),
    AnswerMarkers("<output>", "</output>", after_thinking=True),
)


def configured_formats(pairs: Sequence[Sequence[str]] | None) -> tuple[ThinkingFormat, ...]:
    """The formats that the key ``thinking_markers`` asks for: one per pair of markers, or all of ``FORMATS``.

    Args:
        pairs: opening and closing markers; None takes the registry.

    Raises:
        ConfigError: an entry is not a pair of texts.
    """
    if pairs is None:
        return FORMATS
    for pair in pairs:
        if len(pair) != 2 or not all(isinstance(mark, str) and mark.strip() for mark in pair):
            raise ConfigError(
                f"thinking_markers: wanted pairs of an opening and a closing marker; found {list(pair)!r}"
            )
    return tuple(ThinkingFormat(opening, (opening,), (closing,)) for opening, closing in pairs)
