"""Tasks of EleutherAI's lm-evaluation-harness, on a loaded model.

Every document of a task is an item, so that the change from the original is paired and has an interval. The harness is
an optional dependency (``make capability``), imported only if a task is configured.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.settings import Choice, MeasureSettings
from steadfast.core.files import visible_files
from steadfast.core.names import ORIGINAL
from steadfast.core.settings import ExistingDirectory, Text, UniqueItems

if TYPE_CHECKING:
    from steadfast.analysis.side_effects.model_under_test import ModelUnderTest

ABOUT = About("benchmark score", "score", worse="lower")
DOCUMENT_TOKENS = 512
"""Assumed tokens per document for the batch size, which the harness counts in documents."""
# an item is a metric of a task and a document's number
Item = tuple[str, str]


class Settings(MeasureSettings):
    """Tasks of EleutherAI's lm-evaluation-harness, measured for every model–variant pair as a side effect.

    They need `make capability` (or `--use-conda`), and most of them the hub.
    """

    section: ClassVar[str] = "capability"
    taken: ClassVar[Choice] = "where possible"
    environment: ClassVar[str] = "capability"
    is_benchmark: ClassVar[bool] = True

    tasks: UniqueItems[Text] = Field(
        [], description="Names of tasks, for example `arc_easy` or `truthfulqa_mc2`; none are taken by default."
    )
    include_path: ExistingDirectory | None = Field(
        None, description="A folder with your own tasks, in the harness's format."
    )
    examples: int | None = Field(
        None, ge=0, le=1000, description="Few-shot examples in each prompt; null takes the default of the task."
    )
    limit: int | None = Field(
        None, ge=1, le=1000000000, description="Number of documents of each task; null takes all."
    )
    chat_template: bool = Field(False, description="Whether the model's chat template is applied to the prompts.")

    def lacking(self) -> str:
        """Tasks."""
        return "" if self.tasks else "needs tasks: name them in capability.tasks"

    def problems(self, *, taken: bool) -> Iterator[str]:
        """A folder that no task is taken from."""
        if self.include_path is not None and not taken:
            yield "include_path: has no effect without capability.tasks"

    def missing_package(self) -> str:
        """The harness."""
        if find_spec("lm_eval") is not None:
            return ""
        return "tasks: they need EleutherAI's lm-evaluation-harness; install it: make capability"

    def files(self) -> list[str]:
        """The user's own tasks."""
        return [str(file) for file in visible_files(self.include_path)] if self.include_path else []


@dataclass(frozen=True)
class Capability:
    """Tasks of the harness."""

    settings: Settings

    def reference(self, original: "ModelUnderTest", variants: object) -> dict[Item, float]:
        """The original's scores."""
        del variants
        return self._scores(original)

    def score(self, model: "ModelUnderTest", reference: dict[Item, float]) -> list[Score]:
        """One score per document and metric."""
        own = reference if model.variant == ORIGINAL else self._scores(model)
        return [Score(item[1], own[item], before, scope=item[0]) for item, before in reference.items()]

    def _scores(self, model: "ModelUnderTest") -> dict[Item, float]:
        from lm_eval import simple_evaluate
        from lm_eval.models.huggingface import HFLM

        access = model.access
        # the harness annotates its models with the types that they accept
        harness_model: Any = HFLM
        batch_size = max(1, access.batch_tokens // DOCUMENT_TOKENS)
        result: Any = simple_evaluate(
            model=harness_model(pretrained=access.model, tokenizer=access.tokenizer, batch_size=batch_size),
            tasks=list(self.settings.tasks),
            task_manager=_task_manager(self.settings.include_path),
            num_fewshot=self.settings.examples,
            limit=self.settings.limit,
            apply_chat_template=self.settings.chat_template,
            system_instruction=access.system_prompt,
            log_samples=True,
            # intervals are computed from the documents' scores, like those of every measure
            bootstrap_iters=0,
        )
        return scores_of(result["samples"], result["higher_is_better"])


def build(settings: Settings) -> Capability:
    """The measure."""
    return Capability(settings)


def scores_of(
    samples: Mapping[str, Sequence[Mapping[str, Any]]], higher_is_better: Mapping[str, Mapping[str, bool]]
) -> dict[Item, float]:
    """Scores of every document, by task and metric; metrics for which lower is better are negated.

    Metrics without one number per document (such as a corpus-wide perplexity) are skipped.

    Args:
        samples: the harness's logged samples by task.
        higher_is_better: the harness's ``higher_is_better`` of each metric.
    """
    found: dict[Item, float] = {}
    for task, rows in samples.items():
        for row in rows:
            for metric in row["metrics"]:
                value = row[metric]
                if not isinstance(value, bool | int | float):
                    continue
                sign = 1.0 if higher_is_better.get(task, {}).get(metric, True) else -1.0
                chosen = "" if row["filter"] == "none" else f" ({row['filter']})"
                found[f"{task}: {metric}{chosen}", str(row["doc_id"])] = sign * float(value)
    return found


@cache
def _task_manager(include_path: str | None) -> Any:
    """The harness's task manager, cached because reading its tasks takes seconds."""
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=include_path)
