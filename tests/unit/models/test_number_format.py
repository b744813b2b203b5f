"""What ``dtype: auto`` means: by checkpoint, processor, memory and device."""

import json
import os
import shutil

import pytest
import torch

from steadfast.core.errors import DataError
from steadfast.core.files import read_json
from steadfast.core.memory import available_memory, total_memory
from steadfast.core.provenance import sidecar, write_provenance
from steadfast.core.units import GIB
from steadfast.generation.engines import transformers as transformers_engine
from steadfast.generation.engines import vllm as vllm_engine
from steadfast.generation.interface import Runtime
from steadfast.generation.serving.arguments import engine_arguments
from steadfast.generation.serving.interpreter import Interpreter
from steadfast.models import number_format
from steadfast.models.loading import load_model
from steadfast.models.number_format import NumberFormat, has_instructions, running_format, running_size, stored_format


@pytest.fixture
def processor(monkeypatch):
    """Give the processor instructions for some formats, and the machine so much memory."""

    def set_to(*formats: str, memory: int = 64 * GIB) -> None:
        monkeypatch.setattr(number_format, "has_instructions", lambda name: name in formats)
        monkeypatch.setattr(number_format, "total_memory", lambda: memory)

    return set_to


@pytest.fixture
def stored(checkpoint, tmp_path):
    """A copy of the tiny bfloat16 checkpoint whose configuration names another format, or other keys."""

    def make(**changes):
        folder = tmp_path / "copy"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(checkpoint, folder)
        config = {**read_json(folder / "config.json"), **changes}
        config = {key: value for key, value in config.items() if value is not None}
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return make


@pytest.mark.parametrize(
    ("instructions", "expected"), [((), "float32"), (("float16",), "float32"), (("bfloat16",), "bfloat16")]
)
def test_unsupported_dtype_runs_in_float32_on_cpu(checkpoint, processor, instructions, expected):
    processor(*instructions)
    assert running_format(checkpoint, device="cpu").name == expected


def test_float16_needs_its_own_cpu_instructions(stored, processor):
    processor("bfloat16")
    assert running_format(stored(dtype="float16"), device="cpu").name == "float32"


def test_model_too_large_for_float32_runs_as_stored(checkpoint, processor):
    size = running_size(checkpoint, "float32")
    processor(memory=int(size / 0.6) - 1)
    found = running_format(checkpoint, device="cpu")
    assert found.name == "bfloat16" and "would not fit" in found.reason and "slowly" in found.reason
    processor(memory=int(size / 0.6) + 1)
    assert running_format(checkpoint, device="cpu").name == "float32"


def test_gpu_quantized_and_configured_dtypes_are_kept(checkpoint, stored, processor):
    processor()
    assert running_format(checkpoint, device="cuda:1").name == "bfloat16"
    assert running_format(checkpoint, "float16", "cpu") == NumberFormat("float16", "bfloat16", "as configured")
    assert running_format(stored(quantization_config={"bits": 4}), device="cpu").name == "bfloat16"


def test_float32_checkpoint_needs_no_hardware_check(stored, monkeypatch):
    monkeypatch.setattr(number_format, "has_instructions", None)
    monkeypatch.setattr(number_format, "_on_gpu", None)
    assert running_format(stored(dtype="float32")).name == "float32"


@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])
def test_stored_dtype_is_read_from_config_json(stored, key):
    assert stored_format(stored(**{"dtype": None, key: "torch.float16"})) == "float16"
    assert stored_format(stored(dtype=None, text_config={key: "float32"})) == "float32"


def test_stored_dtype_defaults_to_that_of_most_parameters(stored):
    assert stored_format(stored(dtype=None)) == "bfloat16"


def test_has_instructions_matches_the_cpu_flags():
    flags = open("/proc/cpuinfo").read().split() if os.path.exists("/proc/cpuinfo") else []
    if "avx512f" not in flags:
        pytest.skip("the names of the flags are those of x86 with AVX-512")
    assert has_instructions("bfloat16") == bool({"avx512_bf16", "amx_bf16"} & set(flags))
    assert has_instructions("float16") == bool({"avx512_fp16", "amx_fp16"} & set(flags))


def test_cpu_without_onednn_has_no_instructions(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not has_instructions.__wrapped__("bfloat16")


def test_running_dtype_is_logged_and_recorded_in_provenance(checkpoint, processor, tmp_path, capsys):
    processor()
    assert load_model(checkpoint, device="cpu").dtype == torch.float32
    line = capsys.readouterr().out
    assert f"{checkpoint}: runs in float32 (stored in bfloat16): this processor has no bfloat16 instructions" in line
    (tmp_path / "out.csv").write_text("a\n")
    write_provenance([tmp_path / "out.csv"], inputs={}, params={}, rule="r", seconds=0.0)
    assert read_json(sidecar(tmp_path / "out.csv"))["number_formats"][str(checkpoint)] == "float32"
    processor("bfloat16")
    assert load_model(checkpoint, device="cpu").dtype == torch.bfloat16
    assert "runs in bfloat16: as stored; this processor has instructions" in capsys.readouterr().out


def test_both_engines_use_the_same_dtype_on_cpu(checkpoint, processor, monkeypatch):
    vllm = Interpreter(checkpoint / "python", True, "0.30.0")
    monkeypatch.setattr(vllm_engine, "find_interpreter", lambda configured: vllm)
    for instructions, expected in (((), "float32"), (("bfloat16",), "bfloat16")):
        processor(*instructions)
        arguments = engine_arguments(checkpoint, Runtime(), vllm, dtype="auto", max_model_len=64, cached_tokens=64)
        assert arguments["dtype"] == expected
        assert vllm_engine.build().number_format(checkpoint) == expected
        assert transformers_engine.build(runtime=Runtime(device="cpu")).number_format(checkpoint) == expected


def test_running_format_of_damaged_checkpoint_raises(stored, processor):
    processor()
    folder = stored()
    (folder / "model.safetensors").write_bytes(b"no")
    with pytest.raises(DataError, match=r"model\.safetensors is not a complete safetensors file"):
        running_format(folder, device="cpu")


def test_available_memory_is_at_most_that_of_the_machine():
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < available_memory() <= total_memory() <= machine


def test_memory_respects_the_limit_of_a_container(monkeypatch, tmp_path):
    from steadfast.core import memory

    (tmp_path / "own").write_text("0::/slurm/job\n")
    (tmp_path / "groups/slurm/job").mkdir(parents=True)
    (tmp_path / "groups/slurm/memory.max").write_text("1000000\n")
    (tmp_path / "groups/slurm/job/memory.max").write_text("max\n")
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")
    assert memory.total_memory() == memory.available_memory() == 1_000_000
    (tmp_path / "own").write_text("5:cpu:/\n4:memory,hugetlb:/job\n")
    (tmp_path / "groups/memory/job").mkdir(parents=True)
    (tmp_path / "groups/memory/job/memory.limit_in_bytes").write_text("2000000\n")
    assert memory.total_memory() == 2_000_000
