"""The checks of a baked edit know every architecture: what hooks and modules do is what the edited weights do."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.sweeps import sweep
from tests.unit.models.architectures.test_architectures import FEW, HIDDEN, TEXT_ONLY, tiny_model
from transformers import AutoModelForCausalLM

from steadfast.attacks.activations.logits import next_token_log_probabilities
from steadfast.attacks.baking import bake, write_edited
from steadfast.attacks.baking.verification import applied_shares, distance, hooked, rebuilt_edit, record, target_outputs
from steadfast.attacks.directions import Direction, load_direction
from steadfast.attacks.interventions.writers import edited_modules
from steadfast.models.loading import load_model

TARGETS = ["attention_output", "mlp_output"]
EDITS = {
    "orthogonalize": {"method": "orthogonalize", "targets": [*TARGETS, "embedding"], "scale": 0.7},
    "norm_preserving": {"method": "norm_preserving", "targets": [*TARGETS, "embedding"]},
    "projected": {"method": "projected", "targets": TARGETS, "preserve_norm": True, "scale": 1.5},
    "biprojected": {"method": "biprojected", "targets": TARGETS, "kernel": {"peak": 0.5, "width": 0.6, "edge": 0.2}},
    "rank_one": {"method": "rank_one", "layer": 1},
}
PROMPTS = [[3, 4, 5, 6], [7, 8, 9], [10, 11, 12, 13, 14], [20, 21]]
# experts have no columns that a hook could stretch, and are no single memory
EXPERTS = {"deepseek_v2", "deepseek_v3", "glm4_moe", "gpt_oss", "llama4_text", "mixtral", "olmoe", "qwen2_moe"}
EXPERTS |= {"glm4_moe_lite", "granitemoehybrid", "qwen3_5_moe_text", "qwen3_moe", "qwen3_next"}
FOUR_TIMES_WIDER = {"falcon"}
STRETCHED = {"norm_preserving", "projected"}
BEHIND_NORMS = {"exaone4", "gemma2", "gemma3_text", "gemma4_text", "glm4", "olmo2", "olmo3"}
CASES = [
    (model_type, method)
    for model_type in TEXT_ONLY
    for method in EDITS
    if not (method == "rank_one" and (model_type in EXPERTS or model_type in BEHIND_NORMS))
]
# where time matters, one architecture of each kind is tried with one edit, and one architecture with every edit
QUICK = [case for case in CASES if (case[1] == "orthogonalize" and case[0] in FEW) or case[0] == "llama"]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Gives the tiny original of an architecture and its folder; the tests leave both as they are."""

    @cache
    def made(model_type):
        folder = tmp_path_factory.mktemp(model_type)
        model = tiny_model(model_type)
        model.save_pretrained(folder)
        return model, folder

    return made


@pytest.fixture(scope="module")
def direction_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("direction") / "direction.safetensors"
    rng = np.random.default_rng(1)
    vector = rng.standard_normal(HIDDEN)
    tensors = {name: rng.standard_normal(HIDDEN) for name in ("harmful_mean", "harmless_mean")}
    tensors |= {name: 0.3 * rng.standard_normal((3, HIDDEN)) for name in ("harmful_means", "harmless_means")}
    rows = (vector / np.linalg.norm(vector))[None].astype(np.float32)
    Direction(rows, method="random", tensors=tensors).save(path)
    return path


def with_keys(path, width):
    """The direction with keys as wide as what the output projection takes."""
    found, rng = load_direction(path), np.random.default_rng(2)
    keys = {"key": rng.standard_normal(width), "key_solved": rng.standard_normal(width)}
    replace(found, tensors={**found.tensors, **keys}, details={"keys_layer": 1}).save(
        path.with_name(f"{width}.safetensors")
    )
    return path.with_name(f"{width}.safetensors")


def answers(model):
    return next_token_log_probabilities(model, PROMPTS, 100, 0)


def modules(original, edited, edit, direction):
    """Applied shares by module, of those that can be checked, and the names of all edited ones."""
    sites = edited_modules(original, edit)
    recordings = dict(zip([site.name for site in sites], record(original, sites, PROMPTS, 100, 0), strict=True))
    asked = {site.name: target_outputs(edit, site, direction, recordings[site.name]) for site in sites}
    asked = {name: outputs for name, outputs in asked.items() if outputs is not None}
    return applied_shares(edited, edit, torch.float32, recordings, asked), [site.name for site in sites]


@pytest.mark.parametrize(("model_type", "method"), sweep(CASES, QUICK))
def test_interventions_and_module_edits_match_the_edited_weights(source, model_type, method, direction_path, tmp_path):
    settings = EDITS[method]
    direction_path = with_keys(direction_path, 4 * HIDDEN if model_type in FOUR_TIMES_WIDER else HIDDEN)
    direction = load_direction(direction_path)
    original, folder = source(model_type)
    bake(folder, direction_path, settings, tmp_path)
    edited = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    if method == "orthogonalize":
        write_edited(folder, direction_path, settings, tmp_path / "auto")
        loaded = load_model(tmp_path / "auto", dtype="float32").state_dict()
        assert all(torch.equal(value, loaded[name]) for name, value in edited.state_dict().items())
    edit = rebuilt_edit(settings)
    plain = answers(original)
    hooks = hooked(original, edit, direction)
    no_form = method in STRETCHED and model_type in EXPERTS
    assert (hooks is None) == no_form
    if hooks is not None:
        with hooks:
            found = answers(original)
        assert float(distance(found, answers(edited)).max()) < 1e-5 < float(distance(found, plain).mean())
        assert torch.equal(answers(original), plain), "the hooks are gone"
    shares, names = modules(original, edited, edit, direction)
    missing = [name for name in names if name not in shares]
    assert not missing or (no_form and all("MLP" in name for name in missing))
    assert shares
    assert max(abs(result.share - 1) for result in shares.values()) < 1e-4
    assert max(result.bound for result in shares.values()) == pytest.approx(0.02)
    unedited, _ = modules(original, original, edit, direction)
    assert max(abs(result.share) for result in unedited.values()) < 1e-4


@pytest.mark.parametrize("model_type", ["llama", "gpt2", "gemma2", "mixtral", "gpt_oss"])
def test_run_time_check_names_a_missed_module(source, model_type, direction_path, tmp_path):
    settings, direction = EDITS["orthogonalize"], load_direction(direction_path)
    original, folder = source(model_type)
    bake(folder, direction_path, settings, tmp_path)
    before, after = (load_file(each / "model.safetensors") for each in (folder, tmp_path))
    missed = [name for name in after if re.search(r"(layers|h)\.1\..*(mlp|moe)", name)]
    changed = after | {name: before[name] for name in missed}
    save_file(changed, tmp_path / "model.safetensors", metadata={"format": "pt"})
    edited = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    shares, _ = modules(original, edited, rebuilt_edit(settings), direction)
    off = {name: result.share for name, result in shares.items() if abs(result.share - 1) > result.bound}
    assert list(off) == ["block 1, MLP output"]
    assert off["block 1, MLP output"] == pytest.approx(0, abs=1e-4)
