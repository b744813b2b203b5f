"""Hallucination in the synthetic world: responses that name things unrelated to the request."""

from typing import ClassVar

from steadfast.analysis.side_effects import About
from steadfast.analysis.side_effects.responses._grammar import GrammarMeasure
from steadfast.analysis.side_effects.settings import WorldSettings

ABOUT = About("hallucination", "share of harmless prompts", worse="higher", proportion=True)


class Settings(WorldSettings):
    """Share of responses to harmless prompts that name things unrelated to the request."""

    former_names: ClassVar[tuple[str, ...]] = ("invented",)


def build(settings: Settings) -> GrammarMeasure:
    """The measure, for the world that the prompts come from."""
    return GrammarMeasure(lambda answer: answer.hallucination, settings.world)
