"""Share of degenerate responses: empty, or the same thing over and over (``steadfast.generation.degeneration``)."""

from dataclasses import dataclass

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.answers._pairing import paired_by_class
from steadfast.analysis.side_effects.responses import AnsweredPrompts

ABOUT = About("degenerate responses", "share of responses", damage="higher", proportion=True)


@dataclass(frozen=True)
class Degenerate:
    """See the module."""

    def score(self, system: AnsweredPrompts, original: AnsweredPrompts) -> list[Score]:
        """One score per prompt, by class."""
        return paired_by_class(system, original, lambda answers: answers.table["degenerate"].astype("float64"))


def build() -> Degenerate:
    """The measure."""
    return Degenerate()
