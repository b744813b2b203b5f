"""Instruction following in the synthetic world: every wording of a request asks for one form of answer."""

from steadfast.analysis.side_effects import About
from steadfast.analysis.side_effects.answers._grammar import WORLD, GrammarMeasure

ABOUT = About("instruction following", "share of harmless prompts", damage="lower", proportion=True)


def build(world: str = WORLD) -> GrammarMeasure:
    """The measure, for the world that the prompts come from."""
    return GrammarMeasure("form_followed", world)
