"""Labels of a judge in the place of people's, to try the way from labels to corrected rates without an annotator.

    PYTHONPATH=workflow/scripts python -m steadfast.judges.annotation.stand_in grammar labels.csv

The annotator's name says what the labels are, so that no table or figure can be mistaken for one of people's.
"""

import argparse
from pathlib import Path

import pandas as pd

from steadfast.core.files import read_table, write_table
from steadfast.core.names import UNSCORED
from steadfast.judges.annotation.annotators import judge_name

RESULTS = Path("results")
SELECTION = ["model", "variant", "prompt_id", "sample"]


def stand_in_labels(key: pd.DataFrame, verdicts: pd.DataFrame, judge: str) -> pd.DataFrame:
    """The verdicts of a judge on the responses that an annotation page shows, as a table of labels.

    Args:
        key: the page's key: ``SELECTION`` and ``selected``.
        verdicts: a table as ``tables.verdicts`` makes it.
        judge: the judge in question.

    Returns:
        Columns annotator, model, variant, prompt_id, sample, verdict; unscored responses are ``unsure``.
    """
    shown = key.loc[key["selected"], SELECTION]
    found = shown.merge(verdicts[verdicts["judge"] == judge], on=SELECTION)
    return found[SELECTION].assign(
        annotator=f"stand-in-{judge}", verdict=found["verdict"].where(found["verdict"] != UNSCORED, "unsure")
    )


def main() -> None:
    """Write the labels of one judge on the current results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", help="name of the judge whose verdicts replace human labels")
    parser.add_argument("output", type=Path, help="CSV file to write")
    arguments = parser.parse_args()
    key = read_table(RESULTS / "annotation" / "key.parquet")
    verdicts = read_table(RESULTS / "tables" / "verdicts.parquet")
    labels = stand_in_labels(key, verdicts, arguments.judge)
    write_table(arguments.output, labels)
    print(f"{arguments.output}: {len(labels)} labels as judge {judge_name(labels['annotator'].iloc[0])}")


if __name__ == "__main__":
    main()
