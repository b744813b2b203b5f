"""Instruction following: share of harmless tasks whose answer has the form asked for, as a program checks it."""

from dataclasses import dataclass

import pandas as pd

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.instructions import load_tasks
from steadfast.analysis.side_effects.subject import Subject
from steadfast.generation.engines.transformers import LoadedModel
from steadfast.generation.responses import generate_responses

ABOUT = About("instructions followed", "share of tasks", damage="lower", proportion=True)
DEFAULT_TASKS = "resources/prompts/instructions.yaml"


@dataclass(frozen=True)
class InstructionFollowing:
    """Tasks of a file, answered greedily with at most ``max_new_tokens`` tokens."""

    tasks: str
    max_new_tokens: int

    def reference(self, original: Subject, variants: object) -> dict[str, float]:
        """Which tasks the original follows, 1 or 0 by name."""
        del variants
        return self._followed(original)

    def score(self, subject: Subject, reference: dict[str, float]) -> list[Score]:
        """One score per task."""
        own = reference if subject.variant == "original" else self._followed(subject)
        return [Score(name, own[name], before, scope="tasks") for name, before in reference.items()]

    def _followed(self, subject: Subject) -> dict[str, float]:
        tasks = load_tasks(self.tasks)
        access = subject.access
        answers = generate_responses(
            access.model_dir,
            pd.DataFrame({"prompt_id": [task.name for task in tasks], "text": [task.prompt for task in tasks]}),
            settings={"max_new_tokens": self.max_new_tokens},
            engine=LoadedModel(access.model, access.batch_tokens),
            system_prompt=access.system_prompt,
            template_arguments=access.template_arguments,
        )
        rows = zip(tasks, answers["response"].tolist(), strict=True)
        return {task.name: float(task.followed(answer)) for task, answer in rows}


def build(tasks: str = DEFAULT_TASKS, max_new_tokens: int = 256) -> InstructionFollowing:
    """The measure.

    Args:
        tasks: file with the tasks; see ``steadfast.analysis.side_effects.instructions``.
        max_new_tokens: longest answer.
    """
    return InstructionFollowing(tasks, max_new_tokens)
