"""Which files of a hub data set hold a split."""

import pytest

from steadfast.core.errors import DataError
from steadfast.prompts.sources.reading.hub_files import converted_files, split_files

TWO_CONFIGS = [
    {"config_name": "easy", "data_files": [{"split": "train", "path": ["easy/*.csv"]}]},
    {"config_name": "hard", "data_files": "hard.csv"},
]


@pytest.mark.parametrize(
    ("names", "split", "expected"),
    [
        (["train.csv", "test.csv", "README.md"], "train", ["train.csv"]),
        (
            ["data/train/1-of-2.jsonl", "data/train/0-of-2.jsonl", "data/dev/0.jsonl"],
            "train",
            ["data/train/0-of-2.jsonl", "data/train/1-of-2.jsonl"],
        ),
        (["x-dev.json", "x-training.json"], "validation", ["x-dev.json"]),
        (["prompts.csv"], "train", ["prompts.csv"]),
        (["constraint.csv"], "train", ["constraint.csv"]),
        (["latest-0.csv", "latest-1.csv"], "train", ["latest-0.csv", "latest-1.csv"]),
        (["a.csv.gz", "LICENSE.txt"], "train", ["a.csv.gz"]),
        (["harmful.csv", "benign.csv"], "harmful", ["harmful.csv"]),
        (["train.csv", "train.parquet"], "train", ["train.parquet"]),
        (["dataset_infos.json", ".cache/train.csv", "train.txt"], "train", ["train.txt"]),
        (["data.arrow", "load.py"], "train", []),
    ],
)
def test_split_is_recognized_in_file_names(names: list[str], split: str, expected: list[str]) -> None:
    assert split_files(names, [], None, split) == expected


def test_missing_shards_of_a_table_raise() -> None:
    names = [f"data/train-{number:05d}-of-00003.parquet" for number in range(3)]
    assert split_files(names, [], None, "train") == names
    from_one = [f"train-{number}-of-2.csv" for number in (1, 2)]
    assert split_files(from_one, [], None, "train") == from_one
    with pytest.raises(DataError, match=r"1 of 3 files of a table are missing, .*data/train-00001-of-00003\.parquet"):
        split_files([names[0], names[2]], [], None, "train")
    with pytest.raises(DataError, match="2 of 3 files"):
        split_files(names[2:], [{"data_files": "data/*"}], None, "train")


def test_card_takes_precedence_over_file_names() -> None:
    configs = [{"data_files": [{"split": "harm", "path": "a/**/*.csv"}, {"split": "test", "path": ["b.csv", "c.csv"]}]}]
    names = ["a/x/one.csv", "a/two.csv", "b.csv", "c.csv", "d.csv"]
    assert split_files(names, configs, None, "harm") == ["a/two.csv", "a/x/one.csv"]
    assert split_files(names, configs, None, "test") == ["b.csv", "c.csv"]


def test_subset_is_chosen_by_the_card() -> None:
    names = ["easy/1.csv", "hard.csv"]
    assert split_files(names, TWO_CONFIGS, "easy", "train") == ["easy/1.csv"]
    assert split_files(names, TWO_CONFIGS, "hard", "train") == ["hard.csv"]
    marked = [TWO_CONFIGS[0], {**TWO_CONFIGS[1], "default": True}]
    assert split_files(names, marked, None, "train") == ["hard.csv"]
    with pytest.raises(DataError, match="several subsets; set `subset` to one of: easy, hard"):
        split_files(names, TWO_CONFIGS, None, "train")
    with pytest.raises(DataError, match="no subset 'hrad'; did you mean 'hard'"):
        split_files(names, TWO_CONFIGS, "hrad", "train")


@pytest.mark.parametrize(
    ("names", "subset", "expected"),
    [
        (["en/train.csv", "en/test.csv", "de/train.csv"], "de", ["de/train.csv"]),
        (["v1/en/train.csv", "v1/de/train.csv"], "en", ["v1/en/train.csv"]),
        (["harmful.csv", "benign.csv"], "benign", ["benign.csv"]),
        (["a.csv", "b.csv"], "*", ["a.csv", "b.csv"]),
        (
            ["harmful.csv", "benign.csv"],
            None,
            "subsets; set `subset` to one of: benign, harmful; or to '*' to read them",
        ),
        (["train/a.csv", "train/b.csv"], None, "several subsets; set `subset` to one of: a, b"),
        (["train.csv", "extra/train.csv"], None, "several subsets; set `subset` to one of: '', extra"),
        (["train.csv", "extra/train.csv"], "", ["train.csv"]),
        (["en/a.csv", "en/b.csv", "de/a.csv"], "en", "several subsets; set `subset` to one of: en/a, en/b"),
        (["a.csv", "b.json"], None, "several subsets; set `subset` to one of: a, b"),
        (["en/train.csv", "de/train.csv"], "fr", "no subset 'fr'.*Known: de, en"),
    ],
)
def test_subsets_by_name_are_never_merged(names: list[str], subset: str | None, expected: list[str] | str) -> None:
    if isinstance(expected, str):
        with pytest.raises(DataError, match=expected.replace("*'", "[*]'")):
            split_files(names, [], subset, "train")
    else:
        assert split_files(names, [], subset, "train") == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"data_dir": "bad"}, ["bad/one.csv"]),
        ({"data_dir": "./good/"}, ["good/one.csv"]),
        ({"data_dir": "good", "data_files": "*.csv"}, ["good/one.csv"]),
        ({"data_files": "*.csv"}, ["top.csv"]),
        ({"data_files": "*/*.csv"}, ["bad/one.csv", "good/one.csv"]),
        ({"data_files": "bad/**"}, ["bad/deep/two.csv", "bad/one.csv"]),
        ({"data_files": {"train": "b[!x]d/o?e.csv"}}, ["bad/one.csv"]),
        ({"data_dir": "worse"}, "data_dir 'worse' holds no file"),
        ({"data_files": "hf://datasets/a/b.csv"}, "no file of a known format matches hf://"),
    ],
)
def test_card_may_name_folders_and_patterns(config: dict[str, object], expected: list[str] | str) -> None:
    names = ["good/one.csv", "bad/one.csv", "top.csv", *(["bad/deep/two.csv"] if "data_files" in config else [])]
    if isinstance(expected, str):
        with pytest.raises(DataError, match=expected):
            split_files(names, [config], None, "train")
    else:
        assert split_files(names, [config], None, "train") == expected


def test_card_pattern_without_match_raises() -> None:
    with pytest.raises(DataError, match=r"no file of a known format matches data\.arrow"):
        split_files(["data.arrow"], [{"data_files": "data.arrow"}], None, "train")


def test_converted_files_are_chosen_by_subset_and_split() -> None:
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
