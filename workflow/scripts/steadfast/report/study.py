"""All results of a run, for the sections of the report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.core.files import read_table, require_columns
from steadfast.core.names import ORIGINAL, UNSCORED
from steadfast.report.origins import Record, read_records

RESPONSE_COLUMNS = ["prompt_id", "sample", "response", "n_tokens", "finish_reason", "degenerate"]
# columns that tables of responses made elsewhere, or before they were recorded, may lack
OPTIONAL_COLUMNS: dict[str, bool | str] = {"unfinished_thinking": False, "control_tokens": ""}


@dataclass(frozen=True)
class Study:
    """The tables of a run, and what the configuration says of them.

    Attributes:
        verdicts: a table from ``tables.verdicts``.
        prompts: the prompt table.
        responses: the responses of all variants: model, variant, ``RESPONSE_COLUMNS`` and ``OPTIONAL_COLUMNS``.
        tables: every other table by its file name without suffix.
        labels: display labels.
        reference: judge whose verdicts decide conclusions, assessments and figures; the others are compared with it.
        truth: what the validity of the judges is measured against: the human labels where there are any, else the
            reference judge (the default).
        judge: judge whose counts are shown first.
        baselines: judges that do not read the response.
        controls: variants with the role *control*.
        human_judges: the one whose labels are the truth first, then the annotators of a majority.
        hooked: variants that intervene at inference time.
        sources: where each model comes from, by model.
        inference: confidence and resampling.
        margin: loss of refusals that a robust model stays within.
        show: ``none``, ``collapsed`` or ``full``: how much of the responses is shown.
        look: sizes, font and colors of the figures, as the configuration's section has them; those by default if empty.
        configuration: what was asked for, as nested mappings.
        records: provenance of the files that the run has made.
        files: the configuration files, after which the run is named.
        unfinished: of a run that did not finish, which steps failed and what is missing; else empty.
    """

    verdicts: pd.DataFrame
    prompts: pd.DataFrame
    responses: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    labels: Labels
    reference: str
    judge: str
    baselines: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    human_judges: tuple[str, ...] = ()
    hooked: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    inference: Inference = field(default_factory=Inference)
    margin: float = 0.10
    show: str = "none"
    look: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    records: tuple[Record, ...] = ()
    unfinished: str = ""
    truth: str = ""
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Without human labels the reference judge is all there is."""
        if not self.truth:
            object.__setattr__(self, "truth", self.human_judges[0] if self.human_judges else self.reference)

    @property
    def rubric_labels(self) -> dict[str, str]:
        """Display labels of the rubrics, among them the judges of compliance."""
        return {name: str(entry.get("label", name)) for name, entry in self.configuration.get("rubrics", {}).items()}

    @property
    def name(self) -> str:
        """Name of the run."""
        return " + ".join(Path(file).stem for file in self.files)

    @cached_property
    def models(self) -> list[str]:
        """Models, in the order of the configuration."""
        return names_of(self.verdicts, "model")

    @cached_property
    def variants(self) -> list[str]:
        """Variants, in the order of the configuration."""
        return names_of(self.verdicts, "variant")

    @cached_property
    def judges(self) -> list[str]:
        """Judges, in the order of the configuration."""
        return names_of(self.verdicts, "judge")

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """Every model in every variant that it has, in the order of the configuration."""
        found = set(self.verdicts[["model", "variant"]].drop_duplicates().itertuples(index=False, name=None))
        return [(model, variant) for model in self.models for variant in self.variants if (model, variant) in found]

    @property
    def study_variants(self) -> list[str]:
        """Variants without the controls."""
        return [variant for variant in self.variants if variant not in self.controls]

    @property
    def edited_variants(self) -> list[str]:
        """Variants that the study compares with the original."""
        return [variant for variant in self.study_variants if variant != ORIGINAL]

    @property
    def readers(self) -> list[str]:
        """Judges that read the response, without the reference and human judges."""
        left_out = {self.reference, *self.baselines, *self.human_judges}
        return [judge for judge in self.judges if judge not in left_out]

    @property
    def human_labels(self) -> int:
        """Responses with a human label that says refusal or not."""
        mine = self.verdicts["judge"] == self.truth
        return int((mine & (self.verdicts["verdict"] != UNSCORED)).sum()) if self.human_judges else 0

    @property
    def annotators(self) -> str:
        """Whose labels they are."""
        number = max(1, len(self.human_judges) - 1)
        return "one annotator" if number == 1 else f"the majority of {number} annotators"

    def judge_choices(self, judges: Iterable[str] | None = None) -> dict[str, str]:
        """Labels of judges (all by default) to choose from, the one that is shown first at the beginning."""
        ordered = sorted(self.judges if judges is None else judges, key=lambda judge: judge != self.judge)
        return {judge: self.labels.judge(judge) for judge in ordered}


def read_study(
    *,
    verdicts: str | Path,
    prompts: str | Path,
    responses: Iterable[str | Path],
    tables: Iterable[str | Path],
    artifacts: Iterable[str | Path],
    labels: Mapping[str, Mapping[str, str]],
    inference: Mapping[str, Any],
    files: Iterable[str | Path] = (),
    **settings: Any,
) -> Study:
    """Read the files of a run.

    Args:
        verdicts: the verdict table.
        prompts: the prompt table.
        responses: files ``.../{model}/{variant}.parquet``.
        tables: CSV files.
        artifacts: whatever else the run has made and whose provenance is reported.
        labels: fields of ``Labels``.
        inference: fields of ``Inference``.
        files: the configuration files.
        **settings: further fields of `Study`.
    """
    parts = [_read_responses(Path(path)) for path in responses]
    paths = [Path(path) for path in tables]
    return Study(
        verdicts=read_table(verdicts),
        prompts=read_table(prompts),
        responses=pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(),
        tables={path.stem: read_table(path) for path in paths},
        labels=Labels(**labels),
        inference=Inference(**inference),
        files=tuple(_without_place(Path(file)) for file in files),
        records=tuple(read_records([*artifacts, *map(str, paths)])),
        **_frozen(settings),
    )


def _without_place(file: Path) -> str:
    """A path below the working folder, or the name alone: a page contains no path of a user's machine."""
    below = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    return below.name if below.is_absolute() else str(below)


def _frozen(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}


def _read_responses(path: Path) -> pd.DataFrame:
    table = require_columns(read_table(path), RESPONSE_COLUMNS, path)
    missing = {name: value for name, value in OPTIONAL_COLUMNS.items() if name not in table}
    chosen = table.assign(**missing)[[*RESPONSE_COLUMNS, *OPTIONAL_COLUMNS]]
    return chosen.assign(model=path.parent.name, variant=path.stem)
