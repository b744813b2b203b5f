import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, Gemma2Config

from steadfast.attacks.baking import bake, baking
from steadfast.attacks.directions import Direction, load_direction
from steadfast.core.errors import ConfigError, DataError
from steadfast.models.checkpoint_files import rewriting
from steadfast.models.loading import load_model
from steadfast.models.pointer import ModelPointer, trusts_remote_code
from steadfast.models.weights import open_checkpoint

from .conftest import random_direction, save_model, tiny_llama

EDIT = {"method": "orthogonalize", "targets": ["attention_output", "mlp_output"], "scale": 1.0, "skip_first": 1}
EVERYWHERE = {**EDIT, "targets": ["attention_output", "mlp_output", "embedding"], "skip_first": 0}


def tensors_of(directory):
    found = {}
    for file in sorted(Path(directory).glob("*.safetensors")):
        with safe_open(file, framework="pt") as shard:
            found.update({name: shard.get_tensor(name) for name in shard.keys()})
    return found


def reference(weight, direction_path, scale, axis=0):
    """The plain float64 formula, rounded once."""
    rows = load_direction(direction_path).directions.astype(np.float64)
    basis = torch.from_numpy(np.linalg.qr(rows.T)[0].T)
    matrix = weight.double() if axis == 0 else weight.double().T
    edited = matrix - scale * basis.T @ (basis @ matrix)
    return (edited if axis == 0 else edited.T).to(weight.dtype)


def assert_within_one_unit(found, expected):
    """Equal up to one unit in the last place of the storage dtype."""
    assert found.dtype == expected.dtype
    infinity = torch.tensor(float("inf"), dtype=expected.dtype)
    above = torch.nextafter(expected, infinity)
    below = torch.nextafter(expected, -infinity)
    assert bool(((found <= above) & (found >= below)).all())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("scale", [1.0, 0.5, 2.0])
def test_edited_tensors_equal_a_float64_reference(tmp_path, direction, dtype, scale):
    source = save_model(tiny_llama(), tmp_path / "source", dtype)
    manifest = bake(source, direction, {**EVERYWHERE, "scale": scale}, tmp_path / "out")
    before, after = tensors_of(source), tensors_of(tmp_path / "out")
    edited = {tensor["name"] for tensor in manifest["tensors"]}
    assert len(edited) == 7
    for name, weight in before.items():
        if name in edited:
            assert_within_one_unit(after[name], reference(weight, direction, scale, axis=int("embed" in name)))
            assert not torch.equal(after[name], weight)
        else:
            assert torch.equal(after[name], weight)
    assert manifest["effective"] and manifest["gates"]["residual_ok"]
    assert manifest["gates"]["modules_expected"] == manifest["gates"]["modules_matched"] == 7
    for tensor in manifest["tensors"]:
        assert tensor["target_ratio"] == pytest.approx(abs(1 - scale))


def test_several_directions_are_removed_at_once(tmp_path):
    several = random_direction(tmp_path / "several.safetensors", count=3)
    source = save_model(tiny_llama(), tmp_path / "source", torch.float32)
    bake(source, several, EVERYWHERE, tmp_path / "out")
    before, after = tensors_of(source), tensors_of(tmp_path / "out")
    for name in ("model.layers.2.mlp.down_proj.weight", "model.embed_tokens.weight"):
        expected = reference(before[name], several, 1.0, axis=int("embed" in name))
        torch.testing.assert_close(after[name], expected, atol=1e-7, rtol=0)


def test_baked_weights_do_not_depend_on_chunks_or_threads(tmp_path, direction, monkeypatch):
    source = save_model(tiny_llama(), tmp_path / "source")
    bake(source, direction, EVERYWHERE, tmp_path / "one", threads=1)
    bake(source, direction, EVERYWHERE, tmp_path / "two", threads=4)
    assert (tmp_path / "one/model.safetensors").read_bytes() == (tmp_path / "two/model.safetensors").read_bytes()
    monkeypatch.setattr("steadfast.models.checkpoint_files.matrices.BLOCK_BYTES", 200)
    bake(source, direction, EVERYWHERE, tmp_path / "three")
    one, three = tensors_of(tmp_path / "one"), tensors_of(tmp_path / "three")
    for name, tensor in one.items():
        assert_within_one_unit(three[name], tensor)


