"""Share of degenerate responses: empty or repetitive (``steadfast.generation.degeneration``)."""

from dataclasses import dataclass
from typing import ClassVar

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.pair_responses import PairResponses
from steadfast.analysis.side_effects.responses._pairing import paired_by_label
from steadfast.analysis.side_effects.settings import Criterion, MeasureSettings

ABOUT = About("degenerate responses", "share of responses", worse="higher", proportion=True)


class Settings(MeasureSettings):
    """Share of degenerate responses."""

    criterion: ClassVar[Criterion] = Criterion(
        "degenerate_change",
        ("harmful", "harmless"),
        "change",
        heading="Degenerate",
        help="Change of the share of degenerate responses.",
        bound=0.2,
        description="Largest increase of the share of degenerate responses of a model that still works.",
        text="{points:+.0f} points of degenerate responses",
        brief="{points} points degenerate",
    )


@dataclass(frozen=True)
class Degenerate:
    """See the module."""

    def score(self, pair: PairResponses, original: PairResponses) -> list[Score]:
        """One score per prompt, by label."""
        return paired_by_label(pair, original, lambda answers: answers.table["degenerate"].astype("float64"))


def build(_settings: Settings) -> Degenerate:
    """The measure."""
    return Degenerate()
