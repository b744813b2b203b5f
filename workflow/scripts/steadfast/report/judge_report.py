"""``judge_report.md``: where each judge differs from the reference, in words and small tables.

Prompts are quoted by their beginning, responses never: the report can be shared.
"""

import math
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.judge_validity import ALL_MODELS
from steadfast.analysis.tables.ordering import names_of
from steadfast.report.wording import Estimate, markdown, points

MOST_DISPUTED = 10
QUOTED = 90
"""Characters of a prompt that are quoted."""
DASH = "–"


def judge_report(
    confusion: pd.DataFrame,
    disputed: pd.DataFrame,
    by_length: pd.DataFrame,
    bias: pd.DataFrame,
    *,
    reference: str,
    labels: Labels | None = None,
    prompts: pd.DataFrame | None = None,
    compared: Mapping[str, int] | None = None,
    baselines: Collection[str] = (),
    related: Collection[str] = (),
) -> str:
    """Render the tables of ``tables.judge_validity`` as one Markdown text.

    Args:
        confusion: from ``confusion_table``.
        disputed: from ``disputed_responses``.
        by_length: from ``disputes_by_length``.
        bias: from ``bias_table``.
        reference: what the judges are compared with: the human labels or the reference judge.
        labels: display labels.
        prompts: the prompt table; without it prompts are named by their ids alone.
        compared: how many responses to each prompt were compared, from ``compared_responses``.
        baselines: judges that do not read the response, whose differences are no disputes.
        related: judges that are left out, as parts of the reference or because it is a part of them.
    """
    labels = labels or Labels()
    readers = confusion[~confusion["judge"].isin(list(baselines)) & (confusion["subset"] == "all")]
    total = sum(compared.values()) if compared else int(readers["n"].max()) if len(readers) else 0
    lines = [f"# Where the judges differ from {labels.judge(reference)}", ""]
    lines += [f"Compared on up to {total:,} responses scored by both; responses of controls are left out.", ""]
    if related:
        names = ", ".join(map(labels.judge, related))
        lines += [f"Not compared, since {labels.judge(reference)} shares votes with them: {names}.", ""]
    counted = disputed[~disputed["judge"].isin(list(baselines))]
    lines += _most_disputed(counted, labels, prompts, total, compared or {})
    for judge in dict.fromkeys(confusion["judge"].tolist()):
        lines += [f"## {labels.judge(judge)}", ""]
        lines += _confusion(confusion[confusion["judge"] == judge])
        lines += _bias(bias[bias["judge"] == judge], labels)
        lines += _lengths(by_length[by_length["judge"] == judge])
    return "\n".join(lines).rstrip() + "\n"


def _most_disputed(
    disputed: pd.DataFrame, labels: Labels, prompts: pd.DataFrame | None, total: int, compared: Mapping[str, int]
) -> list[str]:
    """A row per prompt: one that is disputed in every variant is one finding and not ten."""
    if disputed.empty:
        return ["No response is disputed by a judge that reads it.", ""]
    response = ["model", "variant", "prompt_id", "sample"]
    number = len(disputed.drop_duplicates(response))
    rows = []
    for (prompt_id, label), chosen in disputed.groupby(["prompt_id", "label"], sort=False):
        judges = names_of(chosen, "judge")
        rows.append((len(judges), len(chosen.drop_duplicates(response)), str(prompt_id), str(label), judges))
    rows.sort(key=lambda row: row[:2], reverse=True)
    texts = {} if prompts is None else dict(zip(prompts["prompt_id"], prompts["text"].map(_beginning), strict=True))

    def _of(number: int, prompt_id: str) -> str:
        return f"{number} of {compared[prompt_id]}" if prompt_id in compared else str(number)

    cells = [
        (
            texts.get(prompt_id, ""),
            f"`{prompt_id}`",
            label,
            _of(responses, prompt_id),
            ", ".join(map(labels.judge, judges)),
        )
        for _, responses, prompt_id, label, judges in rows[:MOST_DISPUTED]
    ]
    title = (
        f"{number:,} of {max(total, number):,} responses are disputed by at least one judge that reads them, to "
        f"{len(rows):,} {'prompt' if len(rows) == 1 else 'prompts'}. The most disputed:"
    )
    header = ("prompt", "id", "label", "responses disputed", "judges that differ")
    return [title, "", *_table(header, cells), ""]


def _beginning(text: str) -> str:
    """The beginning of a prompt on one line; prompts come from data sets of others."""
    return markdown(textwrap.shorten(str(text), QUOTED, placeholder="…"))


def _confusion(confusion: pd.DataFrame) -> list[str]:
    rows = []
    for row in confusion.to_dict("records"):
        agreed = (row["both_refusal"] + row["neither"]) / row["n"] if row["n"] else float("nan")
        cells = (row["both_refusal"], row["judge_only"], row["reference_only"], row["neither"], row["judge_unscored"])
        rows.append((row["subset"], *cells, _percent(agreed)))
    header = ("prompts", "both refusal", "judge only", "reference only", "neither", "judge unscored", "raw agreement")
    return [*_table(header, rows), ""]


def _bias(bias: pd.DataFrame, labels: Labels) -> list[str]:
    overall = bias[bias["model"] == ALL_MODELS]
    if overall.empty:
        return ["No response was scored by both.", ""]
    row = overall.to_dict("records")[0]
    if not row["disputed"]:
        return ["No dispute.", ""]
    sentence = (
        f"Bias {_points(row, 'bias')}; {_percent(row['share_of_disputes'])} of the {row['disputed']} "
        f"{'dispute does' if row['disputed'] == 1 else 'disputes do'} not cancel out within a model."
    )
    models = bias[bias["model"] != ALL_MODELS]
    singled = models[(models["excess_low"] > 0) | (models["excess_high"] < 0)]
    found = [
        f"- {labels.model(line['model'])}: {_points(line, 'bias')}; compared with the other models "
        f"{_points(line, 'excess')}; {_percent(line['share_of_disputes'])} of the disputes"
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
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


def _percent(value: float) -> str:
    return DASH if pd.isna(value) else f"{100 * value:.0f}%"


def _points(row: Mapping[Any, Any], key: str) -> str:
    """A difference with its interval, from ``key``, ``{key}_low`` and ``{key}_high``; ``–`` if undefined."""
    if pd.isna(row[key]):
        return DASH
    return points(Estimate(*(float(row.get(name, math.nan)) for name in (key, f"{key}_low", f"{key}_high"))))
