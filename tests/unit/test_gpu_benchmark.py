"""The benchmark for a GPU, on the CPU with tiny shapes: it measures what the workflow does, and says what is right."""

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
TINY = ["--device", "cpu", "--shapes", "tiny", "--prompts", "16", "--turns", "1", "--new-tokens", "4"]


@pytest.fixture(scope="module")
def gpu() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bench(gpu: ModuleType):
    model = gpu.random_model("tiny", "cpu", torch.float32)
    return gpu.Bench(model, gpu.random_prompts(16, 512), 512, 4, 1)


def test_gpu_benchmark_imports_only_torch_transformers_and_safetensors() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    own = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names)
    assert own == {"torch", "transformers", "safetensors"}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_gpu_benchmark_distinguishes_exact_from_wrong_edits(gpu, dtype: str, tmp_path, capsys) -> None:
    figures = gpu.main([*TINY, "--dtype", dtype, "--report", str(tmp_path / "gpu.md")])["tiny"]
    assert figures["restored"] == 1 and figures["same_answers"] == 1 and figures["adapters_original"] == 1
    assert figures["exact"] > (0.999 if dtype == "bfloat16" else 0.8)  # factors are float32
    assert figures["run_time_distance"] < (1e-6 if dtype == "float32" else 5e-3)
    assert figures["adapters_distance"] < (1e-6 if dtype == "float32" else 5e-3)
    assert figures["bound_right"] <= 1 < figures["bound_effect"]
    sabotaged = [value for name, value in figures.items() if name.startswith("bound ") and name != "bound as asked"]
    assert len(sabotaged) == 4 and min(sabotaged) > 2
    report = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert all(f"### {title}" in report for title in gpu.SECTIONS) and "NOT" not in report


def test_gpu_benchmark_extracts_the_activations_of_the_workflow(bench) -> None:
    from steadfast.attacks.activations.extraction import residual_stream

    found, _ = residual_stream(bench.model, bench.prompts, (-1,), 512, 0)
    torch.testing.assert_close(bench.extract(), torch.from_numpy(found[:, 0]), rtol=1e-4, atol=1e-5)


def test_gpu_benchmark_factors_remove_only_the_direction(bench) -> None:
    weight = bench.writers()["1.mlp.down_proj"].weight.double()
    with bench.edited(lambda name, old: weight_of(bench, name, old)):
        edited = bench.writers()["1.mlp.down_proj"].weight.double()
        assert (bench.direction @ edited).norm() < 1e-6 * (bench.direction @ weight).norm()
        across = torch.randn(64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        across -= (across @ bench.direction) * bench.direction
        torch.testing.assert_close(across @ edited, across @ weight, rtol=1e-5, atol=1e-6)
    assert torch.equal(bench.writers()["1.mlp.down_proj"].weight.double(), weight)


def weight_of(bench, name: str, old: torch.Tensor) -> torch.Tensor:
    column, row = bench.factors()[name]
    return old + column @ row


def test_gpu_benchmark_report_names_skipped_parts(gpu, capsys) -> None:
    assert gpu.main([*TINY, "--dtype", "float32", "--minutes", "0"]) == {}
    text, _ = gpu.run(
        gpu.argparse.Namespace(minutes=0, dtype="float32", device="cpu", shapes=["tiny"], prompts=4, report=None)
    )
    assert "Left out: 0 minutes were over." in text
