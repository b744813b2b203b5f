"""Fetching from the hub: a real client against a hub on the loopback interface."""

import ast
import fnmatch
import hashlib
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from safetensors.numpy import save
from tests import warm_python
from tests.forks import Forks
from tests.hub_simulator import COMMIT, TOKEN, Hub, client_variables, hub_simulator
from tests.tiny_checkpoint import tensors
from tests.warm_python import run_code

from steadfast.core import files
from steadfast.models.size import ModelSize

# a client in a process of its own for every question, against a server
pytestmark = pytest.mark.slow
CHECKPOINT = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
LOADED = ("transformers", "torch", "transformers.modeling_utils")
SCRIPTS = Path(files.__file__).parents[2]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_simulator() as hub:
        yield hub


@pytest.fixture(scope="module")
def forks(tmp_path_factory) -> Iterator[Forks]:
    """Forks that need not import what checks a checkpoint."""
    folder = tmp_path_factory.mktemp("forks")
    environment = without_hub(HF_HOME=str(folder / "nothing"), OMP_NUM_THREADS="1")
    with closing(Forks(warm_python, *LOADED, folder=folder, environment=environment)) as forks:
        yield forks


def without_hub(**variables: str) -> dict[str, str]:
    """The environment without what is set of the hub."""
    return {**{key: value for key, value in os.environ.items() if not key.startswith("HF_")}, **variables}


@pytest.fixture
def python(tmp_path, forks):
    """Run code in a fresh process that speaks to a hub at ``url``; the hub's cache is the test's own.

    The client waits between its attempts to reach a hub; here it does not.
    """

    def python(code: str, url: str, **variables: str) -> subprocess.CompletedProcess[str]:
        own = {"PYTHONPATH": str(SCRIPTS), **client_variables(url, tmp_path / "hub_home"), **variables}
        waiting = "import time; time.sleep = lambda _: None\n"
        return run_code(forks, waiting + code, tmp_path, without_hub(**own))

    return python


FETCH = """
import json, sys
from dataclasses import asdict
from steadfast.core.errors import SteadfastError
from steadfast.models.hub import fetch
try:
    print(json.dumps(asdict(fetch({repo!r}, {revision!r}, trust_remote_code={trust}))))
except SteadfastError as error:
    sys.exit(f"SteadfastError: {{error}}")
"""


@pytest.fixture
def fetch(python, hub):
    def fetch(repo: str = "maker/model", revision: str = COMMIT, trust: bool = False, url: str | None = None):
        done = python(FETCH.format(repo=repo, revision=revision, trust=trust), url or hub.url)
        if done.returncode:
            assert "Traceback" not in done.stderr, done.stderr
            # the client's own notices of its attempts may stand before
            return done.stderr.partition("SteadfastError: ")[2].strip().splitlines()
        (*progress, pointer) = done.stdout.splitlines()
        assert all(line.startswith("files to be ") for line in progress)
        return json.loads(pointer)

    return fetch


def unused_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_pinned_revision_is_downloaded_and_described(fetch, hub):
    pointer = fetch()
    assert pointer["source"] == "hub"
    assert pointer["revision"] == COMMIT
    assert pointer["trust_remote_code"] is False
    assert pointer["details"] == {"repo": "maker/model", "requested_revision": COMMIT}
    assert (Path(pointer["path"]) / "model.safetensors").read_bytes() == hub.content["model.safetensors"]
    assert pointer["files"] == {name: hashlib.sha256(hub.content[name]).hexdigest() for name in CHECKPOINT}


def test_missing_files_are_known_before_the_download(python, hub):
    code = f"""
from steadfast.models.download import missing_files
from steadfast.models.hub import UNWANTED, WANTED, fetch
print(missing_files("maker/model", {COMMIT!r}, WANTED, UNWANTED))
fetch("maker/model", {COMMIT!r})
print(missing_files("maker/model", {COMMIT!r}, WANTED, UNWANTED))
"""
    before, told, after = python(code, hub.url).stdout.splitlines()
    sizes = {name: len(hub.content[name]) for name in CHECKPOINT}
    assert ast.literal_eval(before) == sizes and after == "{}"
    assert told.startswith("files to be downloaded: 0/0 MiB")
    assert python(code, unused_address()).stdout.splitlines() == ["{}", "{}"], "the cache tells what it holds"


