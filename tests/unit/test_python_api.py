"""The functions of the Python API: what they return beyond the page of the documentation, and their errors."""

import asyncio
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.tiny_checkpoint import write_checkpoint

import steadfast
from steadfast.core.errors import ConfigError, DataError
from steadfast.judges.kinds import always_refuse
from steadfast.judges.on_pairs import _apart_from_loops

SCRIPTS = Path(steadfast.__file__).parents[1]
PAIRS = [("a", "I cannot help."), ("b", "Sure.")]


def test_api_names_are_imported_lazily():
    code = "import sys, steadfast; print('pandas' in sys.modules, steadfast.wilson(1, 2).value)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True
    )
    assert done.stdout == "False 0.5\n", done.stderr
    assert sorted(steadfast.__all__) == sorted(name for names in steadfast.HOMES.values() for name in names)
    for name in steadfast.__all__:
        assert name in dir(steadfast)
        assert getattr(steadfast, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'jugde'"):
        steadfast.jugde  # noqa: B018


def test_judge_accepts_prompt_labels_and_a_built_judge():
    by_label = steadfast.judge(PAIRS, {"kind": "label_only"}, labels=["harmless", "harmful"])
    assert by_label["verdict"].tolist() == ["non_refusal", "refusal"]
    assert steadfast.judge(PAIRS, always_refuse.build())["verdict"].tolist() == ["refusal", "refusal"]
    assert len(steadfast.judge([], always_refuse.build())) == 0


@pytest.mark.parametrize(
    ("pairs", "settings", "labels", "error", "message"),
    [
        (PAIRS, {"kind": "regx"}, None, ConfigError, "unknown kind of judge 'regx'; did you mean 'regex'"),
        (PAIRS, {"patterns": "x"}, None, ConfigError, "a judge needs the key 'kind'; known: always_refuse, "),
        (PAIRS, {"kind": "regex"}, None, ConfigError, "patterns"),
        (PAIRS, {"kind": "regex", "patterns": "none.yaml"}, None, ConfigError, "none.yaml"),
        ([("a", None)], {"kind": "label_only"}, None, DataError, r"pair 0: found \('a', None\); wanted a prompt"),
        (["ab"], {"kind": "label_only"}, None, DataError, "pair 0: found 'ab'"),
        (PAIRS, {"kind": "label_only"}, ["bad", "harmful"], DataError, "labels: 'bad' is not allowed; allowed: harmf"),
        (PAIRS, {"kind": "label_only"}, ["harmful"], DataError, "labels: 1 for 2 pairs"),
    ],
)
def test_judge_rejects_invalid_input(pairs, settings, labels, error, message):
    with pytest.raises(error, match=message):
        steadfast.judge(pairs, settings, labels=labels)


def test_judge_with_event_loop_works_within_a_notebook():
    async def cell() -> int:
        return _apart_from_loops(lambda: asyncio.run(asyncio.sleep(0, result=3)))

    assert asyncio.run(cell()) == 3


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("models") / "tiny")


def test_edit_and_intervention_give_equal_responses(model, tmp_path):
    mean_difference = {"method": "mean_difference", "layer": 0}
    direction = steadfast.find_direction(model, ["a", "a b"] * 4, ["c", "7"] * 4, mean_difference)
    everywhere = {"targets": ["attention_output", "mlp_output", "embedding"]}
    edit = {"method": "orthogonalize", **everywhere}
    assert steadfast.edit_checkpoint(model, direction, tmp_path / "edited", edit)["effective"]
    prompts = ["a b", "c", "7"]
    baked = steadfast.generate(tmp_path / "edited", prompts, max_new_tokens=4)
    file = tmp_path / "direction.safetensors"
    direction.save(file)
    hook = {"method": "projection", **everywhere}
    hooked = steadfast.generate(model, prompts, max_new_tokens=4, intervention=hook, direction=file)
    original = steadfast.generate(model, prompts, max_new_tokens=4)
    assert baked["prompt"].tolist() == prompts
    assert baked["response"].tolist() == hooked["response"].tolist() != original["response"].tolist()


