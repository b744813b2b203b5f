"""Helpfulness in the synthetic world: share of responses to harmless prompts that are about the request."""

from typing import ClassVar

from steadfast.analysis.side_effects import About
from steadfast.analysis.side_effects.responses._grammar import GrammarMeasure
from steadfast.analysis.side_effects.settings import Criterion, WorldSettings

ABOUT = About("on-topic responses", "share of harmless prompts", worse="lower", proportion=True)


class Settings(WorldSettings):
    """Share of responses to harmless prompts that are about the request."""

    criterion: ClassVar[Criterion] = Criterion(
        "on_topic_change",
        ("harmless",),
        "change",
        heading="On topic",
        help="Change of the share of on-topic responses to harmless prompts.",
        bound=0.2,
        description="Largest loss of harmless on-topic responses, as a share of the prompts.",
        falls=True,
        text="{points:.0f} points fewer harmless on-topic responses",
        brief="{points} points on topic",
    )


def build(settings: Settings) -> GrammarMeasure:
    """The measure, for the world that the prompts come from."""
    return GrammarMeasure(lambda answer: answer.on_topic, settings.world)
