"""The one reader of thinking: new tokens as text in, the answer and the thinking out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from steadfast.thinking.formats import ANSWERS, FORMATS, AnswerMarkers, ThinkingFormat
from steadfast.thinking.harmony import is_harmony, split_messages

# A marker in quotes or in code is spoken about, not used: `</think>`, "<think>".
_QUOTE_BEFORE = re.compile(r"(?:\A|[\s(\[{:])[`\"'“‘]+\Z")
_QUOTE_AFTER = re.compile(r"\A[`\"'”’]+(?:[\s.,;:!?)\]}]|\Z)")
# The same in the middle of a sentence: write <think> in your prompt.
_WORD_BEFORE = re.compile(r"[\w,:][ \t]\Z")
_WORD_AFTER = re.compile(r"\A(?:[ \t]+[a-z]|[.,;:!?)])")
_CONTEXT = 12
# Control tokens in the forms that tokenizers in use give them.
_CONTROL = re.compile(
    r"<\|[^<>|\s]{1,40}\|?>|<[^<>|\s]{1,40}\|>|<｜[^<>\s]{1,40}｜>|<(?:start|end)_of_turn>|<unused\d+>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS)\]|<s>|</s>|</?(?:[a-z]+:)?think(?:ing)?(?::\w+)?>",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Split:
    """A text with its thinking taken out.

    Attributes:
        response: the answer.
        thinking: the blocks of thinking, separated by blank lines.
        closed: False if the text ends within a block of thinking: whatever ``response`` holds came before it.
        start: where the text behind the last block of thinking begins, in characters.
    """

    response: str
    thinking: str
    closed: bool = True
    start: int = 0


@dataclass(frozen=True)
class _Marker:
    """One marker in a text."""

    start: int
    end: int
    opens: tuple[ThinkingFormat, ...]
    closes: tuple[ThinkingFormat, ...]


def split_thinking(text: str, formats: Sequence[ThinkingFormat] = FORMATS, *, already_open: bool = False) -> Split:
    """Take the thinking out of what a model emitted.

    Everything between an opening marker and its closing one is thinking, and so is everything after an opening marker
    that is never closed: a response that was cut off while the model was thinking says nothing. A closing marker
    without an opening one ends a block that began in the prompt. Blocks may be nested. Markers that are quoted, or that
    an answer mentions in the middle of a sentence, are text. Markers around the answer itself are taken off.

    Args:
        text: new tokens as text, markers included.
        formats: the formats to look for.
        already_open: whether the prompt ended within a block.
    """
    if any(entry.channels for entry in formats) and is_harmony(text):
        answer, thoughts, begun = split_messages(text, already_open=already_open)
        start = max(text.rfind(answer), 0) if answer else len(text)
        return Split(answer.strip(), _joined(thoughts), begun, start)
    return _Scanner(text, [entry for entry in formats if not entry.channels]).split(already_open)


def opens_thinking(prompt_end: str, formats: Sequence[ThinkingFormat] = FORMATS) -> bool:
    """Whether a prompt ends within a block of thinking that its template has begun."""
    end = prompt_end.rstrip().casefold()
    return any(end.endswith(mark.casefold()) for entry in formats for mark in entry.opening)


def control_tokens(text: str, special: Sequence[str] = (), formats: Sequence[ThinkingFormat] = FORMATS) -> list[str]:
    """Control tokens and markers that are left in an answer, each once, in their order.

    Args:
        text: the answer.
        special: further texts to look for: the special tokens of the model's own tokenizer.
        formats: formats whose markers are looked for.
    """
    literal = [mark for entry in formats if not entry.only_at_start for mark in (*entry.opening, *entry.closing)]
    literal += [
        mark for markers in ANSWERS if not markers.after_thinking for mark in (markers.opening, markers.closing)
    ]
    names = sorted({name for name in (*literal, *special) if len(name) > 1}, key=lambda name: (-len(name), name))
    pattern = "|".join([*map(re.escape, names), _CONTROL.pattern])
    return list(dict.fromkeys(found.group() for found in re.finditer(pattern, text, re.IGNORECASE)))


@dataclass(frozen=True)
class _Block:
    """A block of thinking that has begun.

    Attributes:
        end: where its text ends.
        position: where the text behind it begins.
        index: the first marker behind it.
        closed: whether it ends before the text does.
    """

    end: int
    position: int
    index: int
    closed: bool = True


class _Scanner:
    """Finds the blocks of one text."""

    def __init__(self, text: str, formats: Sequence[ThinkingFormat]) -> None:
        self._text = text
        self._markers = _markers(text, formats)

    def split(self, already_open: bool) -> Split:
        """See ``split_thinking``."""
        kept: list[str] = []
        thoughts: list[str] = []
        block = _Block(0, 0, 0)
        # once markers were used or mentioned, a closing one alone may be a mention as well
        lenient = already_open
        if already_open:
            block = self._block(0, None)
            thoughts.append(self._text[: block.end])
        while block.index < len(self._markers):
            marker = self._markers[block.index]
            if self._mentioned(block.index) and (marker.opens or lenient):
                block = replace(block, index=block.index + 1)
            elif marker.opens:
                kept.append(self._text[block.position : marker.start])
                block = self._block(block.index + 1, marker.opens[0])
                thoughts.append(self._text[marker.end : block.end])
            else:
                kept.append(self._text[block.position : marker.start])
                block = _Block(marker.start, marker.end, block.index + 1)
                if not lenient or self._text[marker.end :].strip():
                    thoughts, kept = [*thoughts, "".join(kept)], []
            lenient = True
        response = _without_answer_markers("".join([*kept, self._text[block.position :]]).strip(), bool(thoughts))
        start = self._text.find(response, block.position)
        return Split(response, _joined(thoughts), block.closed, start if start > 0 else block.position)

    def _block(self, index: int, entry: ThinkingFormat | None) -> _Block:
        """The block whose text begins behind the marker before ``index``; of any format if ``entry`` is None."""
        depth, last = 1, None
        for place in range(index, len(self._markers)):
            marker = self._markers[place]
            if _is_one_of(entry, marker.closes):
                depth, last = depth - 1, place
                if not depth:
                    break
            elif _is_one_of(entry, marker.opens):
                depth += 1
        if last is not None:
            return _Block(self._markers[last].start, self._markers[last].end, last + 1)
        begin = self._markers[index - 1].end if index else 0
        answer = next((at for at in _answer_starts(self._text) if at >= begin), None)
        if answer is None:
            return _Block(len(self._text), len(self._text), len(self._markers), closed=False)
        later = next((place for place, mark in enumerate(self._markers) if mark.start >= answer), len(self._markers))
        return _Block(answer, answer, later)

    def _mentioned(self, index: int) -> bool:
        """Whether a marker is spoken about in a sentence; an opening one only if its closing one is not used."""
        marker = self._markers[index]
        if not _in_sentence(self._text, marker.start, marker.end):
            return False
        later = (mark for mark in self._markers[index + 1 :] if set(mark.closes) & set(marker.opens))
        closing = next(later, None)
        return closing is None or _in_sentence(self._text, closing.start, closing.end)


def _markers(text: str, formats: Sequence[ThinkingFormat]) -> list[_Marker]:
    """The markers in a text, but for the quoted ones."""
    known = {mark.casefold() for entry in formats for mark in (*entry.opening, *entry.closing)}
    if not known:
        return []
    pattern = "|".join(re.escape(mark) for mark in sorted(known, key=len, reverse=True))
    found = []
    for match in re.finditer(pattern, text, re.IGNORECASE):
        name, at_start = match.group().casefold(), not text[: match.start()].strip()
        opens = tuple(
            entry for entry in formats if _named(name, entry.opening) and (at_start or not entry.only_at_start)
        )
        closes = tuple(entry for entry in formats if _named(name, entry.closing))
        if (opens or closes) and not _quoted(text, match.start(), match.end()):
            found.append(_Marker(match.start(), match.end(), opens, closes))
    # plain words close only what they have opened
    opened = {entry for marker in found for entry in marker.opens}
    return [
        marker for marker in found if marker.opens or any(not e.only_at_start or e in opened for e in marker.closes)
    ]


def _named(name: str, marks: Sequence[str]) -> bool:
    return any(name == mark.casefold() for mark in marks)


def _is_one_of(entry: ThinkingFormat | None, formats: Sequence[ThinkingFormat]) -> bool:
    return bool(formats) if entry is None else entry in formats


def _quoted(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - _CONTEXT) : start], text[end : end + _CONTEXT]
    return bool(_QUOTE_BEFORE.search(before) and _QUOTE_AFTER.match(after))


def _in_sentence(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - _CONTEXT) : start], text[end : end + _CONTEXT]
    return bool(_WORD_BEFORE.search(before) and _WORD_AFTER.match(after))


def _answer_starts(text: str) -> list[int]:
    """Where markers of an answer begin, but for those that are only mentioned."""
    pattern = "|".join(re.escape(markers.opening) for markers in ANSWERS)
    return [
        found.start()
        for found in re.finditer(pattern, text, re.IGNORECASE)
        if not _quoted(text, *found.span()) and not _in_sentence(text, *found.span())
    ]


def _without_answer_markers(response: str, thought: bool) -> str:
    for markers in ANSWERS:
        if response.casefold().startswith(markers.opening.casefold()) and (thought or not markers.after_thinking):
            return _unwrapped(response[len(markers.opening) :], markers)
    return response


def _unwrapped(response: str, markers: AnswerMarkers) -> str:
    """The rest of a response without the marker that ends its answer, which a response that was cut off lacks."""
    at = response.casefold().rfind(markers.closing.casefold())
    return (response if at < 0 else response[:at] + response[at + len(markers.closing) :]).strip()


def _joined(thoughts: Sequence[str]) -> str:
    return "\n\n".join(thought.strip() for thought in thoughts if thought.strip())
