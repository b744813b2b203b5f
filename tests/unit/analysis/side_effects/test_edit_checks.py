"""The checks of baked edits at a realistic width and depth, in every pair of stored and run number formats.

The network has the shape of a real model of 135 M parameters (30 blocks of width 576) and random weights. Right edits
stay well within the bounds of both checks, and sabotaged ones far outside; how far is what docs/method.md reports.
"""

import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.unit.analysis.side_effects.conftest import subject_of
from transformers import LlamaConfig, LlamaForCausalLM

from steadfast.analysis.side_effects import measures_of_gates
from steadfast.analysis.side_effects.model_under_test import ModelUnderTest
from steadfast.analysis.side_effects.scores import score_table
from steadfast.analysis.side_effects.weights import hook_agreement, module_agreement
from steadfast.attacks.activations import extract_activations
from steadfast.attacks.baking import bake
from steadfast.attacks.baking.verification import record
from steadfast.attacks.direction_search.search import find_direction
from steadfast.attacks.edits import build_edit
from steadfast.attacks.gates import verification_of
from steadfast.attacks.interventions.writers import edited_modules
from steadfast.models.loading import load_model

pytestmark = pytest.mark.slow

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
MEASURES = {
    name: module.build(module.Settings(intervention_prompts=4))
    for name, module in (("module_agreement", module_agreement), ("hook_agreement", hook_agreement))
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


@dataclass(frozen=True)
class Baked:
    """An edited model and its original, both loaded, with what both checks recorded of the original."""

    original: ModelUnderTest
    variant: ModelUnderTest
    references: dict[str, Any]

    def verify(self, *measures):
        """What the checks say, or some of them."""
        scores = score_table("steadfast.analysis.side_effects.weights", self._scores(measures or MEASURES))
        return verification_of(scores, measures_of_gates())

    def deviations(self):
        """How far each module is from the edit, in multiples of the bound, by its name."""
        return {score.item: abs(score.value) for score in self._scores(["module_agreement"])["module_agreement"]}

    def _scores(self, measures):
        return {name: MEASURES[name].score(self.variant, self.references[name]) for name in measures}

    @contextmanager
    def sabotaged(self, changes):
        """Weights changed in memory, by patterns of their names, from the edited and the original ones."""
        weights, before = self.variant.access.model.state_dict(), self.original.access.model.state_dict()
        kept = {}
        for pattern, change in changes.items():
            for name in filter(re.compile(pattern).search, weights):
                kept[name] = weights[name].clone()
                weights[name].copy_(change(weights[name].float(), before[name].float()))
        yield
        for name, weight in kept.items():
            weights[name].copy_(weight)


@pytest.fixture
def baked(wide, found, table):
    """Bakes an edit, and gives what the checks compare in every number format of a run."""
    folder, _ = wide

    def bake_and_load(run_formats, settings, direction="mean", bakes=None):
        out = folder.parent / "out"
        bake(folder, found[bakes or direction], settings, out)
        described = {"direction_path": found[direction], "edit": settings}
        for run_format in run_formats:
            original, variant = (
                replace(subject, access=replace(subject.access, dtype=run_format, batch_tokens=1000))
                for subject in (
                    subject_of("original", folder, table, None),
                    subject_of("edited", out, table, None, **described),
                )
            )
            references = {name: measure.reference(original, [variant]) for name, measure in MEASURES.items()}
            yield run_format, Baked(original, variant, references)
        shutil.rmtree(out)

    return bake_and_load


def leave_out(edited, original):
    """The module was missed."""
    return original


def do_half(edited, original):
    """Half of the scale."""
    return (edited + original) / 2


def take_the_wrong_axis(edited, original):
    """Of a square matrix the transposed change is made."""
    return original + (edited - original).T


SABOTAGES = {
    "half of the scale": (r"layers\.\d\.", do_half, r"block \d,"),
    "the wrong axis": (r"layers\.1[0-4]\.self_attn\.o_proj", take_the_wrong_axis, r"block 1[0-4], attention"),
    "one block of thirty missed": (r"layers\.15\.", leave_out, r"block 15,"),
    "the last matrix missed, after which little follows": (
        r"layers\.29\.mlp\.down_proj",
        leave_out,
        r"block 29, MLP",
    ),
}
"""Each at modules of its own, so that one look at all of them tells of each: tensors, what is made of them, modules."""


def assert_right(result):
    assert (result.verified, result.failures) == ("yes", ())
    assert result.module_deviation < RIGHT
    assert not result.hook_deviation > RIGHT


@pytest.mark.parametrize("wide", FORMATS, indirect=True)
def test_right_edits_pass_and_sabotaged_ones_fail(baked):
    for run_format, model in baked(FORMATS, ORTHOGONALIZE):
        right = model.verify()
        assert right.modules_checked == 60
        assert_right(right)
        with model.sabotaged({tensors: change for tensors, change, _ in SABOTAGES.values()}):
            found = model.deviations()
        for name, (_, _, modules) in SABOTAGES.items():
            sabotaged = [module for module in found if re.match(modules, module)]
            assert sabotaged, name
            assert max(found.pop(module) for module in sabotaged) > 20, (run_format, name)
        assert max(found.values()) < RIGHT, run_format
        # what changes much is seen in the answers as well, in every format
        with model.sabotaged({"": do_half}):
            assert model.verify("hook_agreement").hook_deviation > 1, run_format


@SHARED
def test_unedited_checkpoint_fails_hook_agreement(baked):
    for run_format, model in baked(RUN, ORTHOGONALIZE):
        with model.sabotaged({"": leave_out}):
            assert model.verify("hook_agreement").hook_deviation > WRONG, run_format


@SHARED
def test_one_missed_module_fails_the_edit(baked):
    for _, model in baked(["bfloat16"], ORTHOGONALIZE):
        with model.sabotaged({r"layers\.29\.mlp\.down_proj": leave_out}):
            result = model.verify("module_agreement")
        assert result.verified == "no"
        assert [failure.gate for failure in result.failures] == ["modules"]
        assert result.failures[0].reason.startswith("1 of 60 edited modules do not apply the edit: block 29, MLP")


@SHARED
@pytest.mark.parametrize("method", sorted(set(EDITS) - {"orthogonalize"}))
def test_module_check_covers_every_edit_method(baked, method):
    for run_format, model in baked(RUN, EDITS[method]):
        assert_right(model.verify())
        for sabotage in (do_half, leave_out):
            with model.sabotaged({"": sabotage}):
                assert model.verify("module_agreement").module_deviation > WRONG, (run_format, sabotage)


@SHARED
def test_wrong_direction_fails_modules_and_responses(baked):
    for _, model in baked(RUN, ORTHOGONALIZE, direction="mean", bakes="other"):
        assert {failure.gate for failure in model.verify().failures} == {"modules", "answers"}


@SHARED
def test_edit_along_a_random_direction_is_verified(baked):
    """The model hardly uses it, so that its answers tell little; its modules tell all."""
    for _, model in baked(RUN, ORTHOGONALIZE, direction="random"):
        assert_right(model.verify())
        with model.sabotaged({r"layers\.29\.mlp\.down_proj": leave_out}):
            assert model.verify("module_agreement").failures[0].gate == "modules"


@SHARED
def test_damage_to_unedited_matrices_fails_hook_agreement(baked):
    """Matrices that no edit reaches: all modules are as asked."""
    damage = {
        r"layers\.3\.self_attn\.q_proj": lambda edited, _: edited.flip(0),
        r"layers\.3\.mlp\.up_proj": lambda edited, _: edited * 2,
    }
    for _, model in baked(["float32"], ORTHOGONALIZE):
        with model.sabotaged(damage):
            result = model.verify()
        assert result.module_deviation < RIGHT
        assert [failure.gate for failure in result.failures] == ["answers"]
