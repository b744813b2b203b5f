"""Where results lie: templates give paths, and paths give back what they were made of."""

import pytest

from steadfast.core.errors import DataError
from steadfast.grid import paths
from steadfast.grid.data import ModelVariant

PAIRS = [ModelVariant("raw", "original"), ModelVariant("score-0", "mean_all-25")]


@pytest.mark.parametrize("split", ["evaluation", "calibration", "attack_selection"])
def test_path_parses_into_its_model_variant_and_judge(split):
    assert [paths.responses(split).pair(path) for path in paths.responses(split).of(PAIRS)] == PAIRS
    for path, pair in zip(paths.judgments(split).of(PAIRS, judge="a-b"), PAIRS, strict=True):
        expected = {"judge": "a-b", "model": pair.model, "variant": pair.variant}
        assert paths.judgments(split).keys(f"/some/folder/{path}") == expected


@pytest.mark.parametrize("path", ["responses/raw/original.parquet", "results/responses/raw.parquet", "x"])
def test_path_of_another_form_raises(path):
    with pytest.raises(DataError, match=r"not of the form results/responses/\{model\}/\{variant\}\.parquet"):
        paths.responses().pair(path)


def test_path_of_another_split_raises():
    with pytest.raises(DataError):
        paths.responses().pair(paths.responses("calibration").at(model="raw", variant="original"))
