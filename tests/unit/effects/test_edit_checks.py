"""The checks of baked edits at a realistic width and depth, in every pair of stored and run number formats.

The network has the shape of a real model of 135 M parameters (30 blocks of width 576) and random weights. Right edits
stay well within the bounds of both checks, and sabotaged ones far outside; how far is what docs/method.md reports.
"""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.unit.effects.conftest import subject_of
from transformers import LlamaConfig, LlamaForCausalLM

from steadfast.activations import extract_activations
from steadfast.checkpoints import bake
from steadfast.checkpoints.verification import record
from steadfast.direction_search import find_direction
from steadfast.edits import build_edit
from steadfast.effects.scores import score_table
from steadfast.effects.weights import hook_agreement, module_agreement
from steadfast.hooks._writers import edited_modules
from steadfast.models.loading import load_model
from steadfast.tables.gates import verification_of

FORMATS = ["float32", "bfloat16", "float16"]
SHARED = pytest.mark.parametrize("wide", ["bfloat16"], indirect=True)
"""The coarsest stored format, for what need not be tried in all."""
LAYER = 0.6
BLOCK = 18
TARGETS = ["attention_output", "mlp_output"]
ORTHOGONALIZE = {"method": "orthogonalize", "targets": TARGETS}
EDITS = {
    "orthogonalize": ORTHOGONALIZE,
    "weak": {**ORTHOGONALIZE, "scale": 0.3},
    "one block": {**ORTHOGONALIZE, "layers": [BLOCK, BLOCK]},
    "norm_preserving": {"method": "norm_preserving", "targets": TARGETS},
    "biprojected": {"method": "biprojected", "targets": TARGETS, "preserve_norm": True},
    "rank_one": {"method": "rank_one", "layer": LAYER},
}
RIGHT, WRONG = 0.6, 2.0
"""Right edits stay below the one and sabotaged ones above the other, in multiples of the bound."""


@pytest.fixture(scope="module")
def wide(request, checkpoint, tmp_path_factory):
    """A folder with the network, stored in a format, and the format; it is large, and removed at the end."""
    folder = shutil.copytree(checkpoint, tmp_path_factory.mktemp("wide") / "source")
    config = LlamaConfig.from_pretrained(
        folder,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).to(getattr(torch, request.param)).save_pretrained(folder)
    yield folder, request.param
    shutil.rmtree(folder.parent)


@pytest.fixture(scope="module")
def found(wide, table):
    """Files of the direction, of the one of another layer and of a random one."""
    folder, _ = wide
    activations = extract_activations(folder, table, device="cpu", dtype="float32")
    paths = {name: folder.parent / f"{name}.safetensors" for name in ("mean", "other", "random")}
    mean = find_direction({"method": "mean_difference", "layer": LAYER}, activations, seed=0)
    replace(
        mean,
        tensors={**mean.tensors, **keys(folder, table)},
        details={**mean.details, "keys_layer": BLOCK},
    ).save(paths["mean"])
    find_direction({"method": "mean_difference", "layer": 0.3}, activations, seed=0).save(paths["other"])
    find_direction({"method": "random"}, activations, seed=0).save(paths["random"])
    return paths


def keys(folder, table):
    """What a rank-one edit needs: the harmful prompts' mean key, with a second moment that is a multiple of 1."""
    model = load_model(folder, dtype="float32", device="cpu")
    sites = edited_modules(model, build_edit(EDITS["rank_one"]))
    encoded = subject_of("original", folder, table, None).access.encode(
        list(table.loc[table["label"] == "harmful", "prompt_id"])
    )
    key = record(model, sites, encoded, 1000, 0)[0].inputs.double().mean(dim=0).numpy()
    return {"key": key, "key_solved": key / float(np.mean(key**2))}


@pytest.fixture
def checks(wide, found, table):
    """Runs both checks on a baked edit, and on what a sabotage makes of it in memory."""
    folder, _ = wide
    measures = {"module_agreement": module_agreement.build(6), "hook_agreement": hook_agreement.build(6)}

    def run(run_format, settings, direction="mean", sabotages=(), bakes=None):
        def subject(variant, path, **fields):
            found_subject = subject_of(variant, path, table, None, **fields)
            return replace(found_subject, access=replace(found_subject.access, dtype=run_format))

        out = folder.parent / "out"
        bake(folder, found[bakes or direction], settings, out)
        original = subject("original", folder)
        variant = subject("edited", out, direction_path=found[direction], edit=settings)
        references = {name: measure.reference(original, [variant]) for name, measure in measures.items()}

        def verify():
            scores = {name: measure.score(variant, references[name]) for name, measure in measures.items()}
            return verification_of(score_table("steadfast.effects.weights", scores))

        results = {"right": verify()}
        for sabotage in sabotages:
            weights = {name: value.clone() for name, value in variant.access.model.state_dict().items()}
            before = original.access.model.state_dict()
            with torch.no_grad():
                sabotage(variant.access.model.state_dict(), before)
            results[sabotage.__name__] = verify()
            variant.access.model.load_state_dict(weights)
        for name, result in results.items():
            print(f"{run_format} {settings['method']} {direction} {name}: {result}")
        shutil.rmtree(out)
        return results

    return run


