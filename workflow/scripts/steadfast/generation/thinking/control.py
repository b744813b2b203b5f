"""Unexpected content of answers: control tokens, markers, and apparent thinking in an unknown format."""

import re
from collections.abc import Sequence
from functools import lru_cache

from steadfast.generation.thinking.formats import ANSWERS, FORMATS, ThinkingFormat
from steadfast.generation.thinking.markers import first_characters, spelling

# Control tokens in the forms of known tokenizers.
CONTROL = re.compile(
    r"<\|[^<>|\s]{1,40}\|?>|<[^<>|\s]{1,40}\|>|<｜[^<>\s]{1,40}｜>|<(?:start|end)_of_turn>|<unused\d+>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS)\]|<s>|</s>",
    re.IGNORECASE,
)
_NAME = (
    r"(?:[a-z]+:)?(?:(?:inner|internal|self|my|step|final|deep|ant|begin|start|end)[_-]?)?"
    r"(?:think|thinking|thoughts?|reason|reasoning|rationale|scratch[_-]?pad|monologue|deliberation|reflection|analysis"
    r"|plan|planning|cot|chain[_-]of[_-]thoughts?|思考|推理|思维|생각|推論)"
    r"(?:[_-](?:process|reasoning|block|mode|step|start|end|begin|fast|slow|on|off))?(?::\w+)?"
)
# Names for thinking in unknown formats: tags, folded blocks, Harmony's names, headings.
_LIKELY_TAGS = (
    rf"(?:\\?[<＜]|&lt;)\s*/?\s*{_NAME}(?:\s+[\w-]+\s*=[^<>&]{{0,60}})?\s*/?\s*(?:\\?[>＞]|&gt;)"
    r"|\\?\[/?(?:think|thinking)\\?\]|\\?\[/(?:thoughts?|reasoning|scratchpad)\\?\]"
)
_FOLDED = re.compile(
    r"<details\b[^<>]{0,80}\breasoning\b[^<>]{0,80}>|<summary>\s*(?:thinking|thoughts?|reasoning)\b"
    r"|^[ \t]*(?:```|~~~)\s*(?:think|thinking|thoughts?|reasoning)(?=\s)",
    re.IGNORECASE | re.MULTILINE,
)
_CHANNEL_NAMES = re.compile(r"\A\s*(?:analysis|commentary)(?=\s*\n)|assistant(?:analysis|commentary|final)(?=[^\W_])")
_HEADING = re.compile(
    r"[\s*_#>]*(?P<name>(?:here(?:'s| is| are) (?:my |the )?)?(?:thinking|thought|reasoning)(?: process| steps)?[*_]*:)"
    r"|\s*(?:#{1,6} +|(?=[*_]))[*_]*(?P<line>(?:my |internal |inner )?(?:thinking|thoughts?|reasoning|monologue"
    r"|chain of thought|scratchpad)(?: process| steps)?)[*_]*[ \t]*(?:\n|\Z)",
    re.IGNORECASE,
)


def control_tokens(text: str, special: Sequence[str] = (), formats: Sequence[ThinkingFormat] = FORMATS) -> list[str]:
    """Distinct control tokens and markers that remain in an answer, in order and without white space.

    Args:
        text: the answer.
        special: further strings to find: the special tokens of the model's tokenizer.
        formats: formats whose markers to find.
    """
    markers = [mark for entry in formats if not entry.only_at_start for mark in entry.opening]
    markers += [mark for entry in formats if not (entry.only_at_start or entry.if_opened) for mark in entry.closing]
    markers += [mark for entry in ANSWERS if not entry.after_thinking for mark in (entry.opening, entry.closing)]
    pattern = _compiled(tuple(dict.fromkeys(markers)), tuple(name for name in special if len(name) > 1))
    heading = _HEADING.match(text)
    found = [(match.start(), re.sub(r"\s+", "", match.group())) for match in pattern.finditer(text)]
    found += [
        (match.start(), re.sub(r"\s+", "", match.group()))
        for likely in (_CHANNEL_NAMES, _FOLDED)
        for match in likely.finditer(text)
    ]
    if heading:
        name = heading.lastgroup or "name"
        found.append((heading.start(name), re.sub(r"\s+", "_", heading[name])))
    return list(dict.fromkeys(name for _, name in sorted(found) if name))


@lru_cache(maxsize=64)
def _compiled(markers: tuple[str, ...], special: tuple[str, ...]) -> re.Pattern[str]:
    known = {**{mark: spelling(mark) for mark in markers}, **{name: re.escape(name) for name in special}}
    names = sorted(known, key=lambda name: (-len(name), name))
    ahead = first_characters(["<", "[", *names])
    return re.compile(
        f"{ahead}(?:{'|'.join([*map(known.__getitem__, names), CONTROL.pattern, _LIKELY_TAGS])})", re.IGNORECASE
    )
