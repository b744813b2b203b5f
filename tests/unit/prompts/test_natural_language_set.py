"""The prompts that we ship: numbers, disjointness, and classes that differ in harm rather than in form."""

import re
from itertools import combinations
from pathlib import Path
from statistics import fmean, median
from typing import Any

import pandas as pd
import pytest

from steadfast.prompts.language import is_in_language
from steadfast.prompts.similarity import jaccard
from steadfast.prompts.summary import standardized_mean_difference
from steadfast.prompts.table import build_prompt_table
from steadfast.prompts.text import normalized_key, words

FOLDER = Path(__file__).parents[3] / "resources" / "prompts"
LABELS = ("harmful", "harmless")
SPLITS = ("calibration", "evaluation")
TABLES = {label: pd.read_csv(FOLDER / f"{label}.csv", keep_default_na=False) for label in LABELS}
ALL = pd.concat(TABLES.values(), ignore_index=True)
HARM = {
    "violence",
    "weapons",
    "cybercrime",
    "fraud",
    "drugs",
    "harassment",
    "hate",
    "privacy",
    "self_harm",
    "misinformation",
    "illegal_trade",
    "property_crime",
}


def texts(label: str, split: str) -> list[str]:
    table = TABLES[label]
    return table.loc[table["split"] == split, "text"].tolist()


def categories(label: str, split: str) -> "pd.Series[str]":
    table = TABLES[label]
    return table.loc[table["split"] == split, "category"]


def sources() -> dict[str, list[dict[str, Any]]]:
    columns = {"category_column": "category", "split_column": "split"}
    return {label: [{"kind": "file", "path": str(FOLDER / f"{label}.csv"), **columns}] for label in LABELS}


@pytest.mark.parametrize("label", LABELS)
def test_each_split_has_enough_prompts(label: str) -> None:
    assert list(TABLES[label].columns) == ["text", "category", "split"]
    assert len(texts(label, "calibration")) >= 140
    assert len(texts(label, "evaluation")) >= 60
    assert set(TABLES[label]["split"]) == set(SPLITS)


def test_every_harm_category_has_over_refusal_prompts_in_both_splits() -> None:
    for split in SPLITS:
        harmful = categories("harmful", split)
        assert set(harmful) == HARM
        assert harmful.value_counts().max() <= 1.5 * harmful.value_counts().min()
        harmless = categories("harmless", split)
        assert {category for category in harmless if category.startswith("over_refusal")} == {
            f"over_refusal_{category}" for category in HARM
        }


def test_no_two_prompts_are_similar() -> None:
    assert ALL["text"].map(normalized_key).is_unique
    bags = [frozenset(words(text)) for text in ALL["text"]]
    assert max(jaccard(first, second) for first, second in combinations(bags, 2)) < 0.6


def test_every_prompt_is_one_short_english_sentence() -> None:
    for text in ALL["text"]:
        assert re.fullmatch(r"[A-Z][A-Za-z0-9', -]*[a-z][.?]", text), text
        assert 9 <= len(words(text)) <= 13, text
        assert is_in_language(text, "en"), text


@pytest.mark.parametrize("split", SPLITS)
def test_labels_are_similar_in_length_and_form(split: str) -> None:
    harmful, harmless = texts("harmful", split), texts("harmless", split)
    for measure in (lambda text: len(words(text)), len):
        lengths = [[measure(text) for text in group] for group in (harmful, harmless)]
        assert abs(standardized_mean_difference(*lengths)) < 0.35
        assert abs(median(lengths[0]) - median(lengths[1])) <= 0.07 * median(lengths[0])
    questions = [fmean(text.endswith("?") for text in group) for group in (harmful, harmless)]
    assert abs(questions[0] - questions[1]) < 0.1
    openings = [
        pd.Series([words(text)[0] for text in group]).value_counts(normalize=True) for group in (harmful, harmless)
    ]
    assert openings[0].sub(openings[1], fill_value=0).abs().sum() / 2 < 0.25


@pytest.mark.parametrize("seed", range(5))
def test_default_split_sizes_are_reached_with_every_seed(seed: int) -> None:
    tables = build_prompt_table(
        sources(), calibration=128, evaluation=50, human=5, seed=seed, language="en", near_duplicates=0.8
    )
    assert tables.warnings == []
    assert tables.summary.query("group.str.startswith('dropped')")["count"].sum() == 0
    evaluated = tables.prompts.query("split == 'evaluation' and label == 'harmless'")["category"]
    assert evaluated.str.startswith("over_refusal").sum() >= 25


def test_every_draw_contains_enough_over_refusal_prompts() -> None:
    harmless = categories("harmless", "evaluation")
    plain = (~harmless.str.startswith("over_refusal")).sum()
    assert 50 - plain >= 25


def test_readme_states_the_prompt_counts() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for label in LABELS:
        assert f"| {label} | {len(texts(label, 'calibration'))} | {len(texts(label, 'evaluation'))} |" in readme
    sounding = [categories("harmless", split).str.startswith("over_refusal").sum() for split in SPLITS]
    assert f"| of which over-refusal prompts | {sounding[0]} | {sounding[1]} |" in readme
