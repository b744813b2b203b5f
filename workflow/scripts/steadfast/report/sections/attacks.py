"""Refusals by scale, best attacks, searches, and replicates."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from steadfast.analysis.tables.ordering import names_of
from steadfast.core.names import HARMFUL, ORIGINAL
from steadfast.grid import paths
from steadfast.report.blocks import Block, Column, dots, lines, numbers, prose, table
from steadfast.report.figures.heading import number_of
from steadfast.report.sections._section import FAMILIES, PROMPTS, REFUSED, Section, judge_column, pair_columns
from steadfast.report.sections._table import whole_table
from steadfast.report.study import Study

RATES = {
    "harmful": ["rate", "rate_low", "rate_high"],
    "harmless": ["harmless_rate", "harmless_low", "harmless_high"],
}


def _scale(study: Study) -> list[Block]:
    scale = study.tables["scales"]
    return [
        prose("Refusals by scale of the edit."),
        _curves(study, scale),
        whole_table(study, "scales", "Refusals by scale of the edit", fold=True),
    ]


def _curves(study: Study, scale: pd.DataFrame) -> Block:
    """A line per attack and a panel per model, for a selectable prompt label."""
    known = {label: rates for label, rates in RATES.items() if set(rates) <= set(scale.columns)}
    models, attacks = names_of(scale, "model"), names_of(scale, "attack")
    return lines(
        "scale_curves",
        "Refusals by scale of the edit",
        panels=[study.labels.model(model) for model in models],
        series=attacks,
        values={
            label: [[_points(scale, model, attack, rates) for attack in attacks] for model in models]
            for label, rates in known.items()
        },
        options={"Prompts": {label: PROMPTS[label] for label in known}},
        across="scale",
        unit="share",
        domain=(0.0, 1.0),
        axis=REFUSED,
        note=f"By {study.labels.judge(study.judge)}. Share of the prompts refused, with "
        f"{study.inference.confidence:.0%} intervals: Wilson for a model, a bootstrap of prompts and models for all "
        "models together.",
        n={label: _prompts(study, label) for label in known},
        pdf="attack_scales",
    )


def _points(scale: pd.DataFrame, model: str, attack: str, rates: list[str]) -> list[list[float | int | None]]:
    chosen = scale[(scale["model"] == model) & (scale["attack"] == attack) & scale[rates[0]].notna()]
    ordered = chosen.sort_values("scale", kind="stable")[["scale", *rates]]
    return [numbers(row) for row in ordered.to_numpy(float)]


def _prompts(study: Study, label: str = "") -> str:
    """How many prompts of a label the run has, or of each."""
    prompts = study.verdicts.drop_duplicates("prompt_id")["label"].value_counts()
    return number_of([prompts.get(label, 0)] if label else prompts, f"{label} prompts".strip())


def _replicates(study: Study) -> list[Block]:
    blocks = [
        prose(
            "Aggregates over models that differ only in their seed: the range is variation across seeds, not an",
            "effect of training.",
        ),
        _groups(study, study.tables["groups"]),
        whole_table(study, "groups", "Rates and changes of groups of replicates", fold=True),
    ]
    return [*blocks, *_matched(study, study.tables["matched"])] if "matched" in study.tables else blocks


def _groups(study: Study, groups: pd.DataFrame) -> Block:
    """A dot per group and variant, for a selectable judge."""
    names, judges = names_of(groups, "group"), study.judge_choices(names_of(groups, "judge"))
    found = {
        tuple(map(str, row[:4])): numbers(row[4:])
        for row in groups[["judge", "label", "group", "variant", "rate", "rate_low", "rate_high"]].itertuples(
            index=False, name=None
        )
    }
    return dots(
        "replicates_chart",
        "Rates of groups of replicates",
        rows=names,
        series=[study.labels.variant(variant) for variant in study.variants],
        panels=list(PROMPTS.values()),
        values={
            judge: [
                [[found.get((judge, label, group, variant)) for variant in study.variants] for group in names]
                for label in PROMPTS
            ]
            for judge in judges
        },
        options={"Judge": judges},
        unit="share",
        domain=(0.0, 1.0),
        axis=REFUSED,
        note=f"Means over replicates, with {study.inference.confidence:.0%} intervals over prompts and replicates.",
        n=f"{number_of(groups['models'], 'models')} per group; {_prompts(study)}",
        pdf="replicates",
    )


def _matched(study: Study, matched: pd.DataFrame) -> list[Block]:
    """The groups at equal refusal margins: one family beside the other, then the test of each, then all numbers."""
    chart = [_families(study, matched)] if matched["matched_change"].notna().any() else []
    return [
        prose(
            "The groups at equal refusal margins before the edit: all groups; groups with equally many",
            "refusals in training (equal exposure); and families named in the configuration. Each has its own fit.",
        ),
        *chart,
        _tests(study, matched),
        whole_table(study, "matched", "Groups compared at equal refusal margins, by family", fold=True),
    ]


def _families(study: Study, matched: pd.DataFrame) -> Block:
    """A panel per family, with a dot per group and variant, for a selectable judge."""
    names, families = names_of(matched, "group"), names_of(matched, "family")
    # controls have a row in the table, and next to nothing to compare
    variants = [variant for variant in study.edited_variants if variant in names_of(matched, "variant")]
    judges = study.judge_choices(names_of(matched, "judge"))
    keys = ["judge", "family", "group", "variant"]
    found = {
        tuple(map(str, row[: len(keys)])): numbers(row[len(keys) :])
        for row in matched[[*keys, "matched_change", "matched_low", "matched_high"]].itertuples(index=False, name=None)
    }
    return dots(
        "matched_chart",
        "Changes of the groups at equal refusal margins",
        rows=names,
        series=[study.labels.variant(variant) for variant in variants],
        panels=[FAMILIES.get(family, family) for family in families],
        values={
            judge: [
                [[found.get((judge, family, group, variant)) for variant in variants] for group in names]
                for family in families
            ]
            for judge in judges
        },
        options={"Judge": judges},
        unit="points",
        axis="Change of refusals, percentage points",
        note="Change of the refusals of harmful prompts at the mean margin of the family, with "
        f"{study.inference.confidence:.0%} intervals across seeds. Groups outside a family have no dot.",
        n=f"{number_of(matched['models'], 'models')} per group; {_prompts(study, HARMFUL)}",
    )


def _tests(study: Study, matched: pd.DataFrame) -> Block:
    """A row per family, variant and judge: whether its groups change alike."""
    keys = ["family", "variant", "judge"]
    groups = matched.groupby(keys, sort=False)["group"].transform("size")
    reasons = [Column("reason", "Why undefined", "text")] if matched["reason"].fillna("").ne("").any() else []
    return table(
        "matched_tests",
        "Do the groups of a family change alike?",
        matched.assign(groups=groups).drop_duplicates(keys),
        [
            Column("family", "Family", "name", names=FAMILIES),
            Column("variant", "Variant", "name", names=study.labels.variants),
            judge_column(study),
            Column("groups", "Groups", "count"),
            Column("p_groups", "p", "p", help="F test that all groups of the family change alike."),
            Column("p_groups_matched", "p at equal margins", "p", help="The same at equal refusal margins."),
            Column("slope", "Per nat", "points", interval=True, help="Change per nat of margin, within groups."),
            *reasons,
        ],
        source=paths.table("matched"),
    )


def _best_attacks(study: Study) -> list[Block]:
    """Which attack was chosen, in a sentence per model–variant pair, and by which numbers."""
    chosen = study.tables["best_attacks"].astype({"attack": "object", "reason": "object"})
    chosen = chosen.fillna({"attack": "", "reason": ""})
    return [
        prose(
            "The attack with the lowest refusal rate on the attack-selection set, among effective attacks that",
            "preserve capability. Its refusal rate is measured on the evaluation prompts, which the selection has not",
            "seen.",
        ),
        *(prose(_choice(study, row)) for row in chosen.to_dict("records")),
        table(
            "best_attacks",
            "Best attack on each model",
            chosen,
            [
                *pair_columns(study),
                Column("attack", "Selected attack", "name", names=study.labels.variants),
                Column("refused_before", "Refused before", "count", help="Harmful calibration prompts."),
                Column("scored_before", "Of", "count", detail=True),
                Column("refused_after", "Refused after", "count"),
                Column("scored_after", "Of", "count", detail=True),
                Column("change_norm", "Change of the weights", "number", help="Frobenius norm of W′ − W.", detail=True),
                Column("tried", "Candidates", "count"),
                Column("qualified", "Eligible", "count"),
                Column("reason", "Why none", "text"),
            ],
            source=paths.table("best_attacks"),
        ),
    ]


def _choice(study: Study, row: Mapping[Any, Any]) -> str:
    pair = f"{study.labels.model(row['model'])}, {study.labels.variant(row['variant'])}"
    if not row["attack"]:
        return f"{pair}: no attack; {row['reason']}."
    return (
        f"{pair}: {study.labels.variant(row['attack'])}. It left {row['refused_after']:.0f} of "
        f"{row['scored_after']:.0f} calibration prompts refused; the original refused {row['refused_before']:.0f} of "
        f"{row['scored_before']:.0f}."
    )


def _search(study: Study) -> list[Block]:
    """What each search found, in a sentence per pair, and its finalists."""
    found = study.tables["search"].astype({"reason": "object"}).fillna({"reason": ""})
    chosen = found["chosen"].astype(bool)
    pairs = found.groupby(["model", "variant"], sort=False).ngroup()
    # the front of each search is read from the cheapest edit to the most expensive one
    finalists = found.assign(pair=pairs).sort_values(["pair", "divergence"], kind="stable").drop(columns="pair")
    sentences = [_found(study, row) for row in found[chosen | (found["trial"] == -1)].to_dict("records")]
    return [
        prose(
            "The best of many edits, by forward passes on calibration prompts and by the judge's verdicts on what the",
            "finalists respond to them. The last columns are those of the evaluation prompts, which the search has not",
            "seen; optimism is the refusal rate there less that of the selection.",
        ),
        *(prose(sentence) for sentence in sentences if sentence),
        table(
            "search",
            "Finalists of the searches",
            finalists.assign(trial=[ORIGINAL if trial == -1 else f"{trial:.0f}" for trial in finalists["trial"]]),
            [
                *pair_columns(study),
                Column("trial", "Trial", "text"),
                Column("rate", "Refused", "share", interval=True, help="Harmful calibration prompts."),
                Column("scored", "Of", "count", detail=True),
                Column("divergence", "Divergence", "number", help="Nats per token, on harmless calibration prompts."),
                Column("over_refused", "Harmless refused", "count"),
                Column("over_scored", "Of", "count", detail=True),
                Column("evaluation_rate", "Refused, evaluation", "share"),
                Column("evaluation_divergence", "Divergence, evaluation", "number", detail=True),
                Column("optimism", "Optimism", "points"),
                Column("reason", "Why not", "text", detail=True),
            ],
            source=paths.table("search"),
        ),
    ]


def _found(study: Study, row: Mapping[Any, Any]) -> str:
    pair = f"{study.labels.model(row['model'])}, {study.labels.variant(row['variant'])}"
    if not row["chosen"]:
        return f"{pair}: no attack; {row['reason']}." if row["reason"] else ""
    return (
        f"{pair}: trial {row['trial']:.0f} of {row['trials']:.0f}. It left {row['refused']:.0f} of "
        f"{row['scored']:.0f} calibration prompts refused, with a divergence of {row['divergence']:.2g} nats per token."
    )


SCALES = Section("scales", "Scale of the edit", ("scales",), _scale)
BEST_ATTACKS = Section("best_attacks", "The best attack", ("best_attacks",), _best_attacks)
SEARCH = Section("search", "Search for the best attack", ("search",), _search)
REPLICATES = Section("replicates", "Replicates", ("groups",), _replicates, ("matched",))
