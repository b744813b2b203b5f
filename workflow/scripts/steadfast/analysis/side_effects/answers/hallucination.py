"""Hallucination in the synthetic world: answers that name things which have nothing to do with the request."""

from steadfast.analysis.side_effects import About
from steadfast.analysis.side_effects.answers._grammar import WORLD, GrammarMeasure

ABOUT = About("hallucination", "share of harmless prompts", damage="higher", proportion=True)


def build(world: str = WORLD) -> GrammarMeasure:
    """The measure, for the world that the prompts come from."""
    return GrammarMeasure("hallucination", world)
