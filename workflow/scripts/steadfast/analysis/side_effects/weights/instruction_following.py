"""Instruction following: share of harmless tasks whose response has the required form, checked by a program."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pandas as pd
from pydantic import Field

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.instructions import load_tasks
from steadfast.analysis.side_effects.settings import Choice, MeasureSettings
from steadfast.core.errors import DataError
from steadfast.core.names import ORIGINAL
from steadfast.core.settings import ExistingFile

if TYPE_CHECKING:
    from steadfast.analysis.side_effects.model_under_test import ModelUnderTest

ABOUT = About("instructions followed", "share of tasks", worse="lower", proportion=True)
USUAL_TASKS = 20
"""Assumed number of tasks per file, for estimates."""


class Settings(MeasureSettings):
    """Share of tasks of our own whose response has the requested form; it generates further responses."""

    taken: ClassVar[Choice] = "where named"

    instructions: ExistingFile = Field(
        "resources/prompts/instructions.yaml",
        description="Tasks of `instruction_following`, each with checks of the response.",
    )
    instruction_tokens: int = Field(
        256, ge=1, le=1000000, description=("Maximum length of the response to a task, in tokens.")
    )

    def problems(self, *, taken: bool) -> Iterator[str]:
        """Tasks that cannot be read."""
        try:
            if taken:
                load_tasks(self.instructions)
        except DataError as error:
            yield f"instructions: {error}"

    def files(self) -> list[str]:
        """The tasks."""
        return [self.instructions]

    def tokens(self, prompts: float, prompt_tokens: float) -> tuple[float, float]:
        """An answer to each task."""
        del prompts, prompt_tokens
        return 0.0, USUAL_TASKS * self.instruction_tokens


@dataclass(frozen=True)
class InstructionFollowing:
    """Tasks of a file, with greedy responses."""

    settings: Settings

    def reference(self, original: "ModelUnderTest", variants: object) -> dict[str, float]:
        """Whether the original follows each task, 1 or 0 by name."""
        del variants
        return self._followed(original)

    def score(self, model: "ModelUnderTest", reference: dict[str, float]) -> list[Score]:
        """One score per task."""
        own = reference if model.variant == ORIGINAL else self._followed(model)
        return [Score(name, own[name], before, scope="tasks") for name, before in reference.items()]

    def _followed(self, model: "ModelUnderTest") -> dict[str, float]:
        from steadfast.generation.loaded_model import LoadedModel
        from steadfast.generation.responses import generate_responses

        tasks = load_tasks(self.settings.instructions)
        access = model.access
        answers = generate_responses(
            access.model_dir,
            pd.DataFrame({"prompt_id": [task.name for task in tasks], "text": [task.prompt for task in tasks]}),
            settings={"max_new_tokens": self.settings.instruction_tokens},
            engine=LoadedModel(access.model, access.batch_tokens),
            system_prompt=access.system_prompt,
            template_arguments=access.template_arguments,
        )
        rows = zip(tasks, answers["response"].tolist(), strict=True)
        return {task.name: float(task.followed(answer)) for task, answer in rows}


def build(settings: Settings) -> InstructionFollowing:
    """The measure."""
    return InstructionFollowing(settings)