def test_skipped_blocks_and_targets_keep_their_bytes(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source")
    manifest = bake(source, direction, {**EDIT, "targets": ["mlp_output"], "layers": [0, 1]}, tmp_path / "out")
    assert [tensor["name"] for tensor in manifest["tensors"]] == ["model.layers.1.mlp.down_proj.weight"]
    before, after = tensors_of(source), tensors_of(tmp_path / "out")
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert changed == ["model.layers.1.mlp.down_proj.weight"]


def test_biases_writing_to_the_residual_stream_are_edited(tmp_path, direction):
    source = save_model(tiny_llama(attention_bias=True, mlp_bias=True), tmp_path / "source", torch.float32)
    manifest = bake(source, direction, {**EDIT, "skip_first": 0}, tmp_path / "out")
    assert len(manifest["tensors"]) == 12
    after, r = tensors_of(tmp_path / "out"), torch.from_numpy(load_direction(direction).directions[0])
    for name in ("model.layers.0.self_attn.o_proj.bias", "model.layers.2.mlp.down_proj.bias"):
        assert abs(float(after[name] @ r)) < 1e-7
    assert torch.equal(
        after["model.layers.0.self_attn.q_proj.bias"], tensors_of(source)["model.layers.0.self_attn.q_proj.bias"]
    )


def stored_twice(source):
    """Store the head beside the embedding that the configuration ties it to, as some tools do."""
    tensors = load_file(source / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, source / "model.safetensors", metadata={"format": "pt"})
    return source


@pytest.mark.parametrize("said", [{"tie_word_embeddings": True}, {}], ids=["by the configuration", "by the class"])
def test_stored_tied_head_is_kept_when_embedding_is_edited(tmp_path, direction, said):
    """The configuration then says so, whoever reads it: transformers would keep that head, others would drop it."""
    shape = {"num_hidden_layers": 3, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8}
    config = Gemma2Config(vocab_size=50, hidden_size=16, intermediate_size=16, **shape)
    source = stored_twice(save_model(config, tmp_path / "source", torch.float32))
    settings = json.loads((source / "config.json").read_text())
    settings.pop("tie_word_embeddings", None)
    (source / "config.json").write_text(json.dumps({**settings, **said}))
    manifest = bake(source, direction, {**EDIT, "targets": ["embedding"]}, tmp_path / "out")
    assert manifest["untied"]
    assert json.loads((tmp_path / "out/config.json").read_text())["tie_word_embeddings"] is False
    before, after = (load_file(folder / "model.safetensors") for folder in (source, tmp_path / "out"))
    assert set(before) == set(after)
    assert torch.equal(after["lm_head.weight"], before["model.embed_tokens.weight"])
    assert not torch.equal(after["model.embed_tokens.weight"], before["model.embed_tokens.weight"])
    loaded = load_model(tmp_path / "out", device="cpu")
    assert torch.equal(loaded.get_output_embeddings().weight, before["lm_head.weight"])


def test_correct_config_json_is_unchanged(tmp_path, direction):
    source = stored_twice(save_model(tiny_llama(tie_word_embeddings=False), tmp_path / "source"))
    assert not bake(source, direction, {**EDIT, "targets": ["embedding"]}, tmp_path / "out")["untied"]
    assert (tmp_path / "out/config.json").read_bytes() == (source / "config.json").read_bytes()


def test_missing_untied_head_is_rejected(tmp_path, direction):
    source = save_model(tiny_llama(tie_word_embeddings=True), tmp_path / "source")
    settings = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**settings, "tie_word_embeddings": False}))
    with pytest.raises(DataError, match=r"lacks lm_head\.weight, and its config\.json says that the head has weights"):
        bake(source, direction, EDIT, tmp_path / "out")


def test_tied_embedding_is_untied_before_its_edit(tmp_path, direction):
    source = save_model(tiny_llama(tie_word_embeddings=True), tmp_path / "source", torch.float32)
    assert "lm_head.weight" not in tensors_of(source)
    manifest = bake(source, direction, EVERYWHERE, tmp_path / "out")
    assert manifest["untied"]
    assert json.loads((tmp_path / "out/config.json").read_text())["tie_word_embeddings"] is False
    original = tensors_of(source)["model.embed_tokens.weight"]
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto")
    assert torch.equal(model.lm_head.weight, original)
    r = torch.from_numpy(load_direction(direction).directions[0])
    assert float((model.model.embed_tokens.weight.detach() @ r).abs().max()) < 1e-6


