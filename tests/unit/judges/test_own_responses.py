"""Variants that judge their own responses in one process: the verdicts that each gives alone, each made once."""

import numpy as np
import pandas as pd
import pytest

from steadfast.attacks.baking import bake, keep_factors
from steadfast.attacks.directions import Direction
from steadfast.core.files import read_table, write_table
from steadfast.judges.interface import cases_of
from steadfast.judges.kinds import self as self_judge
from steadfast.judges.own_responses import OwnResponses, judge_own_responses
from steadfast.models import loading
from steadfast.models.pointer import checkpoint_path

PROMPTS = pd.DataFrame({"prompt_id": ["a", "b"], "text": ["How?", "Why?"], "label": ["harmful", "harmless"]})
EDIT = {"method": "orthogonalize", "targets": ["attention_output", "mlp_output"]}


@pytest.fixture
def loads(monkeypatch):
    seen = []
    real = loading.load_original
    monkeypatch.setattr(loading, "load_original", lambda *place: seen.append(place[0]) or real(*place))
    return seen


@pytest.fixture
def family(tmp_path, checkpoint, template_file):
    width = loading.load_model(checkpoint, device="cpu").config.hidden_size
    row = np.random.default_rng(0).standard_normal((1, width))
    Direction((row / np.linalg.norm(row)).astype(np.float32), method="random").save(tmp_path / "d.safetensors")
    keep_factors(checkpoint, tmp_path / "d.safetensors", EDIT, tmp_path / "edited")
    bake(checkpoint, tmp_path / "d.safetensors", EDIT, tmp_path / "baked")
    for variant in ("original", "edited", "other"):
        texts = [f"I am sorry, {variant}.", f"Mix flour, {variant}."]
        rows = pd.DataFrame({"prompt_id": ["a", "b"], "sample": [0, 0], "response": texts})
        write_table(tmp_path / f"{variant}.parquet", rows)
    settings = {"kind": "self", "prompt": str(template_file), "minimum_mass": 0, "labels": {}}
    return tmp_path, {"original": checkpoint, "edited": tmp_path / "edited"}, settings


def judge(family, variants):
    folder, checkpoints, settings = family
    judge_own_responses(
        [
            OwnResponses(
                name,
                {**settings, "checkpoint": str(checkpoints[name])},
                str(folder / f"{name}.parquet"),
                str(folder / "judgments" / f"{name}.parquet"),
                str(folder / "control" / f"{name}.parquet"),
            )
            for name in variants
        ],
        [("other", "original", str(folder / "other.parquet"))],
        PROMPTS,
        files=[settings["prompt"]],
        cache=folder / "cache",
        size=2,
        seed=0,
        device="cpu",
    )
    return {name: read_table(folder / "judgments" / f"{name}.parquet") for name in variants}


def test_variants_in_one_batch_judge_like_single_ones(family, loads):
    folder, _, settings = family
    found = judge(family, ["edited", "original"])
    assert len(loads) == 1
    alone = {key: value for key, value in settings.items() if key != "kind"}
    for name, checkpoint in (("edited", folder / "baked"), ("original", checkpoint_path(folder / "edited"))):
        cases = cases_of(read_table(folder / f"{name}.parquet"), PROMPTS)
        verdicts = self_judge.build(checkpoint=str(checkpoint), device="cpu", **alone).judge(cases)
        assert found[name]["score"].tolist() == pytest.approx([verdict.score for verdict in verdicts], abs=1e-5)
    assert found["edited"]["score"].tolist() != found["original"]["score"].tolist()
    control = read_table(folder / "control" / "edited.parquet")
    assert control["prompt_id"].tolist() == ["a", "b"] and set(control["model"]) == {"other"}


def test_cached_self_judgments_are_reused(family, loads):
    first = judge(family, ["original"])
    again = judge(family, ["original", "edited"])
    assert len(loads) == 2, "the second time for the edited variant alone"
    pd.testing.assert_frame_equal(first["original"], again["original"])
    judge(family, ["original", "edited"])
    assert len(loads) == 2