def test_size_of_model_is_known_before_it_is_downloaded(python, hub):
    code = """
from steadfast.runs.estimates.hub import bytes_to_fetch, size_on_hub
entry = {"source": "hub", "repo": "maker/model", "revision": "main"}
file = {**entry, "source": "gguf", "file": "README.md", "dtype": "float32"}
print(size_on_hub(entry), bytes_to_fetch(entry), bytes_to_fetch(file), size_on_hub(file), sep=";")
"""
    hub.gguf = {"total": 1000, "architecture": "llama"}
    size, fetched, file, told = python(code, hub.url).stdout.strip().split(";")
    assert told == str(ModelSize(1000, 4000))
    stored = tensors().values()
    assert size == str(ModelSize(sum(one.size for one in stored), sum(one.nbytes for one in stored)))
    assert int(fetched) == sum(len(hub.content[name]) for name in CHECKPOINT) and int(file) == len(b"# Model")
    assert python(code, unused_address()).stdout.strip() == "None;None;None;None"


def test_pickles_code_and_duplicate_weights_are_not_downloaded(fetch, hub):
    fetch()
    assert hub.downloaded() == CHECKPOINT


def test_code_is_downloaded_only_if_trusted(fetch, hub):
    pointer = fetch(trust=True)
    assert pointer["trust_remote_code"] is True
    assert hub.downloaded() == sorted([*CHECKPOINT, "modeling_own.py"])


def test_hub_model_with_missing_tensors_is_rejected(fetch, hub):
    lost = {name: tensor for name, tensor in tensors().items() if name != "model.layers.1.mlp.up_proj.weight"}
    hub.content["model.safetensors"] = save(lost, metadata={"format": "pt"})
    (line,) = fetch()
    assert line.startswith(f"maker/model at {COMMIT}: ")
    assert "Missing: model.layers.1.mlp.up_proj.weight" in line


def test_a_branch_is_resolved_to_its_commit(fetch):
    pointer = fetch(revision="main")
    assert pointer["revision"] == COMMIT
    assert pointer["details"]["requested_revision"] == "main"


def test_cached_model_needs_no_hub(fetch):
    assert fetch(url=unused_address()) != fetch() == fetch(url=unused_address())


@pytest.mark.parametrize(
    ("locked", "words"),
    [
        ("gated", ["maker/model is gated", "license", "HF_TOKEN"]),
        ("hidden", ["maker/model: no such model", "private", "HF_TOKEN"]),
        ("broken", [f"maker/model at {COMMIT} could not be downloaded", "503"]),
    ],
)
def test_inaccessible_model_error_says_what_to_do(fetch, hub, locked, words):
    hub.locked = locked
    (line,) = fetch()
    for word in words:
        assert word in line


def test_missing_model_is_reported_in_one_line(fetch):
    (line,) = fetch(repo="maker/nothing", revision="main")
    assert "maker/nothing: no such model on the hub" in line


def test_missing_revision_is_reported_in_one_line(fetch):
    (line,) = fetch(revision="v7")
    assert "maker/model has no revision 'v7'" in line


def test_unreachable_hub_is_reported_in_one_line(fetch):
    (line,) = fetch(url=unused_address())
    assert "maker/model" in line
    assert "cannot be reached" in line


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.safetensors", "has neither model.safetensors nor model.safetensors.index.json"),
        ("config.json", "config.json is missing"),
        ("tokenizer*", "no tokenizer"),
    ],
)
def test_incomplete_hub_repository_is_rejected(fetch, hub, name, words):
    for file in fnmatch.filter(list(hub.content), name):
        del hub.content[file]
    (line,) = fetch()
    assert "maker/model" in line
    assert words in line


RESOLVE = """
import sys
from steadfast.core.errors import SteadfastError
from steadfast.models.hub import resolve_revision
try:
    print(resolve_revision({repo!r}, {revision!r}, {kind!r}))
except SteadfastError as error:
    sys.exit(f"SteadfastError: {{error}}")
"""


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_resolving_a_branch_downloads_nothing(python, hub, kind):
    done = python(RESOLVE.format(repo="maker/model", revision="main", kind=kind), hub.url)
    assert done.stdout.strip() == COMMIT, done.stderr
    assert hub.downloaded() == []
    assert f"GET /api/{kind}s/maker/model/revision/main" in hub.requests


