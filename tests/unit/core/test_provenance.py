"""Provenance sidecars: what they record, and that they hold no secret."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from steadfast.core import provenance
from steadfast.core.files import read_json, sha256_tree
from steadfast.core.integrity import sidecar
from steadfast.core.provenance import write_provenance

PACKAGE = Path(provenance.__file__).parents[1]


def record(*outputs: Path, **changes) -> dict:
    arguments = {"inputs": {}, "params": {}, "rule": "some_rule", "seconds": 1.0}
    write_provenance(outputs, **{**arguments, **changes})
    return read_json(sidecar(outputs[0]))


def test_sidecar_is_next_to_its_output(tmp_path):
    assert sidecar("results/a.parquet") == Path("results/a.parquet.provenance.json")
    assert sidecar(tmp_path / "folder") == tmp_path / "folder.provenance.json"


def test_sidecar_records_rule_params_inputs_and_hash(tmp_path):
    (tmp_path / "output.csv").write_text("b\n2\n")
    found = record(
        tmp_path / "output.csv",
        inputs={"input.csv": "abc", "results/models/raw": "def"},
        params={"seed": 3, "code": "abc"},
        rule="some_rule",
        seconds=1.23456,
    )
    assert found["rule"] == "some_rule"
    assert found["params"] == {"seed": 3, "code": "abc"}
    assert found["sha256"] == sha256_tree(tmp_path / "output.csv")
    assert found["inputs"] == {"input.csv": "abc", "results/models/raw": "def"}
    assert found["seconds"] == 1.235
    assert found["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}")
    assert set(found["git"]) == {"commit", "dirty"}
    assert found["packages"]["pandas"]


def test_every_output_has_its_own_sidecar(tmp_path):
    outputs = [tmp_path / "a", tmp_path / "b"]
    for output in outputs:
        output.write_text(output.name)
    record(*outputs)
    first, second = (read_json(sidecar(output)) for output in outputs)
    for key in ("sha256", "files"):
        assert first.pop(key) != second.pop(key)
    assert first == second


def test_sidecars_do_not_change_their_outputs(tmp_path):
    for name, seconds in (("one", 1.0), ("two", 2.0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "output").write_text("same")
        record(tmp_path / name / "output", seconds=seconds)
    assert (tmp_path / "one/output").read_bytes() == (tmp_path / "two/output").read_bytes()


def test_provenance_records_no_secret_from_the_environment(tmp_path, monkeypatch):
    for name in ("OPENAI_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, "sk-very-secret")
    (tmp_path / "a").write_text("1")
    record(tmp_path / "a", params={"judge": {"kind": "chat", "api_key_env": "OPENAI_API_KEY"}})
    content = sidecar(tmp_path / "a").read_text()
    assert "sk-very-secret" not in content
    assert "OPENAI_API_KEY" in content


def state_seen_from(folder: Path, **environment: str) -> dict:
    """What ``git_state`` says to a process whose package lies in ``folder``."""
    code = "import json; from steadfast.core.provenance import git_state; print(json.dumps(git_state()))"
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "PYTHONPATH": str(folder), **environment},
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "copy" / "steadfast", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "copy"


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_commit_is_none_outside_a_repository(copy, tmp_path):
    assert state_seen_from(copy, GIT_CEILING_DIRECTORIES=str(tmp_path)) == {"commit": None, "dirty": None}


def test_commit_is_none_without_git(copy):
    assert state_seen_from(copy, PATH="/nonexistent") == {"commit": None, "dirty": None}


def test_edited_file_sets_dirty_and_untracked_file_does_not(copy):
    git(copy, "init", "-q")
    git(copy, "add", ".")
    git(copy, "commit", "-q", "-m", "Start")
    clean = state_seen_from(copy)
    assert len(clean["commit"]) == 40
    assert clean["dirty"] is False
    (copy / "untracked").write_text("x")
    assert state_seen_from(copy)["dirty"] is False
    with (copy / "steadfast" / "core" / "errors.py").open("a") as handle:
        handle.write("\n# edited\n")
    assert state_seen_from(copy) == {"commit": clean["commit"], "dirty": True}


def test_recorded_versions_are_of_imported_packages_only():
    versions = provenance.package_versions()
    assert versions["pandas"]
    assert set(versions) <= set(provenance.REPORTED_PACKAGES)
    assert all(name in sys.modules for name in versions)
