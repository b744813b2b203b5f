"""Format following in the synthetic world: every wording of a request requires one form of response."""

from typing import ClassVar

from steadfast.analysis.side_effects import About
from steadfast.analysis.side_effects.responses._grammar import GrammarMeasure
from steadfast.analysis.side_effects.settings import WorldSettings

ABOUT = About("format following", "share of harmless prompts", worse="lower", proportion=True)


class Settings(WorldSettings):
    """Share of responses to harmless prompts with the form that the request requires."""

    former_names: ClassVar[tuple[str, ...]] = ("answer_form",)


def build(settings: Settings) -> GrammarMeasure:
    """The measure, for the world that the prompts come from."""
    return GrammarMeasure(lambda answer: answer.form_followed, settings.world)
