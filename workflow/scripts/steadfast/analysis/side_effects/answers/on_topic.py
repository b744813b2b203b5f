"""Helpfulness in the synthetic world: share of answers to harmless prompts that are about what was asked."""

from steadfast.analysis.side_effects import About
from steadfast.analysis.side_effects.answers._grammar import WORLD, GrammarMeasure

ABOUT = About("on-topic responses", "share of harmless prompts", damage="lower", proportion=True)


def build(world: str = WORLD) -> GrammarMeasure:
    """The measure, for the world that the prompts come from."""
    return GrammarMeasure("on_topic", world)
