"""Edits kept as factors: the same weights as a baked checkpoint, bit for bit, and never those of another model."""

import pytest
import torch
from peft import PeftModel
from transformers import GPT2Config, MixtralConfig

from steadfast.attacks.baking.adapter_export import export_adapter
from steadfast.attacks.baking.baking import ADAPTER, bake, keep_factors, write_edited
from steadfast.attacks.baking.edit_export import export_edit
from steadfast.core.errors import DataError
from steadfast.core.files import read_json
from steadfast.models.adapters.settings import CONFIG, WEIGHTS
from steadfast.models.checkpoint_files.stored_updates import FILE, load_updates
from steadfast.models.edited import MANIFEST
from steadfast.models.loading import load_model
from steadfast.models.pointer import checkpoint_path, weights_path
from steadfast.models.resident import resident_model
from steadfast.models.updating import updated
from steadfast.models.weights import open_checkpoint

from .conftest import HIDDEN, random_direction, save_model, tiny_llama

EVERYWHERE = ["attention_output", "mlp_output", "embedding"]
EDITS = {
    "orthogonalize": {"method": "orthogonalize"},
    "all targets, half scale": {"method": "orthogonalize", "targets": EVERYWHERE, "scale": 0.5},
    "kernel": {"method": "projected", "kernel": {"peak": 1.0, "width": 0.6}},
    "norms preserved": {"method": "norm_preserving", "targets": EVERYWHERE},
}
MODELS = {
    "bfloat16": (tiny_llama(), torch.bfloat16),
    "float32, tied": (tiny_llama(tie_word_embeddings=True), torch.float32),
    "biases, matrices stored by inputs": (
        GPT2Config(vocab_size=50, n_embd=HIDDEN, n_layer=3, n_head=2, tie_word_embeddings=False),
        torch.float16,
    ),
}


def weights(directory, dtype):
    return {name: value.clone() for name, value in load_model(directory, dtype=dtype).state_dict().items()}


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_factors_give_the_weights_of_the_baked_checkpoint(tmp_path, model, edit):
    config, dtype = model
    source = save_model(config, tmp_path / "source", dtype, shard_size="20KB")
    direction = random_direction(tmp_path / "direction.safetensors", count=2)
    baked = bake(source, direction, edit, tmp_path / "baked")
    assert keep_factors(source, direction, edit, tmp_path / "factors") == baked
    assert not list((tmp_path / "factors").glob("model*.safetensors"))
    for running in ("float32", str(dtype).removeprefix("torch.")):
        assert_equal(weights(tmp_path / "baked", running), weights(tmp_path / "factors", running))


@pytest.mark.parametrize("tied", [False, True])
def test_removing_factors_restores_the_original_weights(tmp_path, tied):
    source = save_model(tiny_llama(tie_word_embeddings=tied), tmp_path / "source")
    direction = random_direction(tmp_path / "direction.safetensors")
    keep_factors(source, direction, EDITS["all targets, half scale"], tmp_path / "factors")
    model = load_model(source, dtype="float32")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    updates = load_updates(tmp_path / "factors" / FILE)
    for _ in range(2):
        with updated(model, open_checkpoint(source), updates):
            assert_equal(dict(model.state_dict()), weights(tmp_path / "factors", "float32"))
        assert_equal(dict(model.state_dict()), before)
    assert (model.lm_head.weight is model.model.embed_tokens.weight) == tied


