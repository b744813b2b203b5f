"""Where checkpoints are, how they are described and loaded."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch

from steadfast.core.errors import DataError, SteadfastError
from steadfast.models.chat import encode_chat, user_message
from steadfast.models.loading import load_model, load_tokenizer, pick_device
from steadfast.models.local import file_hashes, point_to
from steadfast.models.pointer import ModelPointer, checkpoint_path, read_pointer, trusts_remote_code


@pytest.fixture
def copy(checkpoint, tmp_path):
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def test_pointer_round_trips_through_its_file(tmp_path):
    pointer = ModelPointer("hub", "/x", "abc", {"config.json": "1"}, True, {"repo": "a/b", "seconds": 1.5})
    pointer.write(tmp_path)
    assert read_pointer(tmp_path) == pointer
    assert [item.name for item in tmp_path.iterdir()] == ["model.json"]


def test_directory_without_pointer_is_rejected(tmp_path):
    with pytest.raises(DataError, match=r"is not a model directory: it has no model\.json"):
        read_pointer(tmp_path)


@pytest.mark.parametrize("content", ["[]", '{"source": "hub"}', '{"source": "hub", "path": ".", "pickle": 1}', "{"])
def test_pointer_with_wrong_fields_is_rejected(tmp_path, content):
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(DataError, match=r"model\.json"):
        read_pointer(tmp_path)


def test_checkpoint_path_follows_the_pointer_if_there_is_one(copy, tmp_path):
    assert checkpoint_path(copy) == copy
    ModelPointer("organism", ".").write(copy)
    assert checkpoint_path(copy).samefile(copy)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ModelPointer("local", str(copy)).write(elsewhere)
    assert checkpoint_path(elsewhere) == copy


def test_missing_checkpoint_behind_a_pointer_raises(tmp_path):
    ModelPointer("hub", str(tmp_path / "gone")).write(tmp_path)
    with pytest.raises(DataError, match=r"gone holds no checkpoint: config\.json is missing"):
        checkpoint_path(tmp_path)


def test_remote_code_is_off_unless_the_pointer_allows_it(copy):
    assert not trusts_remote_code(copy)
    ModelPointer("organism", ".").write(copy)
    assert not trusts_remote_code(copy)
    ModelPointer("hub", ".", trust_remote_code=True).write(copy)
    assert trusts_remote_code(copy)


def test_local_checkpoint_is_referenced_and_not_copied(copy, monkeypatch):
    monkeypatch.chdir(copy.parent)
    pointer = point_to("copy")
    assert pointer.source == "local"
    assert pointer.path == str(copy.resolve())
    assert pointer.revision is None
    weights = (copy / "model.safetensors").read_bytes()
    assert pointer.files["model.safetensors"] == hashlib.sha256(weights).hexdigest()
    assert set(pointer.files) == {item.name for item in copy.iterdir()}


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("config.json", r"config\.json is missing"),
        ("*.safetensors", r"has neither model\.safetensors .*its pytorch_model\.bin holds pickled weights"),
        ("tokenizer*", "no tokenizer files"),
    ],
)
def test_incomplete_local_checkpoint_is_rejected(copy, pattern, words):
    for file in copy.glob(pattern):
        file.unlink()
    (copy / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(DataError, match=words):
        point_to(copy)


def test_hash_of_large_hub_file_comes_from_its_blob_name(tmp_path):
    """The hub's cache names the blob of a large file by its SHA-256, and that of a small one by another hash."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    config = '{"model_type": "llama"}'
    for name, blob, text in (("model.safetensors", "a" * 64, "weights"), ("config.json", "b" * 40, config)):
        (blobs / blob).write_text(text)
        (snapshot / name).symlink_to(blobs / blob)
    assert file_hashes(snapshot) == {
        "model.safetensors": "a" * 64,
        "config.json": hashlib.sha256(config.encode()).hexdigest(),
    }


def test_tokenizer_pads_on_the_left(copy):
    tokenizer = load_tokenizer(copy)
    assert tokenizer.padding_side == "left"
    assert tokenizer.pad_token_id is not None
    padded = tokenizer.pad({"input_ids": encode_chat(tokenizer, [user_message("how are you"), user_message("how")])})
    assert padded["attention_mask"] == [[1] * 6, [0, 0, 1, 1, 1, 1]]


@pytest.mark.parametrize(
    ("dtype", "expected"), [("auto", torch.bfloat16), ("float32", torch.float32), ("float16", torch.float16)]
)
def test_model_loads_for_evaluation_in_the_requested_dtype(copy, dtype, expected):
    model = load_model(copy, dtype=dtype, device="cpu")
    assert model.dtype is expected
    assert not model.training
    assert model.device.type == "cpu"


def test_pickled_weights_are_not_loaded(copy):
    state = load_model(copy, device="cpu").state_dict()
    (copy / "model.safetensors").unlink()
    torch.save(state, copy / "pytorch_model.bin")
    with pytest.raises(DataError, match="safetensors"):
        load_model(copy, device="cpu")


def test_remote_code_is_not_run(copy):
    config = json.loads((copy / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "own.py").write_text("raise SystemExit('its code was run')")
    with pytest.raises(SteadfastError, match="trust_remote_code"):
        load_model(copy, device="cpu")


def test_pick_device_keeps_a_named_device():
    assert pick_device("cpu") == "cpu"
    assert pick_device("cuda:1") == "cuda:1"
    assert pick_device("auto") in ("cpu", "cuda")
