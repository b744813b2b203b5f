"""Fetching from the hub: a real client against a hub on the loopback interface."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from steadfast import files

SCRIPTS = Path(files.__file__).parents[1]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What the loopback hub serves and what it was asked for.

    Attributes:
        url: its address.
        content: the files of its only model, ``maker/model``, by name.
        locked: ``open``, ``gated`` (files need a token), ``hidden`` (the model is not shown without one) or ``broken``.
        requests: method and path of every request.
    """

    url: str = ""
    content: dict[str, bytes] = field(default_factory=dict)
    locked: str = "open"
    requests: list[str] = field(default_factory=list)

    def downloaded(self) -> list[str]:
        """Names of the files that were downloaded."""
        marker = f"GET /maker/model/resolve/{COMMIT}/"
        return sorted(request.removeprefix(marker) for request in self.requests if request.startswith(marker))


def handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: object) -> None:
            pass

        def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def json(self, value: object) -> None:
            self.answer(200, json.dumps(value).encode(), Content_Type="application/json")

        def refuse(self, status: int, code: str) -> None:
            self.answer(status, b"{}", X_Error_Code=code, X_Error_Message=code)

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            hub.requests.append(f"{self.command} {path}")
            if hub.locked == "broken":
                return self.answer(503, b"out of order")
            if hub.locked == "hidden" or "maker/model" not in path:
                return self.refuse(401 if hub.locked == "hidden" else 404, "RepoNotFound")
            if path.startswith("/api/") and path.rpartition("/")[2] not in ("main", COMMIT):
                return self.refuse(404, "RevisionNotFound")
            if "/tree/" in path:
                return self.json([self.entry(name, content) for name, content in hub.content.items()])
            if path.startswith("/api/"):
                return self.json({"_id": "1", "id": "maker/model", "sha": COMMIT, "siblings": [], "tags": []})
            if hub.locked == "gated":
                return self.refuse(403, "GatedRepo")
            content = hub.content[path.partition(f"/resolve/{COMMIT}/")[2]]
            return self.answer(200, content, ETag=f'"{hashlib.sha1(content).hexdigest()}"', X_Repo_Commit=COMMIT)

        do_HEAD = do_GET

        def entry(self, name: str, content: bytes) -> dict[str, object]:
            found = {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            if name.endswith(".safetensors"):
                sha256 = hashlib.sha256(content).hexdigest()
                found["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 100}
            return found

    return Handler


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub(
        content={
            "config.json": b'{"model_type": "llama", "num_hidden_layers": 2}',
            "model.safetensors": b"weights",
            "tokenizer.json": b"{}",
            "pytorch_model.bin": b"a pickle",
            "modeling_own.py": b"print('code of its own')",
            "original/model.safetensors": b"the same weights in another layout",
            "README.md": b"# Model",
        }
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(hub))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def python(tmp_path):
    """Run code in a fresh process that speaks to a hub at ``url``; the hub's cache is the test's own.

    The client waits between its attempts to reach a hub; here it does not.
    """

    def python(code: str, url: str) -> subprocess.CompletedProcess[str]:
        mine = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        environment = {
            **mine,
            "PYTHONPATH": str(SCRIPTS),
            "HF_ENDPOINT": url,
            "HF_HOME": str(tmp_path / "hub_home"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "no_proxy": "127.0.0.1",
        }
        return subprocess.run(
            [sys.executable, "-c", f"import time; time.sleep = lambda _: None\n{code}"],
            env=environment,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=120,
        )

    return python


FETCH = """
import json, sys
from dataclasses import asdict
from steadfast.errors import SteadfastError
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
        return json.loads(done.stdout)

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
    assert (Path(pointer["path"]) / "model.safetensors").read_bytes() == b"weights"
    assert pointer["files"] == {
        name: hashlib.sha256(hub.content[name]).hexdigest()
        for name in ("config.json", "model.safetensors", "tokenizer.json")
    }


def test_pickles_foreign_code_and_second_copies_are_not_downloaded(fetch, hub):
    fetch()
    assert hub.downloaded() == ["config.json", "model.safetensors", "tokenizer.json"]


def test_code_is_downloaded_only_where_it_is_trusted(fetch, hub):
    pointer = fetch(trust=True)
    assert pointer["trust_remote_code"] is True
    assert hub.downloaded() == ["config.json", "model.safetensors", "modeling_own.py", "tokenizer.json"]


def test_a_branch_is_resolved_to_its_commit(fetch):
    pointer = fetch(revision="main")
    assert pointer["revision"] == COMMIT
    assert pointer["details"]["requested_revision"] == "main"


def test_what_was_fetched_before_needs_no_hub(fetch):
    assert fetch(url=unused_address()) != fetch() == fetch(url=unused_address())


@pytest.mark.parametrize(
    ("locked", "words"),
    [
        ("gated", ["maker/model is gated", "licence", "HF_TOKEN"]),
        ("hidden", ["maker/model: no such model", "private", "HF_TOKEN"]),
        ("broken", [f"maker/model at {COMMIT} could not be downloaded", "503"]),
    ],
)
def test_a_model_that_cannot_be_had_says_what_to_do(fetch, hub, locked, words):
    hub.locked = locked
    (line,) = fetch()
    for word in words:
        assert word in line


def test_a_model_that_does_not_exist(fetch):
    (line,) = fetch(repo="maker/nothing", revision="main")
    assert "maker/nothing: no such model on the hub" in line


def test_a_revision_that_does_not_exist(fetch):
    (line,) = fetch(revision="v7")
    assert "maker/model has no revision 'v7'" in line


def test_a_hub_that_cannot_be_reached(fetch):
    (line,) = fetch(url=unused_address())
    assert "maker/model" in line
    assert "cannot be reached" in line


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.safetensors", "no *.safetensors weights"),
        ("config.json", "config.json is missing"),
        ("tokenizer.json", "no tokenizer"),
    ],
)
def test_a_repository_that_is_no_checkpoint(fetch, hub, name, words):
    del hub.content[name]
    (line,) = fetch()
    assert "maker/model" in line
    assert words in line


RESOLVE = """
import sys
from steadfast.errors import SteadfastError
from steadfast.models.hub import resolve_revision
try:
    print(resolve_revision({repo!r}, {revision!r}, {kind!r}))
except SteadfastError as error:
    sys.exit(f"SteadfastError: {{error}}")
"""


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_a_branch_is_looked_up_without_a_download(python, hub, kind):
    done = python(RESOLVE.format(repo="maker/model", revision="main", kind=kind), hub.url)
    assert done.stdout.strip() == COMMIT, done.stderr
    assert hub.downloaded() == []
    assert f"GET /api/{kind}s/maker/model/revision/main" in hub.requests


@pytest.mark.parametrize(
    ("repo", "revision", "words"),
    [("maker/nothing", "main", "no such model"), ("maker/model", "v7", "has no revision 'v7'")],
)
def test_a_branch_that_cannot_be_looked_up(python, hub, repo, revision, words):
    done = python(RESOLVE.format(repo=repo, revision=revision, kind="model"), hub.url)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("SteadfastError: ")
    assert words in line


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


def test_pinning_without_a_hub_leaves_the_file(python, tmp_path):
    (tmp_path / "config.yaml").write_text(CONFIG)
    done = python("import sys; from steadfast.models.pin import main; sys.exit(main('config.yaml'))", unused_address())
    assert done.returncode == 1
    assert (tmp_path / "config.yaml").read_text() == CONFIG
    assert "config.yaml is unchanged" in done.stderr
    assert "Traceback" not in done.stderr


def test_pinning_a_file_that_is_not_there(python, hub):
    done = python("import sys; from steadfast.models.pin import main; sys.exit(main('nowhere.yaml'))", hub.url)
    assert done.returncode == 1
    assert "nowhere.yaml" in done.stderr
    assert "Traceback" not in done.stderr
