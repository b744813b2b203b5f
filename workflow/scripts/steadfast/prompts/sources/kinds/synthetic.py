"""Prompts of both labels from the synthetic world of the models that the workflow trains itself."""

from typing import ClassVar

from pydantic import Field

from steadfast.core.names import PROMPT_LABELS
from steadfast.core.settings import ExistingFile
from steadfast.prompts.sources import Loaded, SourcePrompt
from steadfast.prompts.sources.reading.rows import require_file
from steadfast.prompts.sources.settings import PromptSourceSettings


class Settings(PromptSourceSettings):
    """The world of the models that the workflow trains itself."""

    is_synthetic: ClassVar[bool] = True

    world: ExistingFile = Field("resources/organisms/world.yaml", description="The grammar's word lists.")

    def labels(self) -> tuple[str, ...]:
        """Both."""
        return PROMPT_LABELS


def load(*, world: str) -> Loaded:
    """Read the prompts of a world.

    Prompts about a pair that is held out of all training are pinned to the evaluation, the others to the calibration.

    Args:
        world: path of the world file.

    Raises:
        DataError: the world file does not have the expected shape.
    """
    # imported here, as the checks before a run do not need the grammar
    from steadfast.prompts.synthetic.world import load_world

    prompts = [
        SourcePrompt(
            text=prompt.text,
            category=prompt.category,
            split="evaluation" if prompt.held_out else "calibration",
            label=prompt.label,
            source="synthetic",
        )
        for prompt in load_world(world).prompts()
    ]
    return Loaded(prompts)


def check(*, world: str) -> None:
    """Check that the world file exists.

    Raises:
        ConfigError: it does not.
    """
    require_file("world", world)


def notices(**_: object) -> list[str]:
    """None."""
    return []


def files(*, world: str) -> list[str]:
    """The world file."""
    return [world]
