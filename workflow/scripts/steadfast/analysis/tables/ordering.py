"""Row order of all tables: the order of the configuration, or of an imported file."""

import pandas as pd

LABELS = ("harmful", "harmless")


def sort_by_appearance(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Sort rows by ``columns``, each ranked by first appearance; ``label`` is always harmful, then harmless.

    A table with parts appended later gets the same order as one built at once.
    """
    ranks = {}
    for column in columns:
        names = LABELS if column == "label" else list(dict.fromkeys(table[column].tolist()))
        ranks[column] = table[column].map({name: rank for rank, name in enumerate(names)})
    order = pd.DataFrame(ranks, index=table.index).sort_values(columns, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def names_of(table: pd.DataFrame, column: str) -> list[str]:
    """Distinct values of a column in the order of their first appearance."""
    return [str(name) for name in dict.fromkeys(table[column].tolist())]
