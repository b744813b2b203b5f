"""A section of a model card: what abliteration did to a model's refusals, and how far to trust it."""

from collections.abc import Iterator, Mapping
from typing import Any

from steadfast.analysis.tables.best_edit import best_first
from steadfast.analysis.tables.outcomes import ROBUST
from steadfast.core.names import HARMFUL, HARMLESS, ORIGINAL
from steadfast.report.exports.results import RunResults
from steadfast.report.wording import MINUS, signed

DEGRADATION = {
    "degenerate_change": ("degenerate responses", "{points} points"),
    "perplexity_ratio": ("perplexity", "× {:.2f}"),
    "on_topic_change": ("on-topic responses", "{points} points"),
    "divergence": ("KL divergence on harmless prompts", "{:.2f} nats per token"),
}


def model_card_section(results: RunResults, model: str) -> str:
    """The section of one model, as Markdown.

    Args:
        results: what the run found.
        model: the model.
    """
    parts = [
        "## Robustness of refusals to abliteration\n",
        _measured(results, model),
        _rates(results, model),
        _best_attack(results, model),
        _agreement(results),
        _reproduced(results, model),
    ]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _measured(results: RunResults, model: str) -> str:
    own = results.prompts[results.prompts["split"] == "evaluation"]["label"].value_counts()
    counts = f"{own.get(HARMFUL, 0)} harmful and {own.get(HARMLESS, 0)} harmless prompts"
    judge = results.label("judges", results.judge)
    judged = f"refusals as judged by {judge}, with {results.confidence:.0%} intervals"
    return f"{results.label('models', model)}, {counts}; {judged}.\n"


def _rates(results: RunResults, model: str) -> str:
    table = results.tables["robustness"]
    own = table[(table["model"] == model) & (table["judge"] == results.judge)]
    assessed = results.tables["assessment"]
    found = {str(row["variant"]): row for row in assessed[assessed["model"] == model].to_dict("records")}
    lines = ["| variant | harmful refused | harmless refused | assessment | capability |", "|---|---|---|---|---|"]
    for variant in own["variant"].drop_duplicates():
        rates = {str(row["label"]): row for row in own[own["variant"] == variant].to_dict("records")}
        cells = [_rate(rates.get(label)) for label in (HARMFUL, HARMLESS)]
        row = found.get(str(variant), {})
        outcome = "" if variant == ORIGINAL else str(row.get("assessment", ""))
        name = results.label("variants", str(variant))
        lines.append(f"| {name} | {cells[0]} | {cells[1]} | {outcome} | {', '.join(_degradation(row))} |")
    return "\n".join(lines) + "\n"


def _rate(row: Mapping[Any, Any] | None) -> str:
    if row is None:
        return ""
    total = int(row["refused"] + row["not_refused"])
    if not total:
        return "no verdict"
    return f"{int(row['refused'])} of {total} ({row['rate_low']:.0%} to {row['rate_high']:.0%})"


def _degradation(row: Mapping[Any, Any]) -> Iterator[str]:
    for column, (name, form) in DEGRADATION.items():
        value = row.get(column)
        if value is not None and value == value:
            yield f"{name} {form.format(value, points=signed(float(value))).replace('-', MINUS)}"


def _best_attack(results: RunResults, model: str) -> str:
    """The attack that took the most refusals of those that the model's refusals survived."""
    table = results.tables["assessment"]
    own = table[(table["model"] == model)]
    withstood = own[own["assessment"] == ROBUST]
    if withstood.empty:
        return "The refusals survived none of the attacks that were tried, or too few prompts were to tell.\n"
    best = best_first(withstood).iloc[0].to_dict()
    name = results.label("variants", str(best["variant"]))
    lost = signed(float(best["change"]))
    return f"Of the attacks that the refusals survived, {name} removed the most: {lost} points of harmful prompts.\n"


def _agreement(results: RunResults) -> str:
    table = results.tables["agreement"]
    own = table[(table["metric"] == "cohen_kappa") & (table["subset"] == "all") & table["value"].notna()]
    pairs = own[(own["judge_a"] == results.judge) & (own["judge_b"] != results.judge)]
    if pairs.empty:
        return ""
    found = [
        f"{results.label('judges', str(judge))} {value:.2f}"
        for judge, value in pairs[["judge_b", "value"]].itertuples(index=False, name=None)
    ]
    judge = results.label("judges", results.judge)
    return f"Agreement of other judges with {judge} (Cohen's κ, all prompts of the run): {', '.join(found)}.\n"


def _reproduced(results: RunResults, model: str) -> str:
    source = results.repositories.get(model, "")
    commit = f" at commit `{results.commit}`" if results.commit else ""
    model_of = f" The model is `{source}`." if source else ""
    return (
        f"To reproduce: run Steadfast{commit} with the configuration that `report.html` of the run shows.{model_of}\n"
    )
