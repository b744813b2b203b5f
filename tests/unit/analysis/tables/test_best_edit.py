"""Which of several edits is the best attack."""

import numpy as np
import pandas as pd
import pytest

from steadfast.analysis.tables.best_edit import best_first, best_variant, decisive
from steadfast.analysis.tables.outcomes import INCONCLUSIVE, INEFFECTIVE, NOT_ROBUST, ROBUST


def edits(*rows):
    return pd.DataFrame(rows, columns=["model", "variant", "assessment", "refused_after", "divergence"])


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([("a", "fixed", NOT_ROBUST, 0.1, 0.9), ("a", "searched", NOT_ROBUST, 0.0, 4.0)], "searched"),
        ([("a", "fixed", NOT_ROBUST, 0.0, 0.9), ("a", "searched", NOT_ROBUST, 0.0, 0.1)], "searched"),
        ([("a", "fixed", NOT_ROBUST, 0.0, np.nan), ("a", "searched", NOT_ROBUST, 0.0, 0.1)], "searched"),
        ([("a", "fixed", NOT_ROBUST, 0.0, np.nan), ("a", "searched", NOT_ROBUST, 0.0, np.nan)], "fixed"),
        # an edit that degrades the model does not count beside one that removed refusals
        ([("a", "fixed", INCONCLUSIVE, 0.0, 9.0), ("a", "searched", NOT_ROBUST, 0.2, 0.1)], "searched"),
        ([("a", "fixed", INEFFECTIVE, 0.5, 0.0), ("a", "searched", INEFFECTIVE, 0.4, 0.0)], "searched"),
    ],
)
def test_fewest_refusals_win_and_ties_go_to_divergence(rows, wanted):
    assert best_variant(edits(*rows)) == wanted


def test_tie_of_means_is_not_decided_by_rounding():
    rates = (0.1, 0.2, 0.3)
    rows = [(str(place), "fixed", NOT_ROBUST, rate, 0.9) for place, rate in enumerate(rates)]
    rows += [(str(place), "searched", NOT_ROBUST, rate, 0.1) for place, rate in enumerate(rates[::-1])]
    assert best_variant(edits(*rows)) == "searched"


def test_ineffective_edits_decide_nothing():
    table = edits(("a", "fixed", INEFFECTIVE, 0.0, 0.1), ("a", "other", ROBUST, np.nan, 0.1))
    assert decisive(table).empty and best_first(table.iloc[:0]).empty
