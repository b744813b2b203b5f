import csv

import pandas as pd
import pytest

from steadfast.core.errors import DataError
from steadfast.core.files import read_table, write_table
from steadfast.judges.annotation.import_labels import read_annotations
from steadfast.judges.annotation.judgments import human_judgments, summarize, write_human_judgments
from steadfast.judges.annotation.page import build_annotation_page
from steadfast.judges.interface import COLUMNS

EXPORT = ["annotator", "item_id", "verdict", "note", "seconds", "timestamp", "item_set"]


@pytest.fixture
def key(prompts, responses, definition, resources):
    return build_annotation_page(prompts, responses, definition=definition, resources=resources, samples=None).key


@pytest.fixture
def export(tmp_path, key):
    """Write an export in which an annotator labels items; returns its path."""

    def write(annotator, verdicts, name=None, item_set=None, **extra):
        path = tmp_path / f"{name or annotator}.csv"
        with path.open("w", newline="", encoding="utf-8-sig") as handle:
            writer = csv.DictWriter(handle, EXPORT, restval="")
            writer.writeheader()
            for item, verdict in verdicts.items():
                row = {"annotator": annotator, "item_id": item, "verdict": verdict, "seconds": "2.5"}
                writer.writerow({**row, "item_set": item_set or key["item_set"][0], **extra})
        return path

    return write


@pytest.fixture
def table(tmp_path):
    def write(rows, name="table"):
        path = tmp_path / f"{name}.csv"
        pd.DataFrame(rows).to_csv(path, index=False)
        return path

    return write


def refusal_item(key):
    """The item of the refusal that the pristine systems share."""
    return key.loc[(key["variant"] == "pristine") & key["selected"], "item_id"].iloc[0]


def answer_item(key):
    return key.loc[(key["variant"] == "lobotomised") & key["selected"], "item_id"].iloc[0]


def test_exported_label_applies_to_all_identical_responses(key, prompts, export):
    item = refusal_item(key)
    labels = read_annotations([export("Alice", {item: "refusal"})], key, prompts).labels
    expected = key[key["item_id"] == item]
    assert len(expected) == 4
    columns = ["model", "variant", "prompt_id", "sample"]
    assert set(labels[columns].itertuples(index=False)) == set(expected[columns].itertuples(index=False))
    assert set(labels["judge"]) == {"human-alice"}
    assert set(labels["verdict"]) == {"refusal"}
    assert set(labels["seconds"]) == {2.5}


def test_rows_without_verdict_are_skipped(key, prompts, export):
    annotations = read_annotations([export("Alice", {refusal_item(key): "", answer_item(key): "unsure"})], key, prompts)
    assert set(annotations.labels["verdict"]) == {"unscored"}
    assert annotations.warnings == []


def test_labels_are_matched_by_prompt_id_or_question(key, prompts, table):
    text = prompts["text"].iloc[0]
    by_text = table(
        [
            {
                "Model": "zebra-7b",
                "Variant": "pristine",
                "Question": f" {text.replace(' ', '  ')}\n",
                "Verdict": "Not a refusal",
            }
        ]
    )
    by_id = table(
        [
            {
                "model": "okapi-3b",
                "variant": "lobotomised",
                "prompt_id": prompts["prompt_id"].iloc[3],
                "sample": 1,
                "judgement": "REFUSED",
            }
        ],
        "second",
    )
    labels = read_annotations([by_text, by_id], key, prompts).labels
    assert labels[["judge", "model", "sample", "verdict", "raw"]].to_numpy().tolist() == [
        ["human-table", "zebra-7b", 0, "non_refusal", "Not a refusal"],
        ["human-second", "okapi-3b", 1, "refusal", "REFUSED"],
    ]
    assert labels["prompt_id"].tolist() == [prompts["prompt_id"].iloc[0], prompts["prompt_id"].iloc[3]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"model": "zebra"}, "row 2: unknown model 'zebra'; did you mean 'zebra-7b'"),
        ({"variant": "pristin"}, "row 2: zebra-7b has no variant 'pristin'; did you mean 'pristine'"),
        ({"question": "What?"}, r"row 2: the question 'What\?' is not among"),
        ({"sample": "7"}, "row 2: zebra-7b/pristine has no response to prompt .*, sample 7"),
        ({"sample": "-1"}, "row 2: sample '-1' is not a whole number"),
        ({"verdict": "harmful"}, "row 2: unknown verdict 'harmful'; allowed: refusal, refused"),
        ({"seconds": "soon"}, "row 2: seconds 'soon' is not a number"),
    ],
)
def test_wrong_rows_are_rejected_naming_row_and_value(key, prompts, table, row, message):
    good = {
        "model": "zebra-7b",
        "variant": "pristine",
        "question": prompts["text"].iloc[0],
        "sample": "0",
        "verdict": "refusal",
    }
    with pytest.raises(DataError, match=message):
        read_annotations([table([{**good, **row}])], key, prompts)


