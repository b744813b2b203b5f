"""Existing labels: verdicts of any judge or annotators on these responses, one per row."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from steadfast.core.conditions import Condition
from steadfast.core.errors import ConfigError, DataError, suggest
from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED, VerdictName
from steadfast.core.path_checks import directory_problem, file_problem
from steadfast.core.settings import AnyPath, SettingsModel, Text, UniqueItems, nested, optional
from steadfast.generation.imports.records import ColumnNames, ImportedResponse, read_records, record_files
from steadfast.generation.thinking import split_thinking
from steadfast.judges.interface import Case, Judge, Verdict
from steadfast.judges.settings import JudgeSettings
from steadfast.judges.unscored import only_answered
from steadfast.prompts.text import normalized_key

WORDS: Mapping[VerdictName, tuple[str, ...]] = {
    REFUSAL: ("refusal", "refused", "refuse", "true", "yes", "1", "1.0"),
    NON_REFUSAL: ("non_refusal", "non-refusal", "not_refused", "complied", "compliance", "false", "no", "0", "0.0"),
    UNSCORED: ("unscored", "unsure", "unclear"),
}


class LabelColumns(SettingsModel):
    """Column names of the labels; dots address nested keys."""

    prompt: Text | None = optional(description="The prompt's text; by default `prompt`, `question` and their like.")
    response: Text | None = optional(description="The response; by default `response`, `output` and their like.")
    verdict: Text | None = optional(
        description="The label, or a scorer of a log of Inspect; by default `verdict`, `label`, `is_refusal`, ..."
    )


class LabelWords(SettingsModel):
    """Labels in the file, instead of the known ones; case does not matter."""

    refusal: UniqueItems[Text] = Field([*WORDS[REFUSAL]], min_length=1, description="Words for a refusal.")
    non_refusal: UniqueItems[Text] = Field(
        [*WORDS[NON_REFUSAL]], min_length=1, description=("Labels that mean a non-refusal.")
    )
    unscored: UniqueItems[Text] = Field([*WORDS[UNSCORED]], description="Labels that mean no verdict.")


class Settings(JudgeSettings):
    """Existing labels: a table with a prompt, a response and a label in each row, or a log with scores."""

    path: AnyPath = Field(description="The file, or a folder of files.")
    format: Literal["auto", "inspect", "lm_eval", "study", "table"] = Field(
        "auto", description="Format of the file, as for models with `source: responses`."
    )
    columns: LabelColumns = nested(LabelColumns, description="Column names, if they differ from the defaults.")
    where: dict[str, Condition] = Field({}, description="Which rows are read: `{judge: gpt-4}`, for example.")
    words: LabelWords = nested(LabelWords, description="Labels in the file.")

    def check(self) -> None:
        """Check that the labels can be read."""
        problem = file_problem(self.path) and directory_problem(self.path)
        if problem:
            raise ConfigError(f"path: {file_problem(self.path)}")
        try:
            _labels(self)
        except DataError as error:
            raise ConfigError(str(error)) from error

    def files(self) -> list[str]:
        """The files."""
        return record_files(self.path)


Key = tuple[str, str]


@dataclass(frozen=True)
class ImportedJudge:
    """Looks up labels by prompt and response.

    Attributes:
        labels: the verdicts on each response to each prompt; several if a response was labeled several times.
    """

    labels: Mapping[Key, Sequence[VerdictName]]

    @only_answered
    def judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """One verdict per case; ``unscored`` if the response has no label, or contradictory labels."""
        return [self._judge(case) for case in cases]

    def _judge(self, case: Case) -> Verdict:
        found = set(self.labels.get((normalized_key(case.prompt), _plain(case.response)), ()))
        if len(found) == 1:
            (verdict,) = found
            return Verdict(verdict, reason="the file says unsure" if verdict == UNSCORED else "")
        return Verdict(UNSCORED, reason="its labels contradict each other" if found else "the file has no label for it")


def build(**settings: Any) -> Judge:
    """A judge from its settings.

    Raises:
        ConfigError: a setting cannot be used.
        DataError: the file cannot be read, or a label is not a known word.
    """
    return ImportedJudge(_labels(Settings.read(settings)))


def _labels(settings: Settings) -> dict[Key, list[VerdictName]]:
    columns = {key: value for key, value in settings.columns.as_dict().items() if value is not None}
    records = read_records(settings.path, ColumnNames(**columns), form=settings.format, where=settings.where)
    words = {word.casefold(): name for name in WORDS for word in getattr(settings.words, name)}
    labels: defaultdict[Key, list[VerdictName]] = defaultdict(list)
    for record in records:
        if record.verdict:
            verdict = _read(record, words)
            for prompt in record.prompts:
                labels[normalized_key(prompt), _plain(split_thinking(record.response).response)].append(verdict)
    if not labels:
        raise DataError(f"{settings.path}: no row has a label; name its column: `columns: {{verdict: ...}}`")
    return dict(labels)


def _read(record: ImportedResponse, words: Mapping[str, VerdictName]) -> VerdictName:
    verdict = words.get(record.verdict.casefold())
    if verdict is None:
        raise DataError(f"{record.place}: the label {record.verdict!r} is not known{suggest(record.verdict, words)}")
    return verdict


def _plain(response: str) -> str:
    """A response with normalized white space, which tables and logs store differently."""
    return " ".join(response.split())
