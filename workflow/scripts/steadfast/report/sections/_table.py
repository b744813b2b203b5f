"""A table of the results shown whole, its columns read from their names and types."""

from typing import Any

import pandas as pd

from steadfast.grid import paths
from steadfast.report.blocks import Block, Column, Kind, table
from steadfast.report.sections._section import FAMILIES, SUBSETS
from steadfast.report.study import Study

BOUNDS = ("_low", "_high")
FEW_NAMES = 40
REMARKS = ("reason", "note")
TERMS = {
    "accuracy": "raw agreement",
    "auroc": "AUROC",
    "cohen_kappa": "Cohen’s κ",
    "krippendorff_alpha": "Krippendorff’s α",
    "f1": "F1",
    "fleiss_kappa": "Fleiss’ κ",
    "mcc": "Matthews correlation",
    "own": "own responses",
    "others": "control responses",
}
"""Keys of the tables whose words are not the key's own."""
HEADINGS = {
    **TERMS,
    "kappa_with_others": "Cohen’s κ with the others",
    "label": "Prompts",
    "n": "n",
    "others": "Others",
    "p_groups": "p",
    "p_groups_matched": "p at equal margins",
    "p_holm": "p (Holm)",
    "subset": "Prompts",
    "tau": "Kendall’s τ",
}
"""The same above a column."""


def whole_table(study: Study, name: str, caption: str, *, fold: bool = False) -> Block:
    """A table by its name in the results."""
    data = study.tables[name]
    return table(name, caption, data, columns_of(study, data), source=paths.table(name), fold=fold)


def columns_of(study: Study, data: pd.DataFrame) -> list[Column]:
    """One column each; ``X_low`` and ``X_high`` become the interval of ``X``, ``low`` and ``high`` of ``value``."""
    names = list(map(str, data.columns))
    labels = {
        "model": study.labels.models,
        "variant": study.labels.variants,
        "judge": study.labels.judges,
        "member": study.labels.judges,
        "label": SUBSETS,
        "subset": SUBSETS,
        "family": FAMILIES,
    }
    columns = []
    for key in names:
        if (
            data[key].isna().all()
            or key in ("low", "high")
            or (key.endswith(BOUNDS) and key.rpartition("_")[0] in names)
        ):
            continue
        shown = next((found for part, found in labels.items() if key == part or key.startswith(f"{part}_")), None)
        kind = _kind(key, data[key])
        # what is a key in the file is read as words
        if key == "annotators":
            shown = {str(name): _pair(study, str(name)) for name in data[key].unique()}
        words = {str(name): TERMS.get(str(name), str(name).replace("_", " ")) for name in data[key].dropna().unique()}
        bounds = ("low", "high") if key in ("value", "tau") and {"low", "high"} <= set(names) else ("", "")
        columns.append(
            Column(
                key,
                HEADINGS.get(key, key.replace("_", " ").capitalize()),
                "name" if shown is not None else kind,
                interval=f"{key}_low" in names,
                names=words if shown is None and kind == "name" else shown,
                low=bounds[0],
                high=bounds[1],
            )
        )
    return columns


def _pair(study: Study, names: str) -> str:
    """Labels of the annotators of a row, which their names are joined for in the table."""
    return " and ".join(study.labels.judge(name) for name in names.split(" & ")) if names != "all" else "All annotators"


def _kind(key: str, values: "pd.Series[Any]") -> Kind:
    if key in REMARKS:
        return "text"
    if pd.api.types.is_bool_dtype(values):
        return "flag"
    if pd.api.types.is_integer_dtype(values):
        return "count"
    if pd.api.types.is_numeric_dtype(values):
        return "number"
    return "name" if values.nunique() <= FEW_NAMES else "text"
