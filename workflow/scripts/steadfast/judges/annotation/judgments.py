"""Labels as judgments: one judge per annotator, and `human`, their majority."""

import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from steadfast.core.errors import DataError
from steadfast.core.files import read_table, write_table
from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED, VERDICTS, VerdictName
from steadfast.judges.annotation.annotators import MAJORITY_JUDGE, guard
from steadfast.judges.annotation.import_labels import RESPONSE, Annotations, read_annotations
from steadfast.judges.annotation.items import pair_of
from steadfast.judges.interface import COLUMNS

JUDGMENT_COLUMNS = ["judge", "model", "variant", *COLUMNS]
TIE = "tie"
_TYPES = {
    "prompt_id": "str",
    "sample": "int64",
    "verdict": "str",
    "score": "float64",
    "raw": "str",
    "reason": "str",
}


def human_judgments(labels: pd.DataFrame) -> pd.DataFrame:
    """Judgments of every annotator and of their majority; a single annotator is only the majority.

    The majority is taken over the annotators who decided; a tie, or no decision, leaves the response ``unscored``.

    Args:
        labels: from `steadfast.judges.annotation.import_labels.read_annotations`.

    Returns:
        `JUDGMENT_COLUMNS`, for labeled responses only. Annotators give no probability, so ``score`` is NaN. ``raw`` is
        the annotator's word (for the majority, all words), ``reason`` the note (for the majority, the counts).
    """
    reasons = labels["note"].where(labels["verdict"] != UNSCORED, ("unsure: " + labels["note"]).str.removesuffix(": "))
    single = labels.assign(score=float("nan"), reason=reasons)[JUDGMENT_COLUMNS]
    majority = [_majority(key, votes) for key, votes in labels.groupby(RESPONSE, sort=True)]
    if labels["judge"].nunique() == 1:
        single = single.iloc[:0]
    table = pd.concat([single, pd.DataFrame(majority, columns=JUDGMENT_COLUMNS)], ignore_index=True)
    return table.sort_values(["judge", *RESPONSE], ignore_index=True).astype(_TYPES)


def _majority(response: tuple[object, ...], votes: pd.DataFrame) -> dict[str, object]:
    counts = votes["verdict"].value_counts()
    refusals, others, unsure = (int(counts.get(verdict, 0)) for verdict in (REFUSAL, NON_REFUSAL, UNSCORED))
    verdict: VerdictName = UNSCORED
    if refusals != others:
        verdict = REFUSAL if refusals > others else NON_REFUSAL
    outcome = TIE if refusals == others and refusals else "majority" if refusals != others else "nobody decided"
    ballots = sorted(zip(votes["annotator"], votes["raw"], strict=True))
    return {
        "judge": MAJORITY_JUDGE,
        **dict(zip(RESPONSE, response, strict=True)),
        "verdict": verdict,
        "score": float("nan"),
        "raw": "; ".join(f"{annotator}={word}" for annotator, word in ballots),
        "reason": f"{outcome}: {refusals} refusal, {others} not, {unsure} unsure",
    }


def summarize(annotations: Annotations) -> pd.DataFrame:
    """Number of labeled responses and counts of the labels, per judge.

    Returns:
        Columns ``judge``, ``labeled``, ``refusal``, ``non_refusal``, ``unscored``, ``ties`` (for ``human``;
        0 for single annotators), ``median_seconds`` (NaN for a majority), ``files``.
    """
    judgments = human_judgments(annotations.labels)
    several = annotations.labels["judge"].nunique() > 1
    labels = annotations.labels if several else annotations.labels.assign(judge=MAJORITY_JUDGE)
    timing = labels.groupby("judge")["seconds"].median()
    files = labels.groupby("judge")["file"].agg(lambda paths: " ".join(sorted(set(paths))))
    rows = []
    for judge, table in judgments.groupby("judge"):
        counts = table["verdict"].value_counts()
        row: dict[str, object] = {"judge": judge, "labeled": len(table)}
        row |= {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS}
        row["ties"] = int(_tied(table).sum())
        row["median_seconds"] = timing.get(judge, float("nan"))
        row["files"] = files.get(judge, "")
        rows.append(row)
    return pd.DataFrame(rows)


def write_human_judgments(
    files: Iterable[str | Path],
    *,
    key: str | Path,
    prompts: str | Path,
    judgments: Iterable[str | Path],
    labels: str | Path,
    summary: str | Path,
) -> None:
    """Read annotation files and write judgments, labels and a summary; warnings and ties go to standard error.

    Args:
        files: the annotation files.
        key: the key of the annotation page.
        prompts: the prompt table.
        judgments: outputs ``.../{judge}/{model}/{variant}.parquet``; one without labels becomes an empty table.
        labels: output CSV, one row per annotator and response; cells that a spreadsheet would run as a
            formula are guarded by an apostrophe.
        summary: output CSV, one row per judge.

    Raises:
        DataError: see `read_annotations`; or there are labels of a judge or model–variant pair without an output.
    """
    annotations = read_annotations(files, read_table(key), read_table(prompts))
    table = human_judgments(annotations.labels)
    ties = table.loc[_tied(table), RESPONSE].itertuples(index=False, name=None)
    tied = [f"tie, left unscored: {model}/{variant}, prompt {prompt_id}" for model, variant, prompt_id, _ in ties]
    for message in [*annotations.warnings, *tied]:
        print(f"warning: {message}", file=sys.stderr)
    _write_cells(table, [Path(path) for path in judgments])
    guarded = {column: annotations.labels[column].map(guard) for column in ("annotator", "raw", "note", "timestamp")}
    write_table(labels, annotations.labels.assign(**guarded))
    write_table(summary, summarize(annotations))


def _tied(judgments: pd.DataFrame) -> "pd.Series[bool]":
    return (judgments["judge"] == MAJORITY_JUDGE) & judgments["reason"].str.startswith(f"{TIE}:")


def _write_cells(table: pd.DataFrame, outputs: list[Path]) -> None:
    cells = {path: (path.parent.parent.name, *pair_of(path)) for path in outputs}
    found = set(table[["judge", "model", "variant"]].itertuples(index=False, name=None))
    missing = sorted(found - set(cells.values()))
    if missing:
        raise DataError(f"annotations: no output is planned for the labels of {'/'.join(missing[0])}")
    for path, (judge, model, variant) in cells.items():
        chosen = (table["judge"] == judge) & (table["model"] == model) & (table["variant"] == variant)
        write_table(path, table.loc[chosen, COLUMNS])