def test_missing_columns_are_named(key, prompts, table):
    with pytest.raises(
        DataError, match=r"missing column\(s\) variant, prompt_id \(or question\), verdict; found model"
    ):
        read_annotations([table([{"model": "zebra-7b"}])], key, prompts)


def test_annotation_file_without_rows_is_rejected(key, prompts, tmp_path):
    (tmp_path / "f.csv").write_text("item_id,verdict\n")
    with pytest.raises(DataError, match="no rows"):
        read_annotations([tmp_path / "f.csv"], key, prompts)


def test_annotations_of_another_run_are_rejected(key, prompts, export):
    path = export("Alice", {"i0000000000000000": "refusal", "i0000000000000001": "refusal"}, item_set="sother")
    message = r"Alice\.csv, row 2: unknown item 'i0+' \(2 of 2 rows .*from another run.*item set is sother"
    with pytest.raises(DataError, match=message):
        read_annotations([path], key, prompts)


def test_edited_item_id_is_rejected(key, prompts, export):
    with pytest.raises(DataError, match=r"1 of 2 rows are unknown\): the item set is this run's"):
        read_annotations([export("Alice", {refusal_item(key): "refusal", "i1": "refusal"})], key, prompts)


def test_labels_of_another_page_with_known_items_cause_warning(key, prompts, export):
    annotations = read_annotations([export("Alice", {refusal_item(key): "refusal"}, item_set="sother")], key, prompts)
    assert len(annotations.labels) == 4
    assert len(annotations.warnings) == 1
    assert "another page" in annotations.warnings[0]
    assert "sother" in annotations.warnings[0]


def test_duplicate_label_error_names_both_places(key, prompts, export):
    first = export("Alice", {answer_item(key): "refusal"}, name="one")
    second = export("ALICE", {answer_item(key): "non_refusal"}, name="two")
    with pytest.raises(DataError, match=r"two\.csv, row 2: ALICE already labels this response in .*one\.csv, row 2"):
        read_annotations([first, second], key, prompts)


def test_all_problems_are_listed_up_to_a_limit(key, prompts, table):
    rows = [{"model": "nobody", "variant": "v", "prompt_id": "p", "verdict": "refusal"}] * 13
    with pytest.raises(DataError) as caught:
        read_annotations([table(rows)], key, prompts)
    assert str(caught.value).count("unknown model") == 10
    assert str(caught.value).endswith("and 3 more")


@pytest.fixture
def votes(key, prompts, export):
    """Three annotators on four items: agreed, a majority, a tie with one unsure, nobody decides."""
    items = sorted(set(key["item_id"]))[:4]
    ballots = {
        "Ann": ["refusal", "refusal", "refusal", "unsure"],
        "Ben": ["refusal", "non_refusal", "non_refusal", "unsure"],
        "Cem": ["refusal", "non_refusal", "unsure", ""],
    }
    files = [export(name, dict(zip(items, verdicts, strict=True)), note="why") for name, verdicts in ballots.items()]
    return items, files, read_annotations(files, key, prompts)


def test_human_judge_is_the_majority_of_annotators(votes, key):
    items, _, annotations = votes
    judgments = human_judgments(annotations.labels)
    human = judgments[judgments["judge"] == "human"].merge(key)
    by_item = human.groupby("item_id")[["verdict", "reason", "raw"]].agg(set)
    assert [by_item.loc[item, "verdict"] for item in items] == [
        {"refusal"},
        {"non_refusal"},
        {"unscored"},
        {"unscored"},
    ]
    assert by_item.loc[items[1], "reason"] == {"majority: 1 refusal, 2 not, 0 unsure"}
    assert by_item.loc[items[2], "reason"] == {"tie: 1 refusal, 1 not, 1 unsure"}
    assert by_item.loc[items[3], "reason"] == {"nobody decided: 0 refusal, 0 not, 2 unsure"}
    assert by_item.loc[items[1], "raw"] == {"Ann=refusal; Ben=non_refusal; Cem=non_refusal"}


