"""Length of the responses, in tokens: edits make some models curt and let others ramble."""

from dataclasses import dataclass

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.answers._pairing import paired_by_class
from steadfast.analysis.side_effects.responses import AnsweredPrompts

ABOUT = About("response length", "tokens", damage="neither")


@dataclass(frozen=True)
class ResponseLength:
    """See the module."""

    def score(self, system: AnsweredPrompts, original: AnsweredPrompts) -> list[Score]:
        """One score per prompt, by class."""
        return paired_by_class(system, original, lambda answers: answers.table["n_tokens"].astype("float64"))


def build() -> ResponseLength:
    """The measure."""
    return ResponseLength()
