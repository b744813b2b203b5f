"""Which files are a checkpoint's weights: one rule, whoever reads, sizes, edits or hashes them."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.tiny_checkpoint import tensors, write_checkpoint

from steadfast.core.errors import DataError
from steadfast.models.local import file_hashes
from steadfast.models.number_format import running_size
from steadfast.models.weights import SINGLE, checkpoint_files, open_checkpoint, require_files

INDEX = "model.safetensors.index.json"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"


@pytest.fixture
def single(tmp_path):
    return write_checkpoint(tmp_path / "single")


@pytest.fixture
def sharded(tmp_path):
    """Two shards and their index; the first holds the embedding."""
    folder = write_checkpoint(tmp_path / "sharded")
    (folder / SINGLE).unlink()
    return shard(folder, tensors())


def shard(folder, stored):
    parts = {"part-1.safetensors": dict(list(stored.items())[:3]), "part-2.safetensors": dict(list(stored.items())[3:])}
    for name, part in parts.items():
        save_file(part, folder / name, metadata={"format": "pt"})
    weight_map = {name: file for file, part in parts.items() for name in part}
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder


def names(folder):
    return [shard.path.name for shard in open_checkpoint(folder).shards]


def change_index(folder, change):
    index = json.loads((folder / INDEX).read_text())
    change(index["weight_map"])
    (folder / INDEX).write_text(json.dumps(index))


def test_single_file_checkpoint_lists_its_tensors(single):
    checkpoint = open_checkpoint(single)
    assert names(single) == [SINGLE]
    expected = tensors()
    assert {name: entry.shape for name, entry in checkpoint.entries.items()} == {
        name: array.shape for name, array in expected.items()
    }
    assert checkpoint.parameters == sum(array.size for array in expected.values())
    assert checkpoint.loaded_bytes() == 2 * checkpoint.loaded_bytes(2) == 4 * checkpoint.parameters


def test_sharded_checkpoint_lists_the_shards_of_its_index(sharded):
    assert names(sharded) == ["part-1.safetensors", "part-2.safetensors"]
    assert set(open_checkpoint(sharded).entries) == set(tensors())


@pytest.mark.parametrize("folder", ["single", "sharded"])
def test_weights_of_other_loaders_are_ignored(folder, request):
    folder = request.getfixturevalue(folder)
    before, size = names(folder), running_size(folder, "auto")
    hashes = file_hashes(folder)
    save_file({"layers.0.w": np.zeros(99, np.float32)}, folder / "consolidated.safetensors")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "pytorch_model.bin.index.json").write_text('{"weight_map": {"a": "b.bin"}}')
    (folder / "model-q4.gguf").write_bytes(b"GGUF")
    (folder / "model.safetensors.incomplete").write_bytes(b"half")
    assert names(folder) == before
    assert running_size(folder, "auto") == size
    assert file_hashes(folder) == hashes
    assert {file.name for file in checkpoint_files(folder)} == set(hashes)


def test_two_sets_of_weights_are_rejected(sharded, single):
    (sharded / SINGLE).write_bytes((single / SINGLE).read_bytes())
    both = rf"two sets of weights, {SINGLE} and the shards of {INDEX}.*delete the outdated one"
    with pytest.raises(DataError, match=both):
        open_checkpoint(sharded)


def test_single_file_with_leftover_index_is_rejected(single):
    (single / INDEX).write_text(json.dumps({"weight_map": {"model.norm.weight": "model-00001-of-00002.safetensors"}}))
    with pytest.raises(DataError, match="two sets of weights"):
        open_checkpoint(single)


def test_index_of_one_file_is_valid(single):
    (single / INDEX).write_text(json.dumps({"weight_map": dict.fromkeys(tensors(), SINGLE)}))
    checkpoint = open_checkpoint(single)
    assert (names(single), checkpoint.index_file) == ([SINGLE], INDEX)


def test_weights_named_in_config_json_take_precedence(single):
    save_file({"model.norm.weight": np.zeros(8, np.float32)}, single / "other.safetensors")
    config = json.loads((single / "config.json").read_text())
    (single / "config.json").write_text(json.dumps({**config, "transformers_weights": "other.safetensors"}))
    assert names(single) == ["other.safetensors"]
    assert "other.safetensors" in file_hashes(single) and SINGLE not in file_hashes(single)
    (single / "config.json").write_text(json.dumps({**config, "transformers_weights": "../other.safetensors"}))
    with pytest.raises(DataError, match="`transformers_weights` must name a file of the directory"):
        open_checkpoint(single)


def test_missing_shards_error_names_them(sharded):
    (sharded / "part-2.safetensors").unlink()
    with pytest.raises(DataError, match=r"not complete: 1 of the 2 files .* part-2\.safetensors; download it"):
        open_checkpoint(sharded)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda weights: weights.update(lost="part-1.safetensors"), "names 1 absent tensor.*for example lost"),
        (
            lambda weights: weights.update({"model.norm.weight": "part-2.safetensors"}),
            "1 of the shards' tensors are in",
        ),
        (lambda weights: weights.pop("model.norm.weight"), "1 of the shards' tensors are not in it.*model.norm.weight"),
    ],
)
def test_index_that_disagrees_with_its_shards_is_rejected(sharded, change, words):
    change_index(sharded, change)
    with pytest.raises(DataError, match=words):
        open_checkpoint(sharded)


def test_tensor_in_two_shards_is_rejected(sharded):
    extra = {"model.norm.weight": np.zeros(8, np.float32)}
    rest = dict(list(tensors().items())[3:])
    save_file({**rest, **extra}, sharded / "part-2.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"model\.norm\.weight twice, in part-1.* and in part-2\.safetensors"):
        open_checkpoint(sharded)


@pytest.mark.parametrize("file", [SINGLE, "config.json", "tokenizer.json"])
def test_git_lfs_pointer_is_rejected(single, file):
    (single / file).write_text(POINTER)
    with pytest.raises(DataError, match=rf"{file} is a pointer of Git LFS.*git lfs pull"):
        require_files(single)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[:-4], "is not complete: it has .* download it again"),
        (lambda content: content[:5], "is not a complete safetensors file"),
        (lambda content: b"", "is not a complete safetensors file"),
        (lambda content: content + b"more", "is damaged: it has"),
        (lambda content: content[:8] + b"x" + content[9:], "damaged safetensors header"),
        (lambda content: content.replace(b'"shape":[8]', b'"shape":[9]', 1), "damaged safetensors header: model"),
    ],
)
def test_damaged_weights_file_is_rejected(single, damage, words):
    (single / SINGLE).write_bytes(damage((single / SINGLE).read_bytes()))
    with pytest.raises(DataError, match=words):
        open_checkpoint(single)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("adapter_model.safetensors", "is a LoRA adapter"),
        ("model-q4.gguf", r"is a GGUF file \(`source: gguf`\)"),
        ("consolidated.safetensors", "layout of another library"),
        ("consolidated.00.pth", "layout of another library"),
        ("model-00001-of-00002.safetensors", "cannot be distinguished from others without"),
        ("pytorch_model.bin", "pickled weights"),
        ("model.safetensors.part", "download that has not finished"),
    ],
)
def test_missing_weights_error_names_the_files_found(single, file, words):
    (single / SINGLE).rename(single / file)
    with pytest.raises(DataError, match=rf"neither {SINGLE} nor {INDEX}; its {file} .*{words}"):
        open_checkpoint(single)


def test_adapter_files_beside_weights_are_rejected(single):
    (single / "adapter_config.json").write_text("{}")
    with pytest.raises(DataError, match=r"has adapter_config\.json, for which loaders take .* base model"):
        open_checkpoint(single)


@pytest.mark.parametrize("text", ["[]", "{}", '{"model_type": null}'])
def test_config_json_without_model_type_is_rejected(single, text):
    (single / "config.json").write_text(text)
    with pytest.raises(DataError, match=r"config\.json names no `model_type`"):
        open_checkpoint(single)
