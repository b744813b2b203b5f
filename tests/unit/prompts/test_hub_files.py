"""Which files of a hub data set hold a split."""

import pytest

from steadfast.errors import DataError
from steadfast.prompts.sources._hub_files import converted_files, split_files

TWO_CONFIGS = [
    {"config_name": "easy", "data_files": [{"split": "train", "path": ["easy/*.csv"]}]},
    {"config_name": "hard", "data_files": "hard.csv"},
]


@pytest.mark.parametrize(
    ("names", "split", "expected"),
    [
        (["train.csv", "test.csv", "README.md"], "train", ["train.csv"]),
        (
            ["data/train/b.jsonl", "data/train/a.jsonl", "data/dev/a.jsonl"],
            "train",
            ["data/train/a.jsonl", "data/train/b.jsonl"],
        ),
        (["x-dev.json", "x-training.json"], "validation", ["x-dev.json"]),
        (["prompts.csv"], "train", ["prompts.csv"]),
        (["en.csv", "de.csv"], "train", ["de.csv", "en.csv"]),
        (["constraint.csv", "latest.csv"], "train", ["constraint.csv", "latest.csv"]),
        (["harmful.csv", "benign.csv"], "harmful", ["harmful.csv"]),
        (["train.csv", "train.parquet"], "train", ["train.parquet"]),
        (["dataset_infos.json", ".cache/train.csv", "train.txt"], "train", ["train.txt"]),
        (["data.arrow", "load.py"], "train", []),
    ],
)
def test_file_names_tell_the_split(names: list[str], split: str, expected: list[str]) -> None:
    assert split_files(names, [], None, split) == expected


def test_the_card_goes_before_file_names() -> None:
    configs = [{"data_files": [{"split": "harm", "path": "a/**/*.csv"}, {"split": "test", "path": ["b.csv", "c.csv"]}]}]
    names = ["a/x/one.csv", "a/two.csv", "b.csv", "c.csv", "d.csv"]
    assert split_files(names, configs, None, "harm") == ["a/two.csv", "a/x/one.csv"]
    assert split_files(names, configs, None, "test") == ["b.csv", "c.csv"]


def test_subsets_of_the_card() -> None:
    names = ["easy/1.csv", "hard.csv"]
    assert split_files(names, TWO_CONFIGS, "easy", "train") == ["easy/1.csv"]
    assert split_files(names, TWO_CONFIGS, "hard", "train") == ["hard.csv"]
    marked = [TWO_CONFIGS[0], {**TWO_CONFIGS[1], "default": True}]
    assert split_files(names, marked, None, "train") == ["hard.csv"]
    with pytest.raises(DataError, match="several subsets; set `subset` to one of: easy, hard"):
        split_files(names, TWO_CONFIGS, None, "train")
    with pytest.raises(DataError, match="no subset 'hrad'; did you mean 'hard'"):
        split_files(names, TWO_CONFIGS, "hrad", "train")


def test_subsets_by_folder() -> None:
    names = ["en/train.csv", "en/test.csv", "de/train.csv"]
    assert split_files(names, [], "de", "train") == ["de/train.csv"]
    with pytest.raises(DataError, match="no subset 'fr'"):
        split_files(names, [], "fr", "train")


def test_a_card_whose_patterns_match_nothing_is_an_error() -> None:
    with pytest.raises(DataError, match=r"no file of a known format matches data\.arrow"):
        split_files(["data.arrow"], [{"data_files": "data.arrow"}], None, "train")


def test_the_hubs_conversion() -> None:
    names = [
        "default/train/0001.parquet",
        "default/train/0000.parquet",
        "default/partial-test/0000.parquet",
        "x/y.json",
    ]
    assert converted_files(names, None, "train") == ["default/train/0000.parquet", "default/train/0001.parquet"]
    with pytest.raises(DataError, match="no split 'test'"):
        converted_files(names, None, "test")
    two = ["a/train/0000.parquet", "b/train/0000.parquet"]
    assert converted_files(two, "b", "train") == ["b/train/0000.parquet"]
    with pytest.raises(DataError, match="several subsets; set `subset` to one of: a, b"):
        converted_files(two, None, "train")
