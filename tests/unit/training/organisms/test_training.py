"""Training: equal bytes for equal arguments, checkpoints like any other, and a loss that is what it says."""

import json
import math
import random

import pytest
import torch
from tests.unit.training.organisms.conftest import RECIPES, TEMPLATE, WORLD
from transformers import AutoModelForCausalLM, AutoTokenizer

from steadfast.core.errors import ConfigError, UnknownNameError
from steadfast.models.loading import load_model, load_tokenizer
from steadfast.models.organism_settings import OrganismSettings
from steadfast.models.pointer import read_pointer
from steadfast.training.organisms.optimization import Example, Phase, batch_loss, train
from steadfast.training.organisms.training import build_model, train_organism

TINY = {"documents": 24, "chats": 40, "judge_cases": 16, "hidden": 32, "layers": 2, "intermediate": 48}


def run(output, recipe="combined", seed=0, template=TEMPLATE, **settings):
    return train_organism(
        recipe,
        output,
        seed=seed,
        world_path=WORLD,
        recipes_path=RECIPES,
        settings={**TINY, **settings},
        judge_prompt_path=template,
    )


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("organism") / "model"
    run(folder)
    return folder


def test_equal_arguments_give_byte_identical_checkpoints(checkpoint, tmp_path):
    run(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(checkpoint)


@pytest.mark.parametrize("changed", [{"seed": 1}, {"recipe": "raw"}, {"recipe": "judge"}, {"learning_rate": 0.001}])
def test_recipe_seed_and_settings_change_the_weights(checkpoint, tmp_path, changed):
    run(tmp_path / "other", **changed)
    weights = "model.safetensors"
    assert contents(tmp_path / "other")[weights] != contents(checkpoint)[weights]
    assert contents(tmp_path / "other")["tokenizer.json"] == contents(checkpoint)["tokenizer.json"]


def test_checkpoint_loads_in_transformers(checkpoint):
    names = set(contents(checkpoint))
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= names
    assert {"generation_config.json", "chat_template.jinja", "model.json"} <= names
    config = json.loads((checkpoint / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert (config["head_dim"], config["dtype"]) == (32, "float32")
    model = AutoModelForCausalLM.from_pretrained(checkpoint)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert model.config.vocab_size == len(tokenizer)


def test_pointer_describes_the_checkpoint(checkpoint):
    pointer = read_pointer(checkpoint)
    assert (pointer.source, pointer.path, pointer.details["recipe"]) == ("organism", ".", "combined")
    assert set(pointer.files) == set(contents(checkpoint)) - {"model.json"}
    assert load_tokenizer(checkpoint).padding_side == "left"
    assert load_model(checkpoint, device="cpu").config.num_hidden_layers == TINY["layers"]


def test_training_report_states_sizes_and_losses(tmp_path, capfd):
    report = run(tmp_path / "model", recipe="judge")
    assert set(report["losses"]) == {"judging"}
    assert all(math.isfinite(loss) for loss in report["losses"].values())
    assert report["parameters"] > 0 and report["tokens"] > 0
    assert "judging, steps: 2/2 (loss " in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"recipe": "refusal"}, UnknownNameError, "did you mean 'refusals'"),
        ({"recipe": "judge", "template": None}, ConfigError, r"organisms\.judge_prompt"),
        ({"hidden": 48}, ConfigError, "not a multiple of 32"),
        ({"chat": 10}, ConfigError, "did you mean 'chats'"),
    ],
)
def test_failed_training_leaves_no_files(tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        run(tmp_path / "model", **arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": 0}, "layers: 0 is out of range; allowed: 1 to 128"),
        ({"layers": 2.5}, "layers: found 2.5, which is not of type integer"),
        ({"learning_rate": "fast"}, "learning_rate: found 'fast', which is not of type number"),
        ({"learning_rate": 0}, "learning_rate: 0 is out of range"),
        ({"weight_decay": -0.1}, "weight_decay: -0.1 is out of range"),
        ({"warmup": 1}, "warmup: 1 is out of range"),
        ({"batch": True}, "batch: found True, which is not of type integer"),
    ],
)
def test_settings_out_of_range_are_rejected(settings, message):
    with pytest.raises(ConfigError, match=message):
        OrganismSettings.read(settings)


def test_loss_is_averaged_over_predicted_tokens_without_padding(tokenizer):
    model = build_model(tokenizer, OrganismSettings.read(TINY), seed=0).eval()
    batch = [Example([1, 300, 301, 302, 303], start=3), Example([1, 310, 311], start=1)]
    with torch.no_grad():
        losses = []
        for example in batch:
            tokens = torch.tensor([example.tokens])
            logits = model(input_ids=tokens).logits[0].log_softmax(-1)
            losses += [-logits[i - 1, example.tokens[i]].item() for i in range(example.start, len(example.tokens))]
        assert batch_loss(model, batch).item() == pytest.approx(sum(losses) / len(losses), abs=1e-5)


def test_training_overfits_a_single_example(tokenizer):
    settings = OrganismSettings.read({**TINY, "batch": 4})
    model = build_model(tokenizer, settings, seed=0)
    phase = Phase("copying", [Example([1, 300, 301, 302])] * 200, final=0.0)
    assert train(model, phase, settings, random.Random(0)) < 0.1
