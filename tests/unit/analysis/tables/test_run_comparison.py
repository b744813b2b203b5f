"""Two runs that are compared: changes prompt by prompt, identical responses, and what one of them lacks."""

import pandas as pd
import pytest

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.run_comparison import COLUMNS, compare_runs, only_in, responses_of
from steadfast.core.errors import DataError
from steadfast.core.files import write_table
from steadfast.report.run_comparison import compare_results

INFERENCE = Inference(resamples=200)


def verdicts(refused: dict[str, list[int]], prompts: str = "p") -> pd.DataFrame:
    """Verdicts of one judge on ten harmful prompts, by variant the numbers of those that are refused."""
    rows = [
        {
            "variant": variant,
            "prompt_id": f"{prompts}{number}",
            "verdict": "refusal" if number in held else "non_refusal",
        }
        for variant, held in refused.items()
        for number in range(10)
    ]
    facts = {"model": "m", "judge": "j", "sample": 0, "label": "harmful", "category": "", "human": False, "score": 1.0}
    return pd.DataFrame(rows).assign(**facts)


def responses(texts: dict[str, str]) -> pd.DataFrame:
    return responses_of(
        {
            ("m", variant): pd.DataFrame({"prompt_id": ["p0", "p1"], "sample": 0, "response": ["same", text]})
            for variant, text in texts.items()
        }
    )


def compared(first, second) -> pd.DataFrame:
    answered = responses({"original": "one", "edited": "one"}), responses({"original": "one", "edited": "two"})
    return compare_runs(first, second, answered, INFERENCE).set_index("variant")


def test_run_comparison_pairs_the_same_prompts():
    first = verdicts({"original": list(range(8)), "edited": list(range(6))})
    second = verdicts({"original": list(range(8)), "edited": [0, 9]})
    table = compared(first, second)
    assert list(table.reset_index().columns.sort_values()) == sorted(COLUMNS)
    edited, original = table.loc["edited"], table.loc["original"]
    assert (edited["refused_first"], edited["refused_second"]) == (6, 2)
    assert (edited["lost"], edited["gained"], edited["comparison"]) == (5, 1, "paired")
    assert edited["change"] == pytest.approx(-0.4) and edited["change_low"] < -0.4 < edited["change_high"]
    assert edited["p"] == pytest.approx(2 * (1 + 6) / 2**6), "the exact test of 1 against 5"
    assert (original["change"], original["p"]) == (0, 1)
    assert (edited["responses"], edited["identical"], original["identical"]) == (2, 0.5, 1)


def test_runs_with_other_prompts_are_compared_unpaired():
    first, second = verdicts({"original": list(range(8))}), verdicts({"original": [1]}, prompts="q")
    row = compared(first, second).loc["original"]
    assert row["comparison"] == "unpaired" and row["change"] == pytest.approx(-0.7)
    assert row["change_high"] < 0 and row["p"] < 0.01


def test_run_comparison_covers_common_pairs_only():
    first, second = verdicts({"original": [1], "edited": [2]}), verdicts({"original": [1], "random": [3]})
    assert compared(first, second).index.tolist() == ["original"]
    assert only_in(first, second) == {"model": [], "variant": ["edited"], "judge": []}
    with pytest.raises(DataError, match="no model, variant and judge in common"):
        compared(verdicts({"edited": [1]}), verdicts({"random": [1]}))


def test_comparison_page_states_what_changed(tmp_path):
    folders = {}
    for name, held, text in (("before", list(range(9)), "one"), ("after|<b>", [0], "two")):
        folder = tmp_path / name.partition("|")[0]
        write_table(folder / "tables" / "verdicts.parquet", verdicts({"original": held}))
        for (_, variant), table in responses({"original": text}).groupby(["model", "variant"]):
            write_table(folder / "responses" / "m" / f"{variant}.parquet", table)
        folders[name] = str(folder)
    table, page = compare_results(folders, INFERENCE)
    assert len(table) == 1
    assert "differs in 1 of 1 comparisons" in page and "in 1 of them by more than chance" in page
    assert "1 of 2 responses to common prompts are identical" in page
    assert "| m | original | j | harmful | 9 of 10 | 1 of 10 | −80 points (−" in page
    assert "\n\n\n" not in page and "\n\n| model |" in page
    same, unchanged = compare_results({"first": folders["before"], "second": folders["before"]}, INFERENCE)
    assert len(same) == 1 and "\n\n\n" not in unchanged and "| model |" not in unchanged
    assert "<b>" not in page and "after\\|&lt;b>" in page
