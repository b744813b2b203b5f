"""Parser of thinking: splits the text of new tokens into answer and thinking."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from steadfast.generation.thinking.control import CONTROL
from steadfast.generation.thinking.formats import ANSWERS, FORMATS, AnswerMarkers, ThinkingFormat
from steadfast.generation.thinking.harmony import is_harmony, split_messages
from steadfast.generation.thinking.markers import Marker, answers_in, find_marks, is_among, markers_in
from steadfast.generation.thinking.mentions import belongs_to_a_sentence, in_sentence, is_a_word_in_text, is_placeholder


@dataclass(frozen=True)
class Split:
    """A text split into answer and thinking.

    Attributes:
        response: the answer.
        thinking: the blocks of thinking, separated by blank lines.
        closed: False if the text ends within a thinking block; ``response`` is then the text before it.
        start: offset of the text after the last thinking block, in characters.
    """

    response: str
    thinking: str
    closed: bool = True
    start: int = 0


def split_thinking(
    text: str, formats: Sequence[ThinkingFormat] = FORMATS, *, opened: Sequence[ThinkingFormat] = ()
) -> Split:
    """Split a model's output into answer and thinking.

    Everything between an opening marker and its closing one is thinking, and so is everything after an opening marker
    that is never closed: a response that was cut off during thinking has no answer. A closing marker without an opening
    one closes a block that began in the prompt. Blocks may be nested. Markers that are quoted, or mentioned in the
    middle of a sentence, are text. Markers around the answer are removed.

    Args:
        text: text of the new tokens, including markers.
        formats: the formats to look for.
        opened: formats of blocks that are open at the end of the prompt (see ``opened_by``).
    """
    if any(entry.channels for entry in formats) and is_harmony(text):
        answer, thoughts, begun = split_messages(text, already_open=bool(opened))
        start = max(text.rfind(answer), 0) if answer else len(text)
        return Split(answer.strip(), _joined(thoughts), begun, start)
    return _Scanner(text, [entry for entry in formats if not entry.channels], opened).split()


def opened_by(prompt_end: str, formats: Sequence[ThinkingFormat] = FORMATS) -> tuple[ThinkingFormat, ...]:
    """Formats of thinking blocks that a prompt's template has opened; usually none."""
    end = prompt_end.rstrip()
    marks = [found.mark for found in find_marks(f"{end}\n", _opening(formats)) if found.end >= len(end)]
    return tuple(
        entry for entry in formats if not entry.if_answered and any(is_among(mark, entry.opening) for mark in marks)
    )


def begins_thinking(text: str, formats: Sequence[ThinkingFormat] = FORMATS) -> bool:
    """Whether a text begins with an opening marker."""
    return any(not text[: found.start].strip() for found in find_marks(text, _opening(formats)))


def _opening(formats: Sequence[ThinkingFormat]) -> list[str]:
    return [mark for entry in formats if not entry.if_answered for mark in entry.opening]


@dataclass(frozen=True)
class _Block:
    """An open thinking block.

    Attributes:
        end: end of its text.
        position: start of the text after it.
        index: index of the first marker after it.
        closed: whether it was closed.
    """

    end: int
    position: int
    index: int
    closed: bool = True


