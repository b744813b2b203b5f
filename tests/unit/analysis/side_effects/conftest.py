"""A small model with ordinary weights, an edit of it, and what both are measured on."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from tests.unit.attacks.activations.tiny_chat import checkpoint, prompts
from transformers import LlamaForCausalLM

from steadfast.analysis.side_effects.measuring import MeasuredVariant
from steadfast.analysis.side_effects.model_under_test import ModelUnderTest
from steadfast.attacks.activations import extract_activations
from steadfast.attacks.baking import bake
from steadfast.attacks.direction_search.refusal_score import ModelAccess
from steadfast.attacks.direction_search.search import find_direction

__all__ = ["checkpoint", "prompts"]
EDIT = {"method": "orthogonalize", "targets": ["attention_output", "mlp_output"], "scale": 1.0}


@pytest.fixture(scope="session")
def lively(checkpoint, tmp_path_factory, request):
    """The tiny checkpoint with weights so large that its answers depend on them; in the format of a parameter."""
    folder = Path(shutil.copytree(checkpoint, tmp_path_factory.mktemp("lively") / "model"))
    model = LlamaForCausalLM.from_pretrained(folder)
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "norm" not in name:
            parameter.data.normal_(std=0.4)
    model.to(getattr(torch, getattr(request, "param", "float32"))).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def table(prompts):
    return prompts.assign(split="evaluation")


@pytest.fixture(scope="session")
def direction(lively, prompts, tmp_path_factory):
    path = tmp_path_factory.mktemp("direction") / "direction.safetensors"
    activations = extract_activations(lively, prompts, device="cpu")
    find_direction({"method": "mean_difference", "layer": 0}, activations, seed=0).save(path)
    return path


@pytest.fixture(scope="session")
def edited(lively, direction, tmp_path_factory):
    out = tmp_path_factory.mktemp("edited") / "out"
    bake(lively, direction, EDIT, out)
    return out


@pytest.fixture(scope="session")
def responses(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("responses") / "original.parquet"
    answers = [f"w{index} w{index + 3} w{(5 * index) % 40}" for index in range(len(table))]
    pd.DataFrame({"prompt_id": table["prompt_id"], "sample": 0, "response": answers}).to_parquet(path)
    return path


def subject_of(variant, folder, table, responses, **fields):
    """A model under test whose weights are loaded lazily."""
    access = ModelAccess(folder, table, device="cpu", batch_tokens=40)
    return ModelUnderTest(variant, access, pd.read_parquet(responses) if responses else pd.DataFrame(), **fields)


@pytest.fixture
def system(lively, direction, responses):
    """Makes a system of the model, by its variant and checkpoint."""

    def make(variant, folder, edit=EDIT, model="tiny"):
        changed = variant != "original"
        return MeasuredVariant(
            model,
            variant,
            str(lively),
            str(folder),
            str(responses),
            {},
            str(direction) if changed else None,
            edit if changed else None,
        )

    return make