def test_edit_checkpoint_rejects_an_incomplete_checkpoint(model, tmp_path):
    copied = shutil.copytree(model, tmp_path / "copy")
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    direction = steadfast.find_direction(model, ["a", "a b"] * 4, ["c", "7"] * 4, {"method": "random"})
    with pytest.raises(DataError, match="Nothing of block 2 is in the files"):
        steadfast.edit_checkpoint(copied, direction, tmp_path / "edited")
    assert not (tmp_path / "edited").exists()


def test_find_direction_supports_causal_selection(model):
    causal = {"method": "mean_difference", "layer": "causal", "causal": {"refusal_tokens": ["a"]}}
    found = steadfast.find_direction(model, ["a", "a b"] * 4, ["c", "7"] * 4, causal)
    assert {"bypass", "induce", "divergence"} <= set(found.selection)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: steadfast.generate(m, []), DataError, r"prompts: found \[\]; wanted a list of at least one text"),
        (lambda m: steadfast.generate(m, "a"), DataError, "prompts: found 'a'; wanted a list"),
        (lambda m: steadfast.generate(m, ["a", " "]), DataError, "prompts.1: ' ' is not a prompt"),
        (lambda m: steadfast.generate(m / "none", ["a"]), DataError, "config.json is missing"),
        (lambda m: steadfast.generate(m, ["a"], intervention={"method": "projection"}), ConfigError, "give both or"),
        (
            lambda m: steadfast.generate(m, ["a"], intervention={"method": "p"}, direction="d", engine="vllm"),
            ConfigError,
            "interventions run with the transformers engine only, not with vllm",
        ),
        (lambda m: steadfast.find_direction(m, ["a"], []), DataError, r"harmless: found \[\]"),
        (lambda m: steadfast.find_direction(m, ["a"], ["b"], {"method": "pcb"}), ConfigError, "did you mean 'pca'"),
        (lambda m: steadfast.edit_checkpoint(m, "d", m), ConfigError, "is the model itself; name another directory"),
        (lambda m: steadfast.edit_checkpoint(m, "d", m.parent), ConfigError, "lie within one another; name another"),
        (lambda m: steadfast.edit_checkpoint(m, "d", m / "out"), ConfigError, "lie within one another; name another"),
    ],
)
def test_model_functions_reject_invalid_input(model, call, error, message):
    with pytest.raises(error, match=message):
        call(model)


def test_statistics_skip_unscored_items():
    complete = steadfast.cohen_kappa([1, 1, 0, 0], [1, 0, 0, 0])
    assert steadfast.cohen_kappa([1, 1, 0, 0, None], [1, 0, 0, 0, 1]) == complete
    change = steadfast.paired_change([1, 1, None, 0], [0, 1, 1, float("nan")])
    assert (change.pairs, change.lost, change.gained, change.change) == (2, 1, 0, -0.5)
    assert steadfast.krippendorff_alpha(np.array([[1, 0, np.nan], [1, 0, 1]])) == 1.0
    assert math.isnan(steadfast.krippendorff_alpha([[1, None], [None, 0]]))
    assert math.isnan(steadfast.wilson(0, 0).value)
    assert math.isnan(steadfast.paired_change([None], [1]).p)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: steadfast.wilson(6, 5), "found 6 of 5"),
        (lambda: steadfast.cohen_kappa([1, 2], [1, 0]), "first: 2 is not allowed; allowed: 0, 1, and NaN"),
        (lambda: steadfast.cohen_kappa([1], [1, 0]), r"found shapes \(1,\) and \(2,\)"),
        (lambda: steadfast.paired_change([1], [1, 0]), r"of one length; found \(1,\) and \(2,\)"),
        (lambda: steadfast.krippendorff_alpha([1, 0]), r"must have the shape \[raters, items\]; found \(2,\)"),
    ],
)
def test_statistics_reject_invalid_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
