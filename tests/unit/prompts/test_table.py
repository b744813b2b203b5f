"""The prompt table, its summary and the checks before a run."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from steadfast.core.errors import ConfigError, DataError
from steadfast.prompts.summary import standardized_mean_difference, summary_text
from steadfast.prompts.table import COLUMNS, build_prompt_table, check_prompts
from steadfast.prompts.text import prompt_id

ROOT = Path(__file__).parents[3]
SETTINGS: dict[str, Any] = {
    "calibration": 6,
    "evaluation": 4,
    "human": 2,
    "seed": 0,
    "language": None,
    "near_duplicates": 0.8,
}
Classes = dict[str, list[dict[str, Any]]]


def file_source(path: Path, texts: Sequence[str], **columns: Sequence[str]) -> dict[str, Any]:
    pd.DataFrame({"text": list(texts), **columns}).to_csv(path, index=False)
    return {"kind": "file", "path": str(path)}


def texts(prefix: str, count: int, length: int = 4) -> list[str]:
    return [" ".join(f"{prefix}{number}x{word}" for word in range(length)) for number in range(count)]


@pytest.fixture
def classes(tmp_path: Path) -> Classes:
    harmful = file_source(tmp_path / "harmful.csv", texts("bad", 12), topic=["fraud"] * 8 + ["drugs"] * 4)
    harmless = file_source(tmp_path / "harmless.csv", [*texts("good", 12), "...", "good0x0 GOOD0x1 good0x2, good0x3"])
    return {"harmful": [{**harmful, "category_column": "topic"}], "harmless": [harmless]}


def test_prompt_table_has_the_documented_columns(classes: Classes) -> None:
    table = build_prompt_table(classes, **SETTINGS).prompts
    assert list(table.columns) == COLUMNS
    assert table["human"].dtype == bool
    assert table["prompt_id"].tolist() == [prompt_id(text) for text in table["text"]]
    assert table["prompt_id"].is_unique
    assert table.groupby(["label", "split"]).size().to_dict() == {
        ("harmful", "calibration"): 6,
        ("harmful", "evaluation"): 4,
        ("harmless", "calibration"): 6,
        ("harmless", "evaluation"): 4,
    }
    assert table[table["human"]].groupby(["label", "split"]).size().to_dict() == {
        ("harmful", "evaluation"): 2,
        ("harmless", "evaluation"): 2,
    }
    assert set(table.loc[table["label"] == "harmful", "category"]) <= {"fraud", "drugs"}
    assert set(table.loc[table["label"] == "harmless", "category"]) == {""}
    assert set(table["source"]) == {classes[label][0]["path"] for label in classes}


def test_row_order_of_sources_does_not_change_the_table(classes: Classes, tmp_path: Path) -> None:
    reversed_file = tmp_path / "reversed.csv"
    pd.read_csv(classes["harmful"][0]["path"])[::-1].to_csv(reversed_file, index=False)
    turned = {**classes, "harmful": [{**classes["harmful"][0], "path": str(reversed_file)}]}
    first, second = build_prompt_table(classes, **SETTINGS).prompts, build_prompt_table(turned, **SETTINGS).prompts
    pd.testing.assert_frame_equal(first.drop(columns="source"), second.drop(columns="source"))


def test_summary_counts_used_and_dropped_prompts(classes: Classes) -> None:
    summary = build_prompt_table(classes, **SETTINGS).summary.set_index(["label", "group"])
    counts = summary.loc["harmless", "count"].to_dict()
    assert counts == {
        "calibration": 6,
        "evaluation": 4,
        "human": 2,
        "unused": 2,
        "dropped_empty": 1,
        "dropped_language": 0,
        "dropped_duplicate": 1,
        "dropped_near_duplicate": 0,
    }
    calibration = summary.loc[("harmless", "calibration")]
    assert calibration[["words_mean", "words_median"]].tolist() == [4, 4]
    assert calibration["characters_median"] == len("good0x0 good0x1 good0x2 good0x3")
    assert calibration["categories"] == "- 6"
    assert pd.isna(summary.loc[("harmful", "dropped_language"), "words_mean"])
    harmful = [summary.loc[("harmful", group), "categories"] for group in ("calibration", "evaluation", "unused")]
    counted = pd.Series([part for groups in harmful for part in groups.split("; ")]).str.rpartition(" ")
    assert counted.assign(n=counted[2].astype(int)).groupby(0)["n"].sum().to_dict() == {"drugs": 4, "fraud": 8}


def test_summary_text_names_groups_and_warnings(classes: Classes) -> None:
    tables = build_prompt_table(classes, **SETTINGS)
    text = summary_text(tables.summary, ["mind this"])
    assert "harmful    calibration                   6 prompts, 4 words (median)" in text
    assert "dropped_language" not in text
    assert text.endswith("warning: mind this\n")


def test_labels_of_similar_length_raise_no_warning(classes: Classes) -> None:
    assert build_prompt_table(classes, **SETTINGS).warnings == []


def test_labels_of_different_length_warn_per_split(classes: Classes, tmp_path: Path) -> None:
    longer = {**classes, "harmful": [file_source(tmp_path / "long.csv", texts("bad", 12, length=7))]}
    found = build_prompt_table(longer, **SETTINGS).warnings
    assert [warning.partition(":")[0] for warning in found] == ["calibration", "evaluation"]
    assert "medians 7 and 4 words, standardized mean difference inf" in found[0]


def test_near_duplicates_across_labels_warn(classes: Classes, tmp_path: Path) -> None:
    base = "how would one kill the old process quickly"
    harmful = file_source(tmp_path / "h.csv", [*texts("bad", 12), base])
    harmless = file_source(tmp_path / "g.csv", [*texts("good", 12), f"{base} today"])
    found = build_prompt_table({"harmful": [harmful], "harmless": [harmless]}, **SETTINGS).warnings
    assert len(found) == 1
    assert "1 prompt(s) were dropped as near-duplicates of the other label" in found[0]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [([1, 2, 3], [1, 2, 3], 0.0), ([3, 4, 5], [1, 2, 3], 2.0), ([2, 2], [1, 1], float("inf")), ([5], [1, 2], 0.0)],
)
def test_standardized_mean_difference_matches_worked_examples(
    first: list[int], second: list[int], expected: float
) -> None:
    assert standardized_mean_difference(first, second) == pytest.approx(expected)


def test_too_few_prompts_raise_with_a_full_account(classes: Classes) -> None:
    with pytest.raises(DataError) as caught:
        build_prompt_table(classes, **{**SETTINGS, "calibration": 20})
    message = str(caught.value)
    assert message == (
        "too few prompts; each label needs 20 calibration + 4 evaluation. "
        "harmful: 12 given, 0 dropped, 12 usable. "
        "harmless: 14 given, 2 dropped (1 empty, 1 duplicate), 12 usable."
    )


def test_pinned_prompts_do_not_fill_the_other_split(classes: Classes, tmp_path: Path) -> None:
    pinned = {**file_source(tmp_path / "pinned.csv", texts("bad", 12)), "assign": "evaluation"}
    with pytest.raises(DataError, match=r"harmful: 12 given, 0 dropped, 12 usable \(pinned: 12 to evaluation\)\."):
        build_prompt_table({**classes, "harmful": [pinned]}, **SETTINGS)


def overlapping(classes: Classes, tmp_path: Path) -> tuple[Classes, str]:
    source = file_source(tmp_path / "more.csv", ["BAD0x0 bad0x1 bad0x2 bad0x3"])
    first = {**classes["harmful"][0], "assign": "calibration"}
    return {
        **classes,
        "harmful": [first, {**source, "assign": "evaluation"}],
    }, "pinned to calibration and to evaluation"


def in_both_classes(classes: Classes, tmp_path: Path) -> tuple[Classes, str]:
    source = file_source(tmp_path / "more.csv", ["bad0x0 bad0x1 bad0x2 bad0x3!"])
    return {**classes, "harmless": [*classes["harmless"], source]}, "have both labels"


def empty_class(classes: Classes, tmp_path: Path) -> tuple[Classes, str]:
    return {**classes, "harmless": [file_source(tmp_path / "none.csv", [])]}, "harmless: 0 given"


def repeated_source(classes: Classes, tmp_path: Path) -> tuple[Classes, str]:
    repeated = {**classes["harmful"][0], "assign": "evaluation"}
    return {**classes, "harmful": [*classes["harmful"], repeated]}, "harmful.1 reads the same prompts as harmful.0"


def same_data_set(classes: Classes, tmp_path: Path) -> tuple[Classes, str]:
    source = {"kind": "dataset", "repo": "a/b", "split": "train"}
    return {"harmful": [source], "harmless": [dict(source)]}, "harmless.0 reads the same prompts as harmful.0"


@pytest.mark.parametrize("change", [overlapping, in_both_classes, empty_class, repeated_source, same_data_set])
def test_invalid_prompts_are_rejected_before_any_job(classes: Classes, tmp_path: Path, change: Any) -> None:
    changed, message = change(classes, tmp_path)
    with pytest.raises(ConfigError) as caught:
        check_prompts(changed, **SETTINGS)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"language": "xx"}, "language: unknown language 'xx'"),
        ({"human": 9}, "human: 9 is more than the evaluation prompts per label \\(4\\)"),
        ({"evaluation": 30}, "too few prompts; each label needs 6 calibration \\+ 30 evaluation"),
    ],
)
def test_invalid_prompt_settings_are_rejected_before_any_job(
    classes: Classes, settings: dict[str, Any], message: str
) -> None:
    check_prompts(classes, **SETTINGS)
    with pytest.raises(ConfigError, match=message):
        check_prompts(classes, **{**SETTINGS, **settings})


def test_large_files_are_not_checked_before_the_run(classes: Classes, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_text("text\n" + "the same line of text again and again\n" * 20_000)
    check_prompts({**classes, "harmful": [{"kind": "file", "path": str(large)}]}, **SETTINGS)


def test_synthetic_evaluation_prompts_are_held_out_pairs() -> None:
    world = {"kind": "synthetic", "world": str(ROOT / "resources/organisms/world.yaml")}
    settings = {**SETTINGS, "calibration": 128, "evaluation": 50, "human": 5}
    tables = build_prompt_table({"harmful": [world], "harmless": [world]}, **settings)
    assert len(tables.prompts) == 356
    assert tables.warnings == []

    from steadfast.prompts.synthetic.world import load_world

    known = {prompt.text: prompt for prompt in load_world(world["world"]).prompts()}
    for row in tables.prompts.itertuples():
        prompt = known[row.text]
        assert row.label == prompt.label
        assert prompt.held_out == (row.split == "evaluation")


def test_prompt_checks_import_no_heavy_library() -> None:
    source = {label: [{"kind": "file", "path": f"resources/prompts/{label}.csv"}] for label in ("harmful", "harmless")}
    code = (
        "import sys\nfrom steadfast.prompts.table import check_prompts\n"
        f"check_prompts({source!r}, **{SETTINGS!r})\n"
        "print([name for name in ('pandas', 'pyarrow', 'huggingface_hub', 'torch') if name in sys.modules])"
    )
    environment = {"PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
