"""Everything that a run has found, as the sections of the report read it."""

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
from steadfast.core.names import ORIGINAL
from steadfast.report.origins import Record, read_records

RESPONSE_COLUMNS = ["prompt_id", "sample", "response", "n_tokens", "finish_reason", "degenerate"]
# columns that tables of responses made elsewhere, or before they were recorded, may lack
OPTIONAL_COLUMNS: dict[str, bool | str] = {"unfinished_thinking": False, "control_tokens": ""}


@dataclass(frozen=True)
class Study:
    """The tables of a run, and what the configuration says of them.

    Attributes:
        verdicts: a table as ``tables.verdicts`` makes it.
        prompts: the prompt table.
        responses: the responses of all systems: model, variant, ``RESPONSE_COLUMNS`` and ``OPTIONAL_COLUMNS``.
        tables: every other table by its file name without suffix.
        labels: display labels.
        reference: judge that the others are compared with.
        judge: judge whose counts are shown first.
        baselines: judges that do not read the response.
        controls: variants with the role *control*.
        people: judges that are people.
        sources: where each model comes from, by model.
        inference: confidence and resampling.
        margin: loss of refusals that a robust model stays within.
        show: ``none``, ``collapsed`` or ``full``: how much of the responses is shown.
        configuration: what was asked for, as nested mappings.
        records: provenance of the files that the run has made.
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
    people: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    inference: Inference = field(default_factory=Inference)
    margin: float = 0.10
    show: str = "none"
    configuration: Mapping[str, Any] = field(default_factory=dict)
    records: tuple[Record, ...] = ()
    unfinished: str = ""

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
    def systems(self) -> list[tuple[str, str]]:
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
        """Judges that read the response, without the reference."""
        return [judge for judge in self.judges if judge != self.reference and judge not in self.baselines]

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
        records=tuple(read_records([*artifacts, *map(str, paths)])),
        **_frozen(settings),
    )


def _frozen(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}


def _read_responses(path: Path) -> pd.DataFrame:
    table = require_columns(read_table(path), RESPONSE_COLUMNS, path)
    missing = {name: value for name, value in OPTIONAL_COLUMNS.items() if name not in table}
    chosen = table.assign(**missing)[[*RESPONSE_COLUMNS, *OPTIONAL_COLUMNS]]
    return chosen.assign(model=path.parent.name, variant=path.stem)