class _Scanner:
    """Finds the blocks of one text."""

    def __init__(self, text: str, formats: Sequence[ThinkingFormat], opened: Sequence[ThinkingFormat]) -> None:
        self._text = text
        self._already_open = bool(opened)
        self._markers = markers_in(text, formats, opened)

    def split(self) -> Split:
        """See ``split_thinking``."""
        kept: list[str] = []
        thoughts: list[str] = []
        block = _Block(0, 0, 0)
        # after other markers, a lone closing one may be a mention
        lenient = self._already_open
        if self._already_open:
            block = self._block(0, None)
            thoughts.append(self._text[: block.end])
        while block.index < len(self._markers):
            marker = self._markers[block.index]
            if marker.only_closes_tags or (self._mentioned(block.index) and (marker.opens or lenient)):
                block = replace(block, index=block.index + 1)
            elif marker.opens:
                inner = self._block(block.index + 1, marker.opens[0])
                if marker.if_answered and not self._answer_follows(inner):
                    block = replace(block, index=block.index + 1)
                    continue
                kept.append(self._text[block.position : marker.start])
                thoughts.append(self._text[marker.end : inner.end])
                block = inner
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
        """The block whose text begins after the marker before ``index``; any format if ``entry`` is None."""
        begin = self._markers[index - 1].end if index else 0
        depth = 1
        for place in range(index, len(self._markers)):
            marker = self._markers[place]
            if _is_one_of(entry, marker.closes):
                if belongs_to_a_sentence(self._text, marker.start, marker.end):
                    continue
                depth -= 1
                if not depth:
                    return _Block(marker.start, marker.end, place + 1)
            elif _is_one_of(entry, marker.opens) and self._opens_another(marker, begin):
                depth += 1
        answer = self._answer_without_closing(begin)
        if answer is None:
            return _Block(len(self._text), len(self._text), len(self._markers), closed=False)
        later = next((place for place, mark in enumerate(self._markers) if mark.start >= answer), len(self._markers))
        return _Block(answer, answer, later)

    def _answer_follows(self, block: _Block) -> bool:
        """Whether text follows a closed block."""
        return block.closed and bool(CONTROL.sub("", self._text[block.position :]).strip())

    def _opens_another(self, marker: Marker, begin: int) -> bool:
        """Whether a marker in a block opens a nested one, and is not a repetition or a plain word."""
        return bool(self._text[begin : marker.start].strip()) and not is_a_word_in_text(
            self._text, marker.start, marker.end
        )

    def _answer_without_closing(self, begin: int) -> int | None:
        """Start of the answer in an unclosed block, if there is one.

        Thinking may quote the answer format, so an answer marker is recognized only if it is the only one, is closed
        and ends the text.
        """
        answers = [(found, markers) for found, markers in answers_in(self._text) if found.start >= begin]
        if len(answers) != 1:
            return None
        opening, markers = answers[0]
        closing = list(find_marks(self._text[opening.end :], [markers.closing]))
        ends = closing and not CONTROL.sub("", self._text[opening.end + closing[-1].end :]).strip()
        return opening.start if ends else None

    def _mentioned(self, index: int) -> bool:
        """Whether a marker is only mentioned; an opening one only if its closing one is not used."""
        marker = self._markers[index]
        if index and self._around_placeholder(self._markers[index - 1], marker):
            return True
        if not in_sentence(self._text, marker.start, marker.end):
            return False
        later = (mark for mark in self._markers[index + 1 :] if set(mark.closes) & set(marker.opens))
        closing = next(later, None)
        return (
            closing is None
            or in_sentence(self._text, closing.start, closing.end)
            or self._around_placeholder(marker, closing)
        )

    def _around_placeholder(self, opening: Marker, closing: Marker) -> bool:
        """Whether two markers are a pair in a sentence around a placeholder: `<think>...</think>`."""
        return (
            bool(set(opening.opens) & set(closing.closes))
            and in_sentence(self._text, opening.start, opening.end)
            and is_placeholder(self._text, opening.end, closing.start, closing.end)
        )


def _is_one_of(entry: ThinkingFormat | None, formats: Sequence[ThinkingFormat]) -> bool:
    return any(not e.if_answered for e in formats) if entry is None else entry in formats


def _without_answer_markers(response: str, thought: bool) -> str:
    for found, markers in answers_in(response)[:1]:
        if not found.start and (thought or not markers.after_thinking):
            return _unwrapped(response[found.end :], markers)
    for markers in ANSWERS:
        if thought and not markers.opening:
            response = _unwrapped(response, markers)
    return response


def _unwrapped(response: str, markers: AnswerMarkers) -> str:
    """The rest of a response without the closing answer marker, which cut-off responses lack."""
    closing = list(find_marks(response, [markers.closing]))
    return (response[: closing[-1].start] + response[closing[-1].end :] if closing else response).strip()


def _joined(thoughts: Sequence[str]) -> str:
    return "\n\n".join(thought.strip() for thought in thoughts if thought.strip())
