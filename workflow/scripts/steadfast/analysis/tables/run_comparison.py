"""``run_comparison.csv``: changes between two runs, for every model, variant and judge in both.

Runs are compared like two variants of a model: prompt by prompt, with the same intervals and exact tests. Prompts are
matched by id, which is a hash of their text.
"""

from collections.abc import Mapping

import pandas as pd

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.counts import KEYS
from steadfast.analysis.tables.robustness import robustness_from_counts, robustness_table
from steadfast.core.errors import DataError

FIRST, SECOND = "first", "second"
RESPONSE = ["model", "variant", "prompt_id", "sample"]
COUNTS = ["refused", "not_refused", "unscored", "rate"]
CHANGES = ["comparison", "pairs", "gained", "lost", "change", "change_low", "change_high", "interval", "p", "p_holm"]
COLUMNS = [
    *KEYS,
    *(f"{column}_{run}" for run in (FIRST, SECOND) for column in COUNTS),
    *CHANGES,
    "responses",
    "identical",
]
SEPARATOR = "\x1f"


def compare_runs(
    first: pd.DataFrame,
    second: pd.DataFrame,
    responses: tuple[pd.DataFrame, pd.DataFrame],
    inference: Inference,
) -> pd.DataFrame:
    """Compare the refusals and the responses of two runs.

    Args:
        first: verdicts of the first run, a table from ``steadfast.analysis.tables.collect``.
        second: verdicts of the second run.
        responses: responses of both runs, columns ``RESPONSE`` and ``response``.
        inference: settings of the intervals.

    Returns:
        Columns ``COLUMNS``, in the order of the first run. ``change`` is the second run's refusal rate minus the
        first's: paired if the runs have prompts in common, otherwise unpaired. ``identical`` is the share of
        ``responses`` to common prompts that are exactly equal.

    Raises:
        DataError: the runs have no model, variant and judge in common.
    """
    keys = [list(map(tuple, verdicts[KEYS].drop_duplicates().to_numpy())) for verdicts in (first, second)]
    common = [key for key in keys[0] if key in set(keys[1])]
    if not common:
        raise DataError("the two runs have no model, variant and judge in common")
    wanted = pd.DataFrame(common, columns=KEYS)
    stacked = pd.concat(
        [_as_variant(verdicts.merge(wanted, on=KEYS), run) for verdicts, run in ((first, FIRST), (second, SECOND))],
        ignore_index=True,
    )
    table = robustness_table(stacked, baseline=FIRST, inference=inference)
    after = table[table["variant"] == SECOND]
    if (after["comparison"] == "").any():
        table = _unpaired(table, inference)
        after = table[table["variant"] == SECOND]
    keys_of_model = ["model", "judge", "label"]
    both = table[table["variant"] == FIRST][[*keys_of_model, *COUNTS]].merge(
        after[[*keys_of_model, *COUNTS, *CHANGES]], on=keys_of_model, suffixes=(f"_{FIRST}", f"_{SECOND}")
    )
    both[["model", "variant"]] = both["model"].str.split(SEPARATOR, expand=True)
    return both.merge(_identical(*responses), on=["model", "variant"], how="left").reindex(columns=COLUMNS)


def only_in(first: pd.DataFrame, second: pd.DataFrame) -> dict[str, list[str]]:
    """Models, variants and judges of the first run that the second lacks."""
    return {
        key: [str(name) for name in first[key].unique() if name not in set(second[key])]
        for key in ("model", "variant", "judge")
    }


def _as_variant(verdicts: pd.DataFrame, run: str) -> pd.DataFrame:
    """Verdicts of a run as those of a variant, with each model–variant pair as a model."""
    pair = verdicts["model"].astype(str) + SEPARATOR + verdicts["variant"].astype(str)
    return verdicts.assign(model=pair, variant=run)


def _unpaired(table: pd.DataFrame, inference: Inference) -> pd.DataFrame:
    """The same table with unpaired changes for runs without common prompts."""
    counts = table[[*KEYS, "refused", "not_refused", "unscored", "total"]]
    unpaired = robustness_from_counts(counts, baseline=FIRST, confidence=inference.confidence)
    missing = (table["comparison"] == "") & (table["variant"] == SECOND)
    rows = table.loc[missing, KEYS].merge(unpaired, on=KEYS)
    return pd.concat([table[~missing], rows.reindex(columns=table.columns)], ignore_index=True)


def _identical(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    joined = first.merge(second, on=RESPONSE, suffixes=(f"_{FIRST}", f"_{SECOND}"))
    same = joined[f"response_{FIRST}"] == joined[f"response_{SECOND}"]
    grouped = joined.assign(identical=same.astype(float)).groupby(["model", "variant"], sort=False)["identical"]
    return grouped.agg(responses="size", identical="mean").reset_index()


def responses_of(tables: Mapping[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """Response tables by model and variant as one table with the columns that ``compare_runs`` reads."""
    frames = [
        table[["prompt_id", "sample", "response"]].assign(model=model, variant=variant)
        for (model, variant), table in tables.items()
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*RESPONSE, "response"])
