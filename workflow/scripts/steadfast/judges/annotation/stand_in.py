"""Labels of a judge instead of human labels, to try the path from labels to corrected rates without annotators.

    PYTHONPATH=workflow/scripts python -m steadfast.judges.annotation.stand_in grammar labels.csv

The annotator's name identifies the labels, so that no table or figure can be mistaken for one with human labels.
"""

import argparse
from pathlib import Path

import pandas as pd

from steadfast.core.command_line import run_command_line
from steadfast.core.errors import DataError, UnknownNameError
from steadfast.core.files import read_table, write_table
from steadfast.core.names import UNSCORED
from steadfast.judges.annotation.annotators import judge_name

RESULTS = Path("results")
SELECTION = ["model", "variant", "prompt_id", "sample"]


def stand_in_labels(key: pd.DataFrame, verdicts: pd.DataFrame, judge: str) -> pd.DataFrame:
    """The verdicts of a judge on the responses of an annotation page, as a table of labels.

    Args:
        key: the page's key: ``SELECTION`` and ``selected``.
        verdicts: a table from ``tables.verdicts``.
        judge: name of the judge.

    Returns:
        Columns annotator, model, variant, prompt_id, sample, verdict; unscored responses are ``unsure``.

    Raises:
        UnknownNameError: the verdicts have no judge of this name.
        DataError: the judge scored none of the page's responses.
    """
    known = verdicts["judge"].unique().tolist()
    if judge not in known:
        raise UnknownNameError("judge", judge, known)
    shown = key.loc[key["selected"], SELECTION]
    found = shown.merge(verdicts[verdicts["judge"] == judge], on=SELECTION)
    if found.empty:
        raise DataError(f"judge {judge} has no verdict on any response of the annotation page")
    return found[SELECTION].assign(
        annotator=f"stand-in-{judge}", verdict=found["verdict"].where(found["verdict"] != UNSCORED, "unsure")
    )


def read_result(path: Path, target: str) -> pd.DataFrame:
    """A table of the current results.

    Args:
        path: path of the table in a run.
        target: Snakemake target that creates it.

    Raises:
        DataError: it is missing or cannot be read; the message says how to create it.
    """
    if not path.is_file():
        raise DataError(
            f"{path} does not exist in {Path.cwd()}; run this in the folder of a finished run, after "
            f"`snakemake --cores all --configfile CONFIG -- {target}`"
        )
    return read_table(path)


def main() -> None:
    """Write the labels of one judge on the current results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", help="name of the judge whose verdicts replace human labels")
    parser.add_argument("output", type=Path, help="CSV file to write")
    arguments = parser.parse_args()
    key = read_result(RESULTS / "annotation" / "key.parquet", "annotation_page")
    table = RESULTS / "tables" / "verdicts.parquet"
    verdicts = read_result(table, str(table))
    labels = stand_in_labels(key, verdicts, arguments.judge)
    write_table(arguments.output, labels)
    print(f"{arguments.output}: {len(labels)} labels as judge {judge_name(labels['annotator'].iloc[0])}")


if __name__ == "__main__":
    run_command_line(main)
