"""The page of two runs: what changed between them, in Markdown."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.run_comparison import FIRST, SECOND, compare_runs, only_in, responses_of
from steadfast.core.files import read_table
from steadfast.grid.paths import response_files, verdict_file
from steadfast.report.origins import read_records
from steadfast.report.wording import Estimate, markdown, points

SHOWN = 40
ALPHA = 0.05


@dataclass(frozen=True)
class Run:
    """One of two runs.

    Attributes:
        name: its name.
        folder: its results.
        commit: the commit of the code that collected its verdicts; empty if unknown.
        finished: when that was, in UTC.
        missing: models, variants and judges that only this run has.
    """

    name: str
    folder: str
    commit: str
    finished: str
    missing: Mapping[str, Sequence[str]]


def compare_results(runs: Mapping[str, str], inference: Inference) -> tuple[pd.DataFrame, str]:
    """Compare two results folders.

    Args:
        runs: the two folders by the names of their runs.
        inference: of the intervals.

    Returns:
        The table (see ``steadfast.analysis.tables.run_comparison``) and the page.

    Raises:
        DataError: a table cannot be read, or the runs have nothing in common.
    """
    (first, second) = (read_table(verdict_file(folder)) for folder in runs.values())
    answered = [
        responses_of({(Path(file).parent.name, Path(file).stem): read_table(file) for file in response_files(folder)})
        for folder in runs.values()
    ]
    table = compare_runs(first, second, (answered[0], answered[1]), inference)
    missing = [only_in(first, second), only_in(second, first)]
    described = [_run(name, folder, lacking) for (name, folder), lacking in zip(runs.items(), missing, strict=True)]
    return table, comparison_page(table, *described, confidence=inference.confidence)


def _run(name: str, folder: str, missing: Mapping[str, Sequence[str]]) -> Run:
    record = next(iter(read_records([verdict_file(folder)])), None)
    return Run(name, folder, record.commit if record else "", record.finished if record else "", missing)


def comparison_page(table: pd.DataFrame, first: Run, second: Run, *, confidence: float) -> str:
    """The page.

    Args:
        table: see ``steadfast.analysis.tables.run_comparison.compare_runs``.
        first: the first run.
        second: the second.
        confidence: of the intervals.
    """
    changed = table[table["change"].fillna(0) != 0]
    ordered = changed.reindex(changed["change"].abs().sort_values(ascending=False, kind="stable").index)
    lines = [
        f"# {markdown(first.name)} and {markdown(second.name)}: what changed",
        "",
        *map(_described, (first, second)),
        "",
        _sentence(table, confidence),
    ]
    if not ordered.empty:
        head = ["model", "variant", "judge", "prompts", first.name, second.name, "change", "p (Holm)", "identical"]
        lines += ["", f"| {' | '.join(map(markdown, head))} |", f"|{'---|' * len(head)}"]
        lines += [_row(row) for row in ordered.head(SHOWN).to_dict("records")]
        if len(ordered) > SHOWN:
            lines += [
                "",
                f"The {SHOWN} largest changes of {len(ordered)}; all rows are in the table run_comparison.csv.",
            ]
    return "\n".join([*lines, *_only(first), *_only(second)]) + "\n"


def _described(run: Run) -> str:
    commit = f", commit {run.commit[:12]}" if run.commit else ""
    return f"- **{markdown(run.name)}**: {markdown(run.folder)}{commit}{f', {run.finished}' if run.finished else ''}"


def _sentence(table: pd.DataFrame, confidence: float) -> str:
    beyond = int((table["p_holm"] < ALPHA).sum())
    count = int((table["change"].fillna(0) != 0).sum())
    pairs = table.drop_duplicates(["model", "variant"])
    total = pairs["responses"].sum()
    same = (pairs["responses"] * pairs["identical"]).sum()
    shares = f" {same:.0f} of {total:.0f} responses to common prompts are identical." if total else ""
    unpaired = int((table["comparison"] == "unpaired").sum())
    note = f" {unpaired} comparisons are unpaired: the runs have no prompt in common there." if unpaired else ""
    return (
        f"The rate of refusals differs in {count} of {len(table)} comparisons (model, variant, judge, prompt label), "
        f"in {beyond} of them by more than chance (exact test, p < {ALPHA} after Holm's correction).{shares}{note} "
        f"Changes are those of the prompts that both runs have, with {confidence:.0%} intervals."
    )


def _row(row: Mapping[Hashable, Any]) -> str:
    cells = [row["model"], row["variant"], row["judge"], row["label"]]
    for run in (FIRST, SECOND):
        scored = int(row[f"refused_{run}"]) + int(row[f"not_refused_{run}"])
        cells.append(f"{row[f'refused_{run}']} of {scored}")
    cells.append(points(Estimate(*(float(row[key]) for key in ("change", "change_low", "change_high")))))
    p, identical = row["p_holm"], row["identical"]
    cells.append("" if pd.isna(p) else f"{p:.2g}")
    cells.append("" if pd.isna(identical) else f"{identical:.0%}")
    return f"| {' | '.join(map(markdown, cells))} |"


def _only(run: Run) -> list[str]:
    named = [f"{key}s {', '.join(map(markdown, names))}" for key, names in run.missing.items() if names]
    return ["", f"Only in {markdown(run.name)}: {'; '.join(named)}."] if named else []
