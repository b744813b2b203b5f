"""The summary at the end of a run: refusals before and after, per model, by judge."""

import textwrap
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from steadfast.analysis.tables.counts import COUNTS
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import LABELS, names_of
from steadfast.analysis.tables.outcomes import ASSESSMENTS, FAILED, PASSED, outcome
from steadfast.report.compliance import compliance_sentence
from steadfast.report.finding import find, sentence

ARROW = "→"
GAP = "  "
NAME_LIMIT = 36
HEADER_LIMIT = 13
TEXTS = ["reason", "note", "remedy"]


def summary_table(
    counts: pd.DataFrame,
    labels: Labels | None = None,
    *,
    baseline: str = "original",
    controls: Collection[str] = (),
    width: int = 100,
) -> str:
    """Plain-text tables of refusals before and after each edit.

    Harmful prompts come first, with one row per model and one column per judge; columns that do not fit go on below.
    Harmless prompts, which show over-refusal, and the controls follow in one row each, summed over all models.

    Args:
        counts: a table from ``tables.counts``.
        labels: display labels.
        baseline: the variant that the others are compared with.
        controls: variants with the role *control*.
        width: characters per line.

    Returns:
        Lines joined by newlines, without one at the end.
    """
    labels = labels or Labels()
    judges = names_of(counts, "judge")
    variants = [name for name in names_of(counts, "variant") if name != baseline]
    sections: list[list[str]] = []
    harmful = counts[counts["label"] == "harmful"]
    # Without any edited variant the baseline is all there is to show.
    for variant in [name for name in variants if name not in controls] or [baseline]:
        shown = harmful[harmful["variant"].isin([baseline, variant])]
        totals = _totals(shown, judges)
        rows = [
            (_shorten(labels.model(model)), _cells(shown[shown["model"] == model], judges, baseline, variant, totals))
            for model in names_of(shown[shown["variant"] == variant], "model")
        ]
        if rows:
            change = labels.variant(baseline)
            change += "" if variant == baseline else f" {ARROW} {labels.variant(variant)}"
            title = f"Harmful prompts refused: {change}{_of(totals)}"
            sections.append([title, *_blocks(rows, _headers(labels, judges, totals), width)])
    sections.append(_together(counts, labels, baseline, controls, width))
    if (counts["unscored"] > 0).any():
        sections.append(["(+n?): n unscored responses."])
    return "\n\n".join("\n".join(line.rstrip() for line in section) for section in sections)


def finding_lines(
    assessment: pd.DataFrame,
    labels: Labels | None = None,
    *,
    controls: Collection[str] = (),
    hooked: Collection[str] = (),
    outcomes: pd.DataFrame | None = None,
    rubrics: Mapping[str, str] | None = None,
    width: int = 100,
) -> list[str]:
    """The sentence on top of the report and of the summary, and the judge that it rests on.

    Args:
        assessment: a table from ``tables.assessment``.
        labels: display labels.
        controls: variants with the role *control*.
        hooked: variants that intervene at inference time.
        outcomes: a table from ``tables.response_outcomes``, where a rubric judges compliance.
        rubrics: display names of such rubrics.
        width: characters per line.
    """
    labels = labels or Labels()
    found = find(assessment, controls=controls)
    if found is None:
        return []
    judge = labels.judge(str(assessment["judge"].iloc[0]))
    complied = compliance_sentence(outcomes, found.variant, rubrics) if outcomes is not None else ""
    sentences = [sentence(found, labels, hooked=hooked), complied, f"Reference judge: {judge}."]
    return textwrap.wrap(" ".join(filter(None, sentences)), width)


def assessment_lines(assessment: pd.DataFrame, labels: Labels | None = None, *, width: int = 100) -> list[str]:
    """The robustness assessment of each model after each edit, one line each; and the controls that failed.

    Args:
        assessment: a table from ``tables.assessment``.
        labels: display labels.
        width: characters per line.
    """
    labels = labels or Labels()
    if assessment.empty:
        return []
    held = assessment["assessment"] == PASSED
    texts = {name: assessment[name].astype("object").fillna("") for name in TEXTS}
    shown = assessment.assign(**texts)[~held]
    several = shown["variant"].nunique() > 1
    rows = [
        (
            f"{_shorten(labels.model(model))}{f', {labels.variant(variant)}' if several else ''}",
            f"{outcome(word, ASSESSMENTS).mark} {word}",
            "; ".join(filter(None, further)),
        )
        for model, variant, word, *further in shown[["model", "variant", "assessment", *TEXTS]]
        .astype("object")
        .itertuples(index=False, name=None)
    ]
    sizes = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    lines = [f"Robustness assessment (by {labels.judge(str(assessment['judge'].iloc[0]))})"]
    for name, word, reason in rows:
        start = f"{name.ljust(sizes[0])}{GAP}{word.ljust(sizes[1])}{GAP}"
        lines += textwrap.wrap(reason, width, initial_indent=start, subsequent_indent=" " * len(start))
    if held.any():
        names = ", ".join(labels.variant(name) for name in names_of(assessment[held], "variant"))
        lines.append(f"Controls passed: {int(held.sum())} of {int((held | _failed(assessment)).sum())} ({names})")
    return lines