def skip_a_block(weights, before):
    """One of thirty blocks was missed."""
    for name in weights:
        if ".layers.15." in name:
            weights[name].copy_(before[name])


def skip_a_matrix(weights, before):
    """One of sixty matrices was missed, the last one, after which little follows."""
    name = "model.layers.29.mlp.down_proj.weight"
    weights[name].copy_(before[name])


def do_half(weights, before):
    """Half of the strength."""
    for name in weights:
        weights[name].copy_((weights[name].float() + before[name].float()) / 2)


def take_the_wrong_axis(weights, before):
    """Of the square matrices the transposed change is made."""
    for name in weights:
        if name.endswith("o_proj.weight"):
            weights[name].copy_(before[name].float() + (weights[name].float() - before[name].float()).T)


def do_nothing(weights, before):
    """The original was copied."""
    for name in weights:
        weights[name].copy_(before[name])


SABOTAGES = [skip_a_block, skip_a_matrix, do_half, take_the_wrong_axis, do_nothing]


def assert_right(result):
    assert (result.verified, result.failures) == ("yes", ())
    assert result.module_deviation < RIGHT
    assert not result.hook_deviation > RIGHT


@pytest.mark.parametrize("run_format", FORMATS)
@pytest.mark.parametrize("wide", FORMATS, indirect=True)
def test_right_edits_pass_and_sabotaged_ones_fail(checks, run_format):
    results = checks(run_format, ORTHOGONALIZE, sabotages=SABOTAGES)
    assert results["right"].modules_checked == 60
    assert_right(results.pop("right"))
    for name, result in results.items():
        assert result.verified == "no", name
        assert result.failures[0].gate == "modules", name
        assert result.module_deviation > 20, name
    # what changes much is seen in the answers as well, in every format
    assert min(results[by.__name__].hook_deviation for by in (do_half, do_nothing)) > WRONG


@SHARED
@pytest.mark.parametrize("run_format", ["float32", "bfloat16"])
@pytest.mark.parametrize("method", sorted(set(EDITS) - {"orthogonalize"}))
def test_every_edit_has_a_check_of_its_own(checks, run_format, method):
    results = checks(run_format, EDITS[method], sabotages=[do_half, do_nothing])
    assert_right(results["right"])
    assert min(results[by.__name__].module_deviation for by in (do_half, do_nothing)) > WRONG


@SHARED
@pytest.mark.parametrize("run_format", ["float32", "bfloat16"])
def test_the_direction_of_another_layer_fails(checks, run_format):
    result = checks(run_format, ORTHOGONALIZE, direction="mean", bakes="other")["right"]
    assert result.verified == "no"
    assert {failure.gate for failure in result.failures} == {"modules", "answers"}


@SHARED
@pytest.mark.parametrize("run_format", ["float32", "bfloat16"])
def test_a_random_direction_is_verified_as_well(checks, run_format):
    """The model hardly uses it, so that its answers tell little; its modules tell all."""
    results = checks(run_format, ORTHOGONALIZE, direction="random", sabotages=[skip_a_matrix])
    assert_right(results["right"])
    assert results["skip_a_matrix"].failures[0].gate == "modules"


@SHARED
def test_damage_beside_the_edit_is_seen_in_the_answers(checks):
    """A matrix that no edit reaches: all modules are as asked."""

    def shuffle_a_query(weights, before):
        name = "model.layers.3.self_attn.q_proj.weight"
        weights[name].copy_(before[name].flip(0))
        weights["model.layers.3.mlp.up_proj.weight"].mul_(2)

    result = checks("float32", ORTHOGONALIZE, sabotages=[shuffle_a_query])["shuffle_a_query"]
    assert result.module_deviation < RIGHT
    assert [failure.gate for failure in result.failures] == ["answers"]
