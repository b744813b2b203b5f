"""The adapters that we ship: whole, small, in PEFT's format, made by the recipes beside them, and mergeable."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tests.unit.training.safety_tuning.conftest import ROOT, SHIPPED_DATA
from transformers import LlamaConfig, LlamaForCausalLM

from steadfast.core.files import sha256_file
from steadfast.models.adapters.merging import merge_adapter
from steadfast.training.safety_tuning.recipes import load_recipes

SHIPPED = ROOT / "resources" / "adapters"
ADAPTERS = sorted(path.parent for path in SHIPPED.glob("*/seed*/adapter_config.json"))
RECIPES = load_recipes(SHIPPED_DATA / "recipes.yaml")
NAMES = ("adapter_config.json", "adapter_model.safetensors", "training.json")
SMOLLM2_135M = {
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "tie_word_embeddings": True,
}

each_adapter = pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda path: f"{path.parent.name}-{path.name}")


def test_checksums_cover_all_shipped_files():
    lines = (SHIPPED / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = {path.relative_to(SHIPPED).as_posix(): path for folder in ADAPTERS for path in folder.iterdir()}
    assert {name: sha256_file(path) for name, path in files.items()} == listed


def test_shipped_recipes_have_the_same_seeds():
    recipes = {path.parent.name for path in ADAPTERS}
    seeds = {name: {path.name for path in ADAPTERS if path.parent.name == name} for name in recipes}
    assert {path.parent.name for path in ADAPTERS} <= set(RECIPES.recipes)
    assert len({frozenset(found) for found in seeds.values()}) == 1
    assert "seed0" in seeds["refusals"]


def test_shipped_adapters_are_small():
    assert sum(path.stat().st_size for folder in ADAPTERS for path in folder.iterdir()) <= 40_000_000


@each_adapter
def test_adapter_config_matches_recipe_without_machine_paths(adapter):
    assert sorted(path.name for path in adapter.iterdir()) == sorted(NAMES)
    text = (adapter / "adapter_config.json").read_text(encoding="utf-8")
    config, training = json.loads(text), RECIPES.training
    assert (config["r"], config["lora_alpha"], config["peft_type"]) == (training.rank, training.alpha, "LORA")
    assert config["target_modules"] == sorted(training.targets)
    assert config["layers_to_transform"] == list(range(training.first_block, 30))
    assert config["base_model_name_or_path"] == RECIPES.base_name
    assert "/tmp" not in text and "/home" not in text and "/root" not in text
    report = json.loads((adapter / "training.json").read_text(encoding="utf-8"))
    assert (report["recipe"], f"seed{report['seed']}") == (adapter.parent.name, adapter.name)


@each_adapter
def test_adapter_matrices_fit_the_base_and_are_finite(adapter):
    with torch.device("meta"):
        base = LlamaForCausalLM(LlamaConfig(vocab_size=49152, **SMOLLM2_135M))
    shapes = {name: tuple(parameter.shape) for name, parameter in base.named_parameters()}
    with safe_open(adapter / "adapter_model.safetensors", "pt") as weights:
        names = list(weights.keys())
        assert len(names) == 2 * len(RECIPES.training.targets) * (30 - RECIPES.training.first_block)
        for name in names:
            tensor = weights.get_tensor(name)
            module, _, factor = name.removeprefix("base_model.model.").partition(".lora_")
            rows, columns = shapes[f"{module}.weight"]
            rank = RECIPES.training.rank
            assert tuple(tensor.shape) == ((rank, columns) if factor == "A.weight" else (rows, rank))
            assert tensor.dtype == torch.float16 and bool(torch.isfinite(tensor).all())
            assert float(tensor.abs().max()) > 0


def test_shipped_adapters_differ():
    digests = [sha256_file(folder / "adapter_model.safetensors") for folder in ADAPTERS]
    assert len(set(digests)) == len(digests)


@pytest.mark.slow
def test_shipped_adapter_merges_exactly(tmp_path):
    """On random weights of the base's shape; the vocabulary, which no adapter touches, is small."""
    torch.manual_seed(0)
    base = LlamaForCausalLM(LlamaConfig(vocab_size=64, **SMOLLM2_135M)).to(torch.bfloat16)
    base.save_pretrained(tmp_path / "base")
    (tmp_path / "base" / "tokenizer.json").write_text("{}", encoding="utf-8")
    adapter = ADAPTERS[0]
    merge_adapter(tmp_path / "base", adapter, tmp_path / "merged", threads=1)
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("base", "merged"))
    factors = load_file(adapter / "adapter_model.safetensors")
    module = "model.layers.20.mlp.down_proj"
    a, b = (factors[f"base_model.model.{module}.lora_{factor}.weight"].double() for factor in "AB")
    expected = before[f"{module}.weight"].double() + RECIPES.training.alpha / RECIPES.training.rank * (b @ a)
    torch.testing.assert_close(after[f"{module}.weight"].double(), expected, rtol=2**-8, atol=1e-6)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert len(changed) == len(factors) // 2