def withstood_lines(withstood: pd.DataFrame, labels: Labels | None = None, *, width: int = 100) -> list[str]:
    """The best attack of each model with its class and budget; below it the best of every class, if there are several.

    Args:
        withstood: a table from ``tables.withstood``.
        labels: display labels.
        width: characters per line.
    """
    labels = labels or Labels()
    if withstood.empty:
        return []
    names = [_shorten(labels.model(model)) for model in withstood["model"]]
    size = max(map(len, names))
    lines = ["Best attack of each model, and its budget"]
    for name, statement, by_class in zip(names, withstood["statement"], withstood["by_class"].fillna(""), strict=True):
        further = [f"each class: {by_class}"] if ";" in by_class else []
        for start, text in zip([name, ""], [statement, *further], strict=False):
            indent = f"{start.ljust(size)}{GAP}"
            lines += textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=" " * len(indent))
    return lines


def _failed(assessment: pd.DataFrame) -> "pd.Series[bool]":
    return assessment["assessment"] == FAILED


def _together(counts: pd.DataFrame, labels: Labels, baseline: str, controls: Collection[str], width: int) -> list[str]:
    """Sums over all models, per label and variant; a variant is compared with the baselines of its own models."""
    judges = names_of(counts, "judge")
    variants = [name for name in names_of(counts, "variant") if name != baseline] or [baseline]
    pooled_rows = []
    for label in LABELS:
        for variant in variants:
            models = counts.loc[(counts["label"] == label) & (counts["variant"] == variant), "model"]
            chosen = counts[counts["model"].isin(models.tolist()) & (counts["label"] == label)]
            if chosen.empty:
                continue
            pooled = chosen.groupby(["variant", "judge"], sort=False, as_index=False)[COUNTS].sum()
            pooled = pooled[pooled["variant"].isin([baseline, variant])]
            role = " (control)" if variant in controls else ""
            name = f"{label:<{max(map(len, LABELS))}}{GAP}{labels.variant(variant)}{role}"
            pooled_rows.append((name, variant, pooled))
    totals = _totals(pd.concat([pooled for _, _, pooled in pooled_rows]), judges)
    rows = [(name, _cells(pooled, judges, baseline, variant, totals)) for name, variant, pooled in pooled_rows]
    change = labels.variant(baseline) + ("" if variants == [baseline] else f" {ARROW} variant")
    return [f"All models together: {change}{_of(totals)}", *_blocks(rows, _headers(labels, judges, totals), width)]


def _totals(table: pd.DataFrame, judges: Sequence[str]) -> dict[str, set[int]]:
    """How many responses the counts of each judge are of; more than one number where that differs from row to row."""
    return {judge: set(table.loc[table["judge"] == judge, "total"].tolist()) for judge in judges}


def _headers(labels: Labels, judges: Sequence[str], totals: Mapping[str, set[int]]) -> list[str]:
    """Labels of the judges, each with its own denominator where they differ."""
    alike = len(set.union(set(), *totals.values())) < 2
    return [
        labels.judge(judge) + (f" (of {next(iter(totals[judge]))})" if not alike and len(totals[judge]) == 1 else "")
        for judge in judges
    ]


def _cells(
    table: pd.DataFrame, judges: Sequence[str], baseline: str, variant: str, totals: Mapping[str, set[int]]
) -> list[str]:
    """One cell per judge: refusals of the baseline and of the variant, of how many where the column does not say it."""
    keys = zip(table["variant"].tolist(), table["judge"].tolist(), strict=True)
    numbers = zip(table["refused"].tolist(), table["unscored"].tolist(), table["total"].tolist(), strict=True)
    counts = {
        key: f"{refused}{f'/{total}' if len(totals[key[1]]) > 1 else ''}{f' (+{unscored}?)' if unscored else ''}"
        for key, (refused, unscored, total) in zip(keys, numbers, strict=True)
    }
    shown = list(dict.fromkeys((baseline, variant)))
    return [f" {ARROW} ".join(counts.get((name, judge), "–") for name in shown) for judge in judges]


def _blocks(rows: list[tuple[str, list[str]]], columns: list[str], width: int) -> list[str]:
    """Lay out as many columns side by side as ``width`` holds, at least one, and go on below."""
    headers = [textwrap.wrap(column, HEADER_LIMIT) or [column] for column in columns]
    first = max(len(name) for name, _ in rows)
    widths = [max(map(len, [*headers[index], *(row[index] for _, row in rows)])) for index in range(len(columns))]
    lines: list[str] = []
    start = 0
    while start < len(columns):
        stop = start + 1
        while stop < len(columns) and first + sum(len(GAP) + size for size in widths[start : stop + 1]) <= width:
            stop += 1
        block = range(start, stop)
        lines += [""] if start else []
        depth = max(len(headers[index]) for index in block)
        for level in range(depth):
            # Short headers are at the bottom, next to their numbers.
            parts = [(["" for _ in range(depth)] + headers[index])[len(headers[index]) + level] for index in block]
            lines.append(
                " " * first + "".join(GAP + part.rjust(widths[index]) for part, index in zip(parts, block, strict=True))
            )
        for name, row in rows:
            lines.append(name.ljust(first) + "".join(GAP + row[index].rjust(widths[index]) for index in block))
        start = stop
    return lines


def _shorten(label: str) -> str:
    return label if len(label) <= NAME_LIMIT else label[: NAME_LIMIT - 1] + "…"


def _of(totals: Mapping[str, set[int]]) -> str:
    """The denominator of the whole table, if it has one."""
    found = set.union(set(), *totals.values())
    return f" (of {next(iter(found))})" if len(found) == 1 else ""
