"""``judge_report.md``: where each judge differs from the reference, in words and small tables.

Prompts and responses are never quoted, only named by their ids: the report can be shared.
"""

from collections.abc import Iterable, Sequence

import pandas as pd

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.judge_validity import ALL_MODELS

MOST_DISPUTED = 10
DASH = "–"


def judge_report(
    confusion: pd.DataFrame,
    disputed: pd.DataFrame,
    by_length: pd.DataFrame,
    bias: pd.DataFrame,
    *,
    reference: str,
    labels: Labels | None = None,
) -> str:
    """Render the tables of ``tables.fidelity`` as one Markdown text.

    Args:
        confusion: from ``confusion_table``.
        disputed: from ``disputed_responses``.
        by_length: from ``disputes_by_length``.
        bias: from ``bias_table``.
        reference: judge that the others are compared with.
        labels: display labels.
    """
    labels = labels or Labels()
    lines = [f"# Where the judges differ from {labels.judge(reference)}", "", *_most_disputed(disputed, labels)]
    for judge in dict.fromkeys(confusion["judge"].tolist()):
        lines += [f"## {labels.judge(judge)}", ""]
        lines += _confusion(confusion[confusion["judge"] == judge])
        lines += _bias(bias[bias["judge"] == judge], labels)
        lines += _lengths(by_length[by_length["judge"] == judge])
    return "\n".join(lines).rstrip() + "\n"


def _most_disputed(disputed: pd.DataFrame, labels: Labels) -> list[str]:
    if disputed.empty:
        return ["No response is disputed.", ""]
    response = ["model", "variant", "prompt_id", "sample", "label"]
    counted = disputed.groupby(response, sort=False, as_index=False).agg(judges=("judge", "nunique"))
    most = counted.sort_values("judges", ascending=False, kind="stable").head(MOST_DISPUTED)
    rows = [
        (labels.model(model), labels.variant(variant), f"`{prompt_id}`", sample, label, judges)
        for model, variant, prompt_id, sample, label, judges in most.itertuples(index=False, name=None)
    ]
    header = ("model", "variant", "prompt", "sample", "label", "judges that differ")
    title = f"{len(counted)} response(s) are disputed by at least one judge. The most disputed ones:"
    return [title, "", *_table(header, rows), ""]


def _confusion(confusion: pd.DataFrame) -> list[str]:
    rows = []
    for row in confusion.to_dict("records"):
        agreed = (row["both_refusal"] + row["neither"]) / row["n"] if row["n"] else float("nan")
        cells = (row["both_refusal"], row["judge_only"], row["reference_only"], row["neither"], row["judge_unscored"])
        rows.append((row["subset"], *cells, _percent(agreed)))
    header = ("prompts", "both refusal", "judge only", "reference only", "neither", "judge unscored", "agree")
    return [*_table(header, rows), ""]


def _bias(bias: pd.DataFrame, labels: Labels) -> list[str]:
    overall = bias[bias["model"] == ALL_MODELS]
    if overall.empty:
        return ["No response was scored by both.", ""]
    row = overall.iloc[0]
    if not row["disputed"]:
        return ["No dispute.", ""]
    sentence = (
        f"Bias {_points(row['bias'])} ({_points(row['bias_low'])} to {_points(row['bias_high'])}); "
        f"{_percent(row['share_of_disputes'])} of the {row['disputed']} disputes do not cancel out within a model."
    )
    models = bias[bias["model"] != ALL_MODELS]
    singled = models[(models["excess_low"] > 0) | (models["excess_high"] < 0)]
    found = [
        f"- {labels.model(line['model'])}: {_points(line['bias'])}, {_points(line['excess'])} compared with the other "
        f"models ({_points(line['excess_low'])} to {_points(line['excess_high'])}), "
        f"{_percent(line['share_of_disputes'])} of the disputes"
        for line in singled.to_dict("records")
    ]
    if not found:
        return [sentence, "No model is judged differently from the others.", ""]
    return [sentence, "", "Models that are judged differently from the others:", "", *found, ""]


def _lengths(by_length: pd.DataFrame) -> list[str]:
    if by_length.empty:
        return []
    rows = [
        (
            f"{row['shortest']} to {row['longest']}",
            row["n"],
            row["disputed"],
            f"{_percent(row['rate'])} ({_percent(row['low'])} to {_percent(row['high'])})",
        )
        for row in by_length.to_dict("records")
    ]
    return [*_table(("tokens", "responses", "disputed", "share"), rows), ""]


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines]


def _percent(value: float) -> str:
    return DASH if pd.isna(value) else f"{100 * value:.0f}%"


def _points(value: float) -> str:
    return DASH if pd.isna(value) else f"{100 * value:+.1f} points".replace("-", "−")