def test_factors_of_a_matched_control_are_scaled(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source", torch.float32)
    size = bake(source, direction, {"method": "orthogonalize"}, tmp_path / "edited")["change_norm"]
    other = random_direction(tmp_path / "other.safetensors", seed=1)
    settings = {"match_change": tmp_path / "edited"}
    manifest = keep_factors(source, other, {"method": "orthogonalize"}, tmp_path / "control", **settings)
    assert manifest["change_norm"] == pytest.approx(size, rel=1e-5)
    assert read_json(tmp_path / "control" / MANIFEST) == manifest


@pytest.mark.parametrize("change", ["original", "factors"])
def test_factors_are_not_applied_to_other_weights(tmp_path, direction, change):
    source = save_model(tiny_llama(), tmp_path / "source")
    keep_factors(source, direction, {"method": "orthogonalize"}, tmp_path / "factors")
    file = source / "model.safetensors" if change == "original" else tmp_path / "factors" / FILE
    begin = open_checkpoint(source).entries["model.layers.1.mlp.down_proj.weight"].begin
    content = bytearray(file.read_bytes())
    content[begin if change == "original" else -2] ^= 0x10
    file.write_bytes(content)
    with pytest.raises(DataError, match="is not what the edit was made for"):
        load_model(tmp_path / "factors")


def test_factor_checkpoint_gives_no_weights_to_other_readers(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source")
    keep_factors(source, direction, {"method": "orthogonalize"}, tmp_path / "factors")
    assert checkpoint_path(tmp_path / "factors").resolve() == source.resolve()
    with pytest.raises(DataError, match="checkpoints: bake"):
        weights_path(tmp_path / "factors")
    with pytest.raises(DataError, match="checkpoints: bake"):
        bake(tmp_path / "factors", direction, {"method": "orthogonalize"}, tmp_path / "twice")


def test_factors_of_stacked_experts_are_rejected(tmp_path, direction):
    config = MixtralConfig(
        vocab_size=50,
        hidden_size=HIDDEN,
        intermediate_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        num_local_experts=2,
    )
    source = save_model(config, tmp_path / "source")
    keep_factors(source, direction, {"method": "orthogonalize"}, tmp_path / "factors")
    with pytest.raises(DataError, match="checkpoints: bake"):
        load_model(tmp_path / "factors")


@pytest.mark.parametrize("edit", [EDITS["orthogonalize"], EDITS["kernel"]])
def test_exported_adapter_equals_the_edit(tmp_path, edit):
    source = save_model(tiny_llama(), tmp_path / "source", torch.float32)
    direction = random_direction(tmp_path / "direction.safetensors", count=2)
    manifest = write_edited(source, direction, edit, tmp_path / "factors", form=ADAPTER)
    assert manifest == export_edit(source, direction, edit, tmp_path / "adapter", "adapter", base_name="org/tiny")
    assert {file.name for file in (tmp_path / "adapter").iterdir()} == {CONFIG, WEIGHTS, MANIFEST}
    assert read_json(tmp_path / "adapter" / CONFIG)["base_model_name_or_path"] == "org/tiny"
    # a run that is to keep adapters has the same one beside its factors
    assert (tmp_path / "adapter" / WEIGHTS).read_bytes() == (tmp_path / "factors" / WEIGHTS).read_bytes()
    adapted = PeftModel.from_pretrained(load_model(source, dtype="float32"), tmp_path / "adapter")
    tokens = torch.tensor([[1, 2, 3, 4]])
    with torch.inference_mode():
        found, original = adapted(tokens).logits, load_model(source, dtype="float32")(tokens).logits
        wanted = load_model(tmp_path / "factors", dtype="float32")(tokens).logits
    effect = (wanted - original).abs().max()
    assert effect > 0
    assert (found - wanted).abs().max() < 1e-3 * effect


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"method": "norm_preserving"}, "rescales the columns"),
        ({"method": "orthogonalize", "targets": ["embedding"]}, "edits the embedding"),
        (None, "holds no edit as factors"),
    ],
)
def test_edit_that_an_adapter_cannot_express_is_rejected(tmp_path, direction, edit, reason):
    source = save_model(tiny_llama(), tmp_path / "source")
    if edit:
        keep_factors(source, direction, edit, tmp_path / "factors")
    with pytest.raises(DataError, match=reason):
        export_adapter(tmp_path / ("factors" if edit else "source"), tmp_path / "adapter", "tiny")
    assert not (tmp_path / "adapter").exists()
    if edit:
        with pytest.raises(DataError, match=f"an adapter cannot express the edit: .*{reason}"):
            write_edited(source, direction, edit, tmp_path / "kept", form=ADAPTER)
        assert not (tmp_path / "kept").exists()


def test_one_loaded_model_becomes_every_variant_in_turn(tmp_path):
    source = save_model(tiny_llama(tie_word_embeddings=True), tmp_path / "source")
    for seed, edit in enumerate(EDITS.values()):
        direction = random_direction(tmp_path / f"{seed}.safetensors", seed=seed)
        keep_factors(source, direction, edit, tmp_path / f"variant{seed}")
    other = save_model(tiny_llama(num_hidden_layers=2), tmp_path / "other")
    names = ["variant0", "source", "variant3", "variant1", "variant2", "source"]
    wanted = [weights(tmp_path / name, "float32") for name in names]
    with resident_model() as resident:
        found = [weights(tmp_path / name, "float32") for name in names]
        assert resident.loads == 1
        load_model(other, dtype="float32")
        assert resident.loads == 2
    for first, second in zip(found, wanted, strict=True):
        assert_equal(first, second)
    assert load_model(source) is not load_model(source)
