"""The examples of the refusal judge, and the head that ships."""

import json
import random
import re
from pathlib import Path

import numpy as np
import pytest

from steadfast.core.errors import DataError
from steadfast.core.files import sha256_file
from steadfast.judges.learned.head import load_head
from steadfast.training.refusal_judge.data import FILES, load_examples, load_generated, load_written
from steadfast.training.refusal_judge.fitting import calibrate
from steadfast.training.refusal_judge.held_out import agreement, calibration_table, folds_of
from steadfast.training.refusal_judge.wordings import expand, fill

ROOT = Path(__file__).parents[4]
DATA, REQUESTS, SHIPPED = (ROOT / "resources" / name for name in ("refusal_judge", "safety_tuning", "judges/refusal"))


@pytest.fixture(scope="module")
def examples():
    return load_examples(DATA, REQUESTS, 0)


def test_examples_are_many_and_of_every_sort(examples) -> None:
    for source, fewest in (("composed", 80), ("generated", 10), ("written", 10)):
        for harmful in (True, False):
            for refusal in (True, False):
                sort = (source, harmful, refusal)
                there = [e for e in examples if (e.source, e.harmful, e.refusal) == sort]
                assert len(there) >= fewest, sort
    assert len({(e.prompt, e.response) for e in examples}) > 0.95 * len(examples) > 2500


def test_choices_and_slots_are_all_filled(examples) -> None:
    composed = [e for e in examples if e.source == "composed" and "```" not in e.response]
    assert not [e.response for e in composed if re.search(r"[{}]|<(?!/?think>)[a-z]+\d?>", e.response)]


def test_a_seed_gives_the_same_examples(examples) -> None:
    assert load_examples(DATA, REQUESTS, 0) == examples
    assert load_examples(DATA, REQUESTS, 1) != examples


def test_folds_hold_every_example_once_and_whole_styles(examples) -> None:
    folds = folds_of(examples, 0)
    assert (sum(rows.astype(int) for rows in folds.values()) == 1).all()
    for name, rows in folds.items():
        styles = {(e.source, e.style) for e, there in zip(examples, rows, strict=True) if there}
        rest = {(e.source, e.style) for e, there in zip(examples, rows, strict=True) if not there}
        assert not styles & rest, name


def test_wordings() -> None:
    text = expand("{a|b {c|d}} <Name>: {x|}", random.Random(0))
    assert text in {f"{first} <Name>: {last}" for first in ("a", "b c", "b d") for last in ("x", "")}
    assert fill("<Name> and <name>", {"name": "theft"}) == "Theft and theft"
    with pytest.raises(DataError, match="no words for the slot <other>"):
        fill("<other>", {"name": "theft"})


def test_wrong_files_are_errors(tmp_path) -> None:
    (tmp_path / "written.yaml").write_text("harmful: [{style: a, prompt: b}]", encoding="utf-8")
    with pytest.raises(DataError, match="harmful, entry 1: wanted style, prompt, and one of refusal and answer"):
        load_written(tmp_path / "written.yaml")
    (tmp_path / "generated.csv").write_text(
        "source,label,prompt,response,verdict\na,harmful,b,c,maybe\n", encoding="utf-8"
    )
    with pytest.raises(DataError, match="verdict 'maybe' is not allowed"):
        load_generated(tmp_path / "generated.csv")


def test_calibration_recovers_slope_and_offset() -> None:
    stream = np.random.default_rng(0)
    scores = stream.normal(size=20_000)
    refusal = stream.random(20_000) < 1 / (1 + np.exp(-(2 * scores - 1)))
    found = calibrate(scores, refusal, ["a"] * 10_000 + ["b"] * 10_000)
    assert (found.slope, found.offset) == pytest.approx((2, -1), abs=0.1)
    _, table, error = calibration_table(scores, refusal, ["a"] * 10_000 + ["b"] * 10_000)
    assert error < 0.02 and sum(row["responses"] for row in table) == 20_000


def test_agreement_is_cohens_kappa() -> None:
    said, refusal = np.asarray([True, True, False, False] * 25), np.asarray([True, False, False, False] * 25)
    found = agreement(said, refusal)
    assert found.kappa == pytest.approx(0.5) and found.low < 0.5 < found.high and found.accuracy == 0.75


def test_shipped_files_have_their_checksums() -> None:
    lines = (SHIPPED.parent / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = {path.relative_to(SHIPPED.parent).as_posix(): sha256_file(path) for path in SHIPPED.iterdir()}
    assert files == listed
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 1_000_000


def test_shipped_head_belongs_to_the_data_beside_it() -> None:
    head = load_head(SHIPPED)
    about = json.loads((SHIPPED / "head.json").read_text(encoding="utf-8"))
    assert head.tensors["states"].shape == (2, 576) and np.linalg.norm(head.tensors["probe"]) > 1
    assert about["data"] == {name: sha256_file(DATA / name)[:16] for name in FILES}
    table = about["calibration"]["table"]
    assert len(table) >= 8 and all(0 <= row["refusals"] <= 1 for row in table)
    assert table[0]["refusals"] < 0.2 < 0.8 < table[-1]["refusals"]
    assert 0 < about["calibration"]["expected_calibration_error"] < 0.15
    assert head.calibration.slope > 0
