"""``prompt_versions.csv``: how much a judge's rates depend on its prompt, compared with the sampling error.

The versions of a judge are replicates. Only responses that every version scored are compared.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.reliability import alpha_support, coincidences, krippendorff_alpha
from steadfast.analysis.tables.agreement import LEAST
from steadfast.analysis.tables.ordering import LABELS
from steadfast.core.errors import DataError
from steadfast.core.names import UNSCORED

RESPONSE = ["model", "variant", "prompt_id", "sample"]
COLUMNS = [
    "judge",
    "outcome",
    "model",
    "variant",
    "label",
    "versions",
    "responses",
    "unscored",
    "mean",
    "lowest",
    "highest",
    "spread",
    "standard_deviation",
    "sampling_error",
    "disputed",
    "krippendorff_alpha",
]
ALL = ""
DECIMALS = 6


def version_table(
    judgments: pd.DataFrame,
    versions: Mapping[str, Sequence[str]],
    counted: Mapping[str, str],
    *,
    controls: Collection[str] = (),
    least: int = LEAST,
) -> pd.DataFrame:
    """The spread of each judge's rates over its versions.

    Args:
        judgments: a row per judge and response, with the columns ``judge``, ``RESPONSE``, ``label`` (of the prompt) and
            ``verdict``.
        versions: versions of each judge, by judge.
        counted: the verdict whose share is the rate, by judge.
        controls: variants that are excluded from the rows over all pairs.
        least: minimum number of responses with and of responses without the counted verdict behind α.

    Returns:
        Columns ``COLUMNS``: a row per judge, model–variant pair and label of prompts, and one per label over all pairs,
        whose ``model`` and ``variant`` are empty. ``mean``, ``lowest`` and ``highest`` are of the rates of the
        versions, ``standard_deviation`` (by n − 1) as well; ``sampling_error`` is the standard error of the mean rate
        if responses were independent; ``disputed`` is the share of responses on which versions differ; ``unscored``
        counts responses that some version did not score.

    Raises:
        DataError: a judge has fewer than two versions.
    """
    rows = []
    for judge, names in versions.items():
        if len(names) < 2:
            raise DataError(f"{judge}: {len(names)} version; a spread needs two")
        chosen = judgments[judgments["judge"].isin(list(names))]
        for pair, label, part in _parts(chosen, controls):
            rows.append((judge, counted[judge], *pair, label, *_spread(part, names, counted[judge], least)))
    return pd.DataFrame(rows, columns=COLUMNS).round(DECIMALS)


def _parts(judgments: pd.DataFrame, controls: Collection[str]) -> Iterator[tuple[tuple[str, str], str, pd.DataFrame]]:
    """Pair, label and judgments of every row; rows over all pairs come first."""
    studied = judgments[~judgments["variant"].isin(list(controls))]
    for label in LABELS:
        part = studied[studied["label"] == label]
        if len(part):
            yield (ALL, ALL), label, part
    for (model, variant), of_pair in judgments.groupby(["model", "variant"], sort=False):
        for label in LABELS:
            part = of_pair[of_pair["label"] == label]
            if len(part):
                yield (str(model), str(variant)), label, part


def _spread(judgments: pd.DataFrame, names: Sequence[str], counted: str, least: int) -> tuple[float, ...]:
    words = judgments.pivot(index=RESPONSE, columns="judge", values="verdict").reindex(columns=list(names))
    scored = words[(words.notna() & (words != UNSCORED)).all(axis=1)]
    refused: NDArray[np.float64] = (scored == counted).to_numpy(np.float64)
    number, unscored = len(refused), len(words) - len(refused)
    if not number:
        return (len(names), 0, unscored, *[float("nan")] * 8)
    rates, yes = refused.mean(axis=0), refused.sum(axis=1)
    mean, low, high = float(rates.mean()), float(rates.min()), float(rates.max())
    disputed = float(((yes > 0) & (yes < len(names))).mean())
    no = len(names) - yes
    enough = alpha_support(yes, no) >= least
    alpha = float(krippendorff_alpha(coincidences(yes, no).sum(axis=0))) if enough else float("nan")
    error = float(np.sqrt(mean * (1 - mean) / number))
    return (len(names), number, unscored, mean, low, high, high - low, float(rates.std(ddof=1)), error, disputed, alpha)
