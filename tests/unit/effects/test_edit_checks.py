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
from steadfast.models.weights import open_checkpoint
from steadfast.tables.gates import verification_of

FORMATS = ["float32", "bfloat16", "float16"]
RUN = ["float32", "bfloat16"]
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
RIGHT, WRONG = 0.8, 2.0
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
        head_dim=64,
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
    measures = {"module_agreement": module_agreement.build(4), "hook_agreement": hook_agreement.build(4)}

    def run(run_formats, settings, direction="mean", sabotages=(), bakes=None):
        out = folder.parent / "out"
        bake(folder, found[bakes or direction], settings, out)
        for run_format in run_formats:
            described = {"direction_path": found[direction], "edit": settings}
            original, variant = (
                replace(subject, access=replace(subject.access, dtype=run_format))
                for subject in (
                    subject_of("original", folder, table, None),
                    subject_of("edited", out, table, None, **described),
                )
            )
            yield run_format, results_of(original, variant, sabotages)
        shutil.rmtree(out)

    def results_of(original, variant, sabotages):
        references = {name: measure.reference(original, [variant]) for name, measure in measures.items()}

        def verify():
            scores = {name: measure.score(variant, references[name]) for name, measure in measures.items()}
            return verification_of(score_table("steadfast.effects.weights", scores))

        results = {"right": verify()}
        weights, before = variant.access.model.state_dict(), original.access.model.state_dict()
        baked = {name: weight.clone() for name, weight in weights.items()} if sabotages else {}
        for sabotage in sabotages:
            sabotage(weights, before)
            results[sabotage.__name__] = verify()
            for name, weight in weights.items():
                weight.copy_(baked[name])
        for name, result in results.items():
            print(f"{weights_format(folder)} {variant.access.dtype} {variant.edit} {name}: {result}")
        return results

    return run


def weights_format(folder):
    return next(iter(open_checkpoint(folder).entries.values())).dtype


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


@pytest.mark.parametrize("wide", FORMATS, indirect=True)
def test_right_edits_pass_and_sabotaged_ones_fail(checks):
    for run_format, results in checks(FORMATS, ORTHOGONALIZE, sabotages=SABOTAGES):
        assert results["right"].modules_checked == 60
        assert_right(results.pop("right"))
        for name, result in results.items():
            assert result.verified == "no", (run_format, name)
            assert result.failures[0].gate == "modules", (run_format, name)
            assert result.module_deviation > 20, (run_format, name)
        # what changes much is seen in the answers as well, in every format
        assert results["do_half"].hook_deviation > 1, run_format
        assert results["do_nothing"].hook_deviation > WRONG, run_format


@SHARED
@pytest.mark.parametrize("method", sorted(set(EDITS) - {"orthogonalize"}))
def test_every_edit_has_a_check_of_its_own(checks, method):
    for run_format, results in checks(RUN, EDITS[method], sabotages=[do_half, do_nothing]):
        assert_right(results["right"])
        sabotaged = [results[by.__name__].module_deviation for by in (do_half, do_nothing)]
        assert min(sabotaged) > WRONG, run_format


@SHARED
def test_the_direction_of_another_layer_fails(checks):
    for _, results in checks(RUN, ORTHOGONALIZE, direction="mean", bakes="other"):
        assert {failure.gate for failure in results["right"].failures} == {"modules", "answers"}


@SHARED
def test_a_random_direction_is_verified_as_well(checks):
    """The model hardly uses it, so that its answers tell little; its modules tell all."""
    for _, results in checks(RUN, ORTHOGONALIZE, direction="random", sabotages=[skip_a_matrix]):
        assert_right(results["right"])
        assert results["skip_a_matrix"].failures[0].gate == "modules"


@SHARED
def test_damage_beside_the_edit_is_seen_in_the_answers(checks):
    """Matrices that no edit reaches: all modules are as asked."""

    def damage_readers(weights, before):
        name = "model.layers.3.self_attn.q_proj.weight"
        weights[name].copy_(before[name].flip(0))
        weights["model.layers.3.mlp.up_proj.weight"].mul_(2)

    for _, results in checks(["float32"], ORTHOGONALIZE, sabotages=[damage_readers]):
        assert results["damage_readers"].module_deviation < RIGHT
        assert [failure.gate for failure in results["damage_readers"].failures] == ["answers"]