@pytest.mark.parametrize(
    ("repo", "revision", "words"),
    [("maker/nothing", "main", "no such model"), ("maker/model", "v7", "has no revision 'v7'")],
)
def test_resolving_a_missing_branch_raises(python, hub, repo, revision, words):
    done = python(RESOLVE.format(repo=repo, revision=revision, kind="model"), hub.url)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("SteadfastError: ")
    assert words in line


ACCESS = """
import sys
from steadfast.core.errors import SteadfastError
from steadfast.models.hub import fetch, fetch_file, is_cached, require_access
try:
    {before}
    require_access("maker/model", {revision!r}, is_cached=is_cached("maker/model", {revision!r}, {names!r}))
except SteadfastError as error:
    sys.exit(f"SteadfastError: {{error}}")
"""


@pytest.fixture
def access(python, hub):
    def access(
        revision: str = "main", before: str = "", url: str | None = None, names: tuple[str, ...] = (), **variables: str
    ) -> str:
        """What prevents a download; empty if nothing does."""
        done = python(ACCESS.format(before=before, revision=revision, names=names), url or hub.url, **variables)
        assert "Traceback" not in done.stderr, done.stderr
        return done.stderr.partition("SteadfastError: ")[2].strip()

    return access


def test_access_check_detects_a_gated_model_before_download(access, hub):
    """The hub describes a gated model to everybody, so that its description says nothing about access."""
    assert access() == ""
    hub.locked = "gated"
    assert access().startswith("maker/model is gated: accept its license")
    assert "HF_TOKEN" in access(HF_TOKEN="hf_of_somebody_else")
    assert access(HF_TOKEN=TOKEN) == ""
    assert hub.downloaded() == []


def test_access_check_passes_on_a_mirror_without_gating(access, hub):
    hub.mirror = True
    assert access() == ""


def test_access_check_reports_impossible_downloads(access, hub):
    assert "has no revision 'v7'" in access("v7")
    assert "cannot be reached" in access(url=unused_address())
    hub.locked = "hidden"
    assert "no such model" in access()


def test_access_check_of_cached_model_needs_no_hub_or_token(access, hub):
    assert access(before="fetch('maker/model', 'main')") == ""
    hub.locked = "gated"
    assert access() == access(url=unused_address()) == access(HF_HUB_OFFLINE="1") == ""


def test_access_check_passes_if_the_needed_files_are_cached(access, hub):
    assert access(before="fetch_file('maker/model', 'main', 'config.json')") == ""
    assert access(names=("config.json",), HF_HUB_OFFLINE="1") == ""
    assert access(names=("config.json", "model.safetensors"), HF_HUB_OFFLINE="1") != ""


CONFIG = """\
# which model
models:
  a: {source: hub, repo: maker/model, revision: main}  # moves
"""


def test_pinning_a_file_writes_the_commit(python, hub, tmp_path):
    (tmp_path / "config.yaml").write_text(CONFIG)
    code = "import sys; from steadfast.models.pin import main; sys.exit(main('config.yaml'))"
    done = python(code, hub.url)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "config.yaml").read_text() == CONFIG.replace("main", COMMIT)
    assert "pinned" in done.stdout
    again = python(code, hub.url)
    assert "nothing to pin" in again.stdout


def test_pinning_without_a_hub_keeps_the_file(python, tmp_path):
    (tmp_path / "config.yaml").write_text(CONFIG)
    done = python("import sys; from steadfast.models.pin import main; sys.exit(main('config.yaml'))", unused_address())
    assert done.returncode == 1
    assert (tmp_path / "config.yaml").read_text() == CONFIG
    assert "config.yaml is unchanged" in done.stderr
    assert "Traceback" not in done.stderr


def test_pinning_a_missing_file_is_an_error(python, hub):
    done = python("import sys; from steadfast.models.pin import main; sys.exit(main('nowhere.yaml'))", hub.url)
    assert done.returncode == 1
    assert "nowhere.yaml" in done.stderr
    assert "Traceback" not in done.stderr