def test_unedited_tied_embedding_stays_tied(tmp_path, direction):
    source = save_model(tiny_llama(tie_word_embeddings=True), tmp_path / "source")
    assert not bake(source, direction, EDIT, tmp_path / "out")["untied"]
    assert (tmp_path / "out/config.json").read_bytes() == (source / "config.json").read_bytes()


def test_the_baked_model_writes_nothing_along_the_direction(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source", torch.float32)
    bake(source, direction, EVERYWHERE, tmp_path / "out")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    r = torch.from_numpy(load_direction(direction).directions[0])
    states = []
    for block in model.model.layers:
        block.register_forward_hook(lambda _module, _inputs, output: states.append(output))
    with torch.no_grad():
        model(torch.arange(12)[None])
    assert max(float((state @ r).abs().max()) for state in states) < 1e-6
    assert min(float(state.abs().max()) for state in states) > 1e-2


def test_shards_index_and_companions_are_kept(tmp_path, direction):
    source = save_model(tiny_llama(tie_word_embeddings=True), tmp_path / "source", shard_size="3KB")
    names = sorted(file.name for file in source.glob("*.safetensors"))
    assert len(names) > 2
    ModelPointer("organism", ".").write(source)
    (source / "pytorch_model.bin").write_bytes(b"not carried over")
    bake(source, direction, EVERYWHERE, tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").glob("*.safetensors")) == names
    assert (tmp_path / "out/tokenizer_config.json").read_text() == '{"kept": true}'
    extra = {file.name for file in (tmp_path / "out").iterdir()} - {file.name for file in source.iterdir()}
    assert extra == {"edit_manifest.json"}
    assert not (tmp_path / "out/model.json").exists() and not (tmp_path / "out/pytorch_model.bin").exists()
    index = json.loads((tmp_path / "out/model.safetensors.index.json").read_text())
    assert index["weight_map"]["lm_head.weight"] == index["weight_map"]["model.embed_tokens.weight"]
    assert index["metadata"]["total_size"] == sum(
        entry.size for entry in open_checkpoint(tmp_path / "out").entries.values()
    )
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out").lm_head.weight.shape == (50, 16)
    assert not (tmp_path / "out.partial").exists()


def test_killed_baking_resumes_after_the_last_complete_shard(tmp_path, direction, monkeypatch):
    source = save_model(tiny_llama(), tmp_path / "source", shard_size="3KB")
    shards = [shard.path.name for shard in open_checkpoint(source).shards]
    whole = bake(source, direction, EDIT, tmp_path / "whole")
    done, original = [], rewriting._write_shard

    def failing(shard, *arguments):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(shard.path.name)
        return original(shard, *arguments)

    monkeypatch.setattr(rewriting, "_write_shard", failing)
    with pytest.raises(KeyboardInterrupt):
        bake(source, direction, EDIT, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    again = []
    monkeypatch.setattr(rewriting, "_write_shard", lambda *args: again.append(args[0].path.name) or original(*args))
    assert bake(source, direction, EDIT, tmp_path / "out") == whole
    assert again == shards[2:]
    for name in shards:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_partial_output_of_other_settings_is_discarded(tmp_path, direction, monkeypatch):
    source = save_model(tiny_llama(), tmp_path / "source", shard_size="3KB")
    monkeypatch.setattr(baking, "manifest_of", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bake(source, direction, EDIT, tmp_path / "out")
    monkeypatch.undo()
    bake(source, direction, {**EDIT, "scale": 0.5}, tmp_path / "out")
    bake(source, direction, {**EDIT, "scale": 0.5}, tmp_path / "fresh")
    for file in (tmp_path / "fresh").iterdir():
        assert (tmp_path / "out" / file.name).read_bytes() == file.read_bytes()


def test_baking_does_not_modify_the_source(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source")
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in source.iterdir()}
    bake(source, direction, EDIT, tmp_path / "out")
    assert before == {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in source.iterdir()}


def test_baking_follows_a_model_pointer(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source")
    (tmp_path / "pointer").mkdir()
    ModelPointer("local", str(source)).write(tmp_path / "pointer")
    bake(tmp_path / "pointer", direction, EDIT, tmp_path / "out")
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out").config.model_type == "llama"


def test_existing_output_is_replaced(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/old.txt").write_text("old")
    bake(source, direction, EDIT, tmp_path / "out")
    assert not (tmp_path / "out/old.txt").exists()


def rename_tensor(source, old, new):
    """Damage a checkpoint: the same bytes under another tensor name of equal length."""
    file = source / "model.safetensors"
    assert len(old) == len(new)
    file.write_bytes(file.read_bytes().replace(old.encode(), new.encode()))


def test_missing_module_to_edit_raises(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source")
    rename_tensor(source, "layers.2.mlp.down_proj", "layers.2.mlp.dawn_proj")
    with pytest.raises(DataError, match=r"model\.layers\.2\.mlp\.down_proj\.weight"):
        bake(source, direction, EDIT, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_unknown_tensor_raises(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source")
    rename_tensor(source, "layers.2.mlp.gate_proj", "layers.2.mlp.side_proj")
    with pytest.raises(DataError, match=r"does not know what model\.layers\.2\.mlp\.side_proj"):
        bake(source, direction, EDIT, tmp_path / "out")


def test_unknown_architecture_error_says_how_to_add_it(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source")
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**config, "model_type": "lama"}))
    with pytest.raises(DataError, match=r"unknown architecture 'lama'; did you mean 'llama'.*_layouts\.py"):
        bake(source, direction, EDIT, tmp_path / "out")


def test_quantized_checkpoint_is_rejected(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source")
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "gptq"}}))
    with pytest.raises(DataError, match=r"quantized \(gptq\)"):
        bake(source, direction, EDIT, tmp_path / "out")


@pytest.mark.parametrize("cut", [0, 5, 100, -1])
def test_damaged_shard_is_rejected(tmp_path, direction, cut):
    source = save_model(tiny_llama(), tmp_path / "source")
    os.truncate(source / "model.safetensors", cut % (source / "model.safetensors").stat().st_size)
    with pytest.raises(DataError, match="complete"):
        bake(source, direction, EDIT, tmp_path / "out")


def test_checkpoint_without_safetensors_is_rejected(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source")
    (source / "model.safetensors").rename(source / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"neither model.safetensors nor .*its pytorch_model.bin holds pickled weights"):
        bake(source, direction, EDIT, tmp_path / "out")


def test_direction_of_another_width_is_rejected(tmp_path):
    source = save_model(tiny_llama(), tmp_path / "source")
    other = random_direction(tmp_path / "other.safetensors", hidden=8)
    with pytest.raises(DataError, match="8 wide, the model's residual stream 16"):
        bake(source, other, EDIT, tmp_path / "out")


@pytest.mark.parametrize("change", [{"layers": [0, 3]}, {"layers": [-4, 1]}, {"skip_first": 3}])
def test_blocks_outside_the_model_are_rejected(tmp_path, direction, change):
    source = save_model(tiny_llama(), tmp_path / "source")
    with pytest.raises(ConfigError, match="3 blocks"):
        bake(source, direction, {**EDIT, **change}, tmp_path / "out")


def test_repeated_edit_is_recorded_as_ineffective(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source", torch.float32)
    bake(source, direction, EVERYWHERE, tmp_path / "once")
    manifest = bake(tmp_path / "once", direction, EVERYWHERE, tmp_path / "twice")
    assert manifest["gates"]["direction_present"] == 0
    assert not manifest["effective"]


def test_edit_below_rounding_is_recorded_as_ineffective(tmp_path, direction):
    """A thousandth of the direction is less than half of a unit in the last place of bfloat16."""
    source = save_model(tiny_llama(), tmp_path / "source")
    manifest = bake(source, direction, {**EDIT, "scale": 0.001}, tmp_path / "out")
    assert not manifest["effective"]
    assert "smaller than the rounding" in manifest["reason"]


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_edit_overflowing_the_stored_dtype_raises(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source", torch.float16)
    weights = load_file(source / "model.safetensors")
    save_file({name: 10_000 * value for name, value in weights.items()}, source / "model.safetensors", {"format": "pt"})
    with pytest.raises(DataError, match=r"_proj\.weight is not finite after the edit: F16 is too narrow.*`scale`"):
        bake(source, direction, {**EDIT, "scale": 1000}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_reflection_is_distinguished_from_no_edit(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source", torch.float32)
    manifest = bake(source, direction, {**EDIT, "scale": 2.0}, tmp_path / "out")
    for tensor in manifest["tensors"]:
        assert tensor["residual_ratio"] == pytest.approx(1, abs=1e-6)
        assert tensor["deviation"] == pytest.approx(0, abs=1e-6)
    unchanged = bake(source, direction, {**EDIT, "scale": 1e-9}, tmp_path / "unchanged")
    assert unchanged["tensors"][0]["residual_ratio"] == pytest.approx(1, abs=1e-6)


def test_edit_manifest_describes_the_stored_weights(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source")
    manifest = bake(source, direction, EDIT, tmp_path / "out")
    assert json.loads((tmp_path / "out/edit_manifest.json").read_text()) == manifest
    before, after = tensors_of(source), tensors_of(tmp_path / "out")
    r = torch.from_numpy(load_direction(direction).directions[0]).double()
    total = 0.0
    for tensor in manifest["tensors"]:
        old, new = before[tensor["name"]].double(), after[tensor["name"]].double()
        assert tensor["residual_ratio"] == pytest.approx(float((r @ new).norm() / (r @ old).norm()), rel=1e-4, abs=1e-6)
        assert tensor["change_norm"] == pytest.approx(float((new - old).norm()), rel=1e-5)
        assert tensor["shape"] == list(new.shape)
        total += tensor["change_norm"] ** 2
    assert manifest["change_norm"] == pytest.approx(total**0.5)


def test_control_is_scaled_to_an_equal_weight_change(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source", torch.float32)
    reference = bake(source, direction, EDIT, tmp_path / "reference")
    control = random_direction(tmp_path / "control.safetensors", seed=5)
    plain = bake(source, control, EDIT, tmp_path / "plain")
    matched = bake(source, control, EDIT, tmp_path / "matched", match_change=tmp_path / "reference")
    assert plain["change_norm"] != pytest.approx(reference["change_norm"], rel=1e-3)
    assert matched["change_norm"] == pytest.approx(reference["change_norm"], rel=1e-5)
    assert matched["scale_factor"] == pytest.approx(reference["change_norm"] / plain["change_norm"], rel=1e-5)
    assert matched["effective"]


def test_no_valid_direction_bakes_a_marked_copy(tmp_path):
    source = save_model(tiny_llama(), tmp_path / "source")
    nothing = Direction(np.zeros((0, 16), np.float32), "mean_difference", reason="of 9 candidates none induces")
    nothing.save(tmp_path / "none.safetensors")
    manifest = bake(source, tmp_path / "none.safetensors", EVERYWHERE, tmp_path / "out")
    assert not manifest["effective"]
    assert manifest["reason"] == "no valid direction: of 9 candidates none induces"
    assert (tmp_path / "out/model.safetensors").read_bytes() == (source / "model.safetensors").read_bytes()


def test_edit_fingerprint_does_not_depend_on_the_process(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source")
    code = (
        "import json, sys; from steadfast.attacks.baking.baking import _fingerprint, plan_edit;"
        "print(_fingerprint(plan_edit(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])), sys.argv[2]))"
    )
    scripts = str(Path(baking.__file__).parents[3])
    elsewhere = subprocess.run(
        [sys.executable, "-c", code, str(source), str(direction), json.dumps(EVERYWHERE)],
        env={**os.environ, "PYTHONPATH": scripts, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert elsewhere.strip() == str(baking._fingerprint(baking.plan_edit(source, direction, EVERYWHERE), direction))


OWN_CODE = """
from transformers import LlamaConfig, LlamaForCausalLM

class OwnConfig(LlamaConfig):
    model_type = "own"

class OwnModel(LlamaForCausalLM):
    config_class = OwnConfig
"""


@pytest.mark.parametrize("trusted", [True, False])
def test_edited_checkpoint_inherits_trust_in_remote_code(tmp_path, direction, monkeypatch, trusted):
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    source = save_model(tiny_llama(), tmp_path / "source")
    (source / "own.py").write_text(OWN_CODE)
    config = json.loads((source / "config.json").read_text())
    own = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
    (source / "config.json").write_text(json.dumps({**config, "auto_map": own}))
    pointer = tmp_path / "pointer"
    pointer.mkdir()
    ModelPointer(source="local", path=str(source), trust_remote_code=trusted).write(pointer)
    bake(pointer, direction, EDIT, tmp_path / "out")
    assert trusts_remote_code(tmp_path / "out") == trusted
    assert type(load_model(tmp_path / "out")).__name__ == ("OwnModel" if trusted else "LlamaForCausalLM")