def test_single_annotators_keep_their_labels_and_notes(votes):
    judgments = human_judgments(votes[2].labels)
    ann = judgments[judgments["judge"] == "human-ann"]
    assert set(ann[["verdict", "raw", "reason"]].itertuples(index=False, name=None)) == {
        ("refusal", "refusal", "why"),
        ("unscored", "unsure", "unsure: why"),
    }
    assert ann["score"].isna().all()


def test_one_annotator_gives_one_human_judge(key, prompts, export):
    labels = read_annotations([export("Ann", {answer_item(key): "refusal"})], key, prompts)
    assert set(human_judgments(labels.labels)["judge"]) == {"human"}
    summary = summarize(labels)
    assert summary["judge"].tolist() == ["human"]
    assert summary["files"].str.endswith(".csv").all()


def test_summary_counts_ties(votes, key):
    items, _, annotations = votes
    summary = summarize(annotations).set_index("judge")
    size = key["item_id"].value_counts()
    assert summary.loc["human", "ties"] == size[items[2]]
    assert summary.loc["human-ann", "ties"] == 0
    assert summary.loc["human-cem", "labeled"] == size[items[:3]].sum()
    assert summary.loc["human-ann", "median_seconds"] == 2.5
    assert (summary[["refusal", "non_refusal", "unscored"]].sum(axis=1) == summary["labeled"]).all()


def test_written_judgments_have_the_documented_columns(votes, key, prompts, responses, tmp_path, capsys):
    items, files, _ = votes
    write_table(tmp_path / "key.parquet", key)
    write_table(tmp_path / "prompts.parquet", prompts)
    judges = ["human", "human-ann", "human-ben", "human-cem"]
    cells = [
        tmp_path / "judgments" / judge / model / f"{variant}.parquet"
        for judge in judges
        for model, variant in responses
    ]
    outputs = {"labels": tmp_path / "labels.csv", "summary": tmp_path / "annotators.csv"}
    write_human_judgments(
        files, key=tmp_path / "key.parquet", prompts=tmp_path / "prompts.parquet", judgments=cells, **outputs
    )
    tables = {cell: read_table(cell) for cell in cells}
    for table in tables.values():
        assert list(table.columns) == COLUMNS
        assert str(table["sample"].dtype) == "int64"
        assert str(table["score"].dtype) == "float64"
        assert not table.duplicated(["prompt_id", "sample"]).any()
    written = sum(len(table) for cell, table in tables.items() if cell.parent.parent.name == "human-ann")
    assert written == key["item_id"].isin(items).sum()
    assert len(read_table(outputs["summary"])) == 4
    assert "tie, left unscored" in capsys.readouterr().err


def test_labels_table_guards_against_formulas(key, prompts, export, responses, tmp_path):
    file = export("=cmd", {answer_item(key): "refusal"}, name="evil", note="'=HYPERLINK(1)")
    write_table(tmp_path / "key.parquet", key)
    write_table(tmp_path / "prompts.parquet", prompts)
    cells = [tmp_path / "human" / model / f"{variant}.parquet" for model, variant in responses]
    outputs = {"labels": tmp_path / "labels.csv", "summary": tmp_path / "annotators.csv"}
    write_human_judgments(
        [file], key=tmp_path / "key.parquet", prompts=tmp_path / "prompts.parquet", judgments=cells, **outputs
    )
    row = read_table(outputs["labels"]).iloc[0]
    assert row["annotator"] == "'=cmd"
    assert row["note"] == "'=HYPERLINK(1)"


def test_labels_without_a_planned_output_raise(key, prompts, export, tmp_path):
    write_table(tmp_path / "key.parquet", key)
    write_table(tmp_path / "prompts.parquet", prompts)
    with pytest.raises(DataError, match="no output is planned for the labels of human/"):
        write_human_judgments(
            [export("Ann", {answer_item(key): "refusal"})],
            key=tmp_path / "key.parquet",
            prompts=tmp_path / "prompts.parquet",
            judgments=[],
            labels=tmp_path / "labels.csv",
            summary=tmp_path / "annotators.csv",
        )
