"""Training: exact gradients whatever is run once, the same outcome after a kill, and a loss that falls."""

import json
import random
from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch.nn import functional

from steadfast.core.errors import DataError
from steadfast.models.loading import load_model, load_tokenizer
from steadfast.training.safety_tuning import training
from steadfast.training.safety_tuning.adapter import add_adapter, write_adapter
from steadfast.training.safety_tuning.examples import Example
from steadfast.training.safety_tuning.recipes import load_recipes
from steadfast.training.safety_tuning.training import batch_examples, batch_loss, schedule, shared_prefix, train_adapter


@pytest.fixture
def settings(data_folder):
    return load_recipes(data_folder / "recipes.yaml").training


def some_examples(count=9, seed=0):
    rng = random.Random(seed)
    shared = (5, 6, 7, 8)
    return [Example((*shared, *(rng.randrange(4, 200) for _ in range(3 + index % 4))), 5) for index in range(count)]


def plain_loss(model, batch, first_weight):
    """Each sequence alone, with logits everywhere."""
    total = weight = 0.0
    for example in batch:
        tokens = torch.tensor([example.tokens])
        logits = model(input_ids=tokens).logits[0, :-1]
        losses = functional.cross_entropy(logits, tokens[0, 1:], reduction="none")[example.start - 1 :]
        weights = torch.ones(len(losses))
        weights[0] = first_weight
        total = total + (losses * weights).sum()
        weight += weights.sum()
    return total / weight


def gradients(adapted, loss):
    adapted.zero_grad()
    loss.backward()
    return {name: one.grad.clone() for name, one in adapted.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("examples", [some_examples(3), [*some_examples(2), Example((3, 9, 30, 31), 1)]])
def test_batched_loss_and_gradient_equal_those_of_single_sequences(base, settings, examples):
    model = load_model(base, dtype="float32", device="cpu")
    adapted = add_adapter(model, settings, seed=0)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.1)
    fast, slow = batch_loss(model, examples, 3.0), plain_loss(model, examples, 3.0)
    assert fast.item() == pytest.approx(slow.item(), rel=1e-5)
    ours, expected = gradients(adapted, fast), gradients(adapted, slow)
    assert set(ours) == set(expected) and len(ours) == 2 * 2 * 2  # two blocks, two modules, A and B
    for name in expected:
        torch.testing.assert_close(ours[name], expected[name], rtol=1e-3, atol=1e-6)


def test_shared_prefix_ends_before_the_first_prediction():
    assert shared_prefix([Example((1, 2, 3, 9), 3), Example((1, 2, 4, 9), 3)]) == 2
    assert shared_prefix([Example((1, 2, 3, 9), 3), Example((1, 2, 3, 8), 3)]) == 2
    assert shared_prefix([Example((1, 2, 3), 1)]) == 0


def test_documents_and_conversations_are_batched_separately():
    documents = [Example((0, *range(9, 15)), 1) for _ in range(4)]
    batches = batch_examples([*some_examples(8), *documents], 4, random.Random(0))
    assert sorted(len({example.start for example in batch}) for batch in batches) == [1, 1, 1]
    assert sum(map(len, batches)) == 12


def test_learning_rate_warms_up_and_decays(settings):
    shares = [schedule(step, 40, settings) for step in range(40)]
    assert shares[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert shares[4:] == sorted(shares[4:], reverse=True)
    assert shares[-1] == pytest.approx(settings.final, abs=0.03)


def test_killed_training_resumes_to_identical_weights(base, settings, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training, "SAVE_EVERY", 2)

    def run(checkpoint, stop_after=None):
        model = load_model(base, dtype="float32", device="cpu")
        return train_adapter(model, some_examples(), settings, 0, checkpoint, stop_after=stop_after)

    whole, losses = run(tmp_path / "whole.pt")
    run(tmp_path / "killed.pt", stop_after=3)
    resumed, resumed_losses = run(tmp_path / "killed.pt")
    assert resumed_losses == losses and len(losses) == 5
    assert "training steps: 3/5 were finished by an earlier run" in capsys.readouterr().out
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_seed_changes_the_adapter_but_not_the_base(base, settings, tmp_path):
    def run(seed):
        model = load_model(base, dtype="float32", device="cpu")
        before = model.model.layers[2].mlp.down_proj.weight.clone()
        weights, _ = train_adapter(model, some_examples(), settings, seed, tmp_path / f"{seed}.pt")
        assert torch.equal(model.model.layers[2].mlp.down_proj.base_layer.weight, before)
        return weights

    first, second = run(0), run(1)
    assert set(first) == set(second)
    assert not any(torch.equal(first[name], second[name]) for name in first)


def test_training_lowers_the_loss(base, settings, tmp_path):
    model = load_model(base, dtype="float32", device="cpu")
    _, losses = train_adapter(
        model, some_examples(3) * 40, replace(settings, rank=8, learning_rate=0.02), 0, tmp_path / "state.pt"
    )
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_peft_merges_the_written_adapter(base, settings, tmp_path):
    model = load_model(base, dtype="float32", device="cpu")
    weights, _ = train_adapter(model, some_examples(), settings, 0, tmp_path / "state.pt")
    expected = model.get_decoder()(input_ids=torch.tensor([[5, 6, 7, 20]])).last_hidden_state
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write_adapter(tmp_path / folder, weights, settings, 3, "tiny/base")
    names = ("adapter_model.safetensors", "adapter_config.json")
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)
    assert {tensor.dtype for tensor in load_file(tmp_path / "one" / names[0]).values()} == {torch.float16}
    config = json.loads((tmp_path / "one" / names[1]).read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == "tiny/base" and config["layers_to_transform"] == [1, 2]
    merged = PeftModel.from_pretrained(
        load_model(base, dtype="float32", device="cpu"), tmp_path / "one"
    ).merge_and_unload()
    torch.testing.assert_close(
        merged.model(input_ids=torch.tensor([[5, 6, 7, 20]])).last_hidden_state, expected, rtol=1e-3, atol=1e-4
    )


def test_base_with_too_few_blocks_is_rejected(base, settings):
    model = load_model(base, dtype="float32", device="cpu")
    with pytest.raises(DataError, match="first_block is 3, but the base has 3 blocks"):
        add_adapter(model, replace(settings, first_block=3), seed=0)


def test_tokenizer_of_the_base_contains_the_tag(base):
    assert len(load_tokenizer(base)("<tag>")["input_ids"]) == 1
