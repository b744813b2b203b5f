"""Data sets of the hub, read from a server on the loopback interface that answers as the hub does."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

import pandas as pd
import pytest

from steadfast.core.errors import ConfigError, DataError
from steadfast.prompts.sources import SourcePrompt, check_source, load_source, source_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONVERTED_COMMIT = "89abcdef0123456789abcdef0123456789abcdef"
SCRIPTS = Path(__file__).parents[3] / "workflow" / "scripts"


@dataclass
class FakeRepo:
    files: dict[str, bytes]
    card: dict = field(default_factory=dict)
    converted: dict[str, bytes] = field(default_factory=dict)
    token: str | None = None

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        if revision in ("main", "v1", COMMIT):
            return COMMIT, self.files
        if self.converted and revision in ("refs/convert/parquet", CONVERTED_COMMIT):
            return CONVERTED_COMMIT, self.converted
        return None


class FakeHub(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repos: dict[str, FakeRepo] = {}
        self.requests: list[str] = []
        self.tokens: set[str | None] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: FakeHub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = unquote(self.path.partition("?")[0])
        self.server.requests.append(f"{self.command} {path}")
        token = self.headers.get("authorization")
        self.server.tokens.add(token)
        api, separator, revision = path.removeprefix("/api").partition("/revision/")
        name = ""
        if not separator:
            api, _, rest = path.partition("/resolve/")
            revision, _, name = rest.partition("/")
        repo = self.server.repos.get(api.removeprefix("/datasets/"))
        if repo is None:
            return self.fail(404, "RepoNotFound")
        if repo.token and token != f"Bearer {repo.token}":
            return self.fail(403, "GatedRepo")
        found = repo.at(revision)
        if found is None:
            return self.fail(404, "RevisionNotFound")
        commit, files = found
        if separator:
            info = {"id": "x", "sha": commit, "cardData": repo.card, "siblings": [{"rfilename": n} for n in files]}
            return self.send(json.dumps(info).encode(), {"Content-Type": "application/json"})
        if name not in files:
            return self.fail(404, "EntryNotFound")
        return self.send(files[name], {"ETag": f'"{hash(files[name])}"', "X-Repo-Commit": commit})

    def fail(self, status: int, code: str) -> None:
        self.send(b"", {"X-Error-Code": code, "X-Error-Message": code}, status)

    def send(self, body: bytes, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    from huggingface_hub import constants

    server = FakeHub()
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield server
    server.shutdown()
    server.server_close()


def parquet(*texts: str, **columns: list[str]) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame({"text": list(texts), **columns}).to_parquet(buffer)
    return buffer.getvalue()


def texts_of(prompts: list[SourcePrompt]) -> list[str]:
    return [prompt.text for prompt in prompts]


def parquet_repo() -> FakeRepo:
    return FakeRepo(
        files={
            "README.md": b"",
            ".gitattributes": b"",
            "data/train-00000-of-00002.parquet": parquet("one", "two"),
            "data/train-00001-of-00002.parquet": parquet("three"),
            "data/test-00000-of-00001.parquet": parquet("four"),
        },
        card={
            "configs": [
                {
                    "config_name": "default",
                    "data_files": [
                        {"split": "train", "path": "data/train-*"},
                        {"split": "test", "path": "data/test-*"},
                    ],
                }
            ]
        },
    )


def test_only_the_shards_of_the_split_are_downloaded(hub: FakeHub) -> None:
    hub.repos["mlabonne/harmful_behaviors"] = parquet_repo()
    source = {"kind": "dataset", "repo": "mlabonne/harmful_behaviors", "split": "train", "column": "text"}
    prompts = load_source(source)
    assert texts_of(prompts) == ["one", "two", "three"]
    assert {prompt.source for prompt in prompts} == {f"mlabonne/harmful_behaviors@{COMMIT[:12]}/train"}
    assert {prompt.split for prompt in prompts} == {None}
    assert not any("test" in request or "README" in request for request in hub.requests)


def test_all_prompts_of_a_split_can_be_assigned(hub: FakeHub) -> None:
    hub.repos["a/b"] = parquet_repo()
    prompts = load_source({"kind": "dataset", "repo": "a/b", "split": "test", "assign": "evaluation"})
    assert [(prompt.text, prompt.split) for prompt in prompts] == [("four", "evaluation")]


def test_data_set_tag_is_resolved_to_its_commit(hub: FakeHub) -> None:
    hub.repos["a/b"] = parquet_repo()
    prompts = load_source({"kind": "dataset", "repo": "a/b", "split": "test", "revision": "v1"})
    assert prompts[0].source == f"a/b@{COMMIT[:12]}/test"
    assert f"GET /datasets/a/b/resolve/{COMMIT}/data/test-00000-of-00001.parquet" in hub.requests


def test_split_is_found_by_file_name_without_a_card(hub: FakeHub) -> None:
    rows = [{"goal": "g1", "kind": "fraud"}, {"goal": "g2", "kind": None}]
    lines = "\n".join(map(json.dumps, rows)).encode()
    hub.repos["a/b"] = FakeRepo({"train.json": lines, "test.json": b"[]"})
    prompts = load_source({"kind": "dataset", "repo": "a/b", "column": "goal", "category_column": "kind"})
    assert [(prompt.text, prompt.category) for prompt in prompts] == [("g1", "fraud"), ("g2", "")]


def test_unknown_formats_fall_back_to_the_hub_conversion(hub: FakeHub) -> None:
    repo = FakeRepo({"data.arrow": b"x", "load.py": b"x"}, converted={"default/train/0000.parquet": parquet("five")})
    hub.repos["a/b"] = repo
    prompts = load_source({"kind": "dataset", "repo": "a/b"})
    assert texts_of(prompts) == ["five"]
    assert prompts[0].source == f"a/b@{CONVERTED_COMMIT[:12]}/train"
    assert not any("load.py" in request for request in hub.requests)


def test_hub_conversion_is_not_used_for_other_revisions(hub: FakeHub) -> None:
    hub.repos["a/b"] = FakeRepo({"data.arrow": b"x"}, converted={"default/train/0000.parquet": parquet("five")})
    with pytest.raises(DataError, match="data set a/b at v1: no data file of a known format"):
        load_source({"kind": "dataset", "repo": "a/b", "revision": "v1"})


def test_only_the_token_of_the_environment_is_sent(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos["a/gated"] = FakeRepo({"train.txt": b"open\n"}, token="hf_secret")
    with pytest.raises(DataError, match="a/gated is gated: accept its terms on the hub and set HF_TOKEN"):
        load_source({"kind": "dataset", "repo": "a/gated"})
    assert hub.tokens == {None}
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    prompts = load_source({"kind": "dataset", "repo": "a/gated"})
    assert texts_of(prompts) == ["open"]
    assert not any("hf_secret" in prompt.source for prompt in prompts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"repo": "a/missing"}, "a/missing: not on the hub, or private"),
        ({"revision": "nope"}, "a/b: no revision 'nope'"),
        ({"split": "tset"}, "a/b at main: no split 'tset'; did you mean 'test'? Known: test, train"),
        ({"subset": "other"}, "a/b at main: no subset 'other'"),
        ({"column": "txt"}, "no column 'txt'; did you mean 'text'?"),
    ],
)
def test_missing_data_set_parts_are_named(hub: FakeHub, settings: dict[str, str], message: str) -> None:
    hub.repos["a/b"] = parquet_repo()
    with pytest.raises(DataError) as caught:
        load_source({"kind": "dataset", "repo": "a/b", **settings})
    assert message in str(caught.value)


def test_an_unreachable_hub_is_one_clear_error(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    hub.server_close()
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DataError, match=r"a/b at main could not be downloaded.*source of the kind `file`"):
        load_source({"kind": "dataset", "repo": "a/b"})


def test_hf_endpoint_is_respected(hub: FakeHub, tmp_path: Path) -> None:
    hub.repos["a/b"] = parquet_repo()
    load = "[prompt.text for prompt in load_source({'kind': 'dataset', 'repo': 'a/b'})]"
    code = f"from steadfast.prompts.sources import load_source; print({load})"
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "PYTHONPATH": str(SCRIPTS)}
    environment.pop("HF_HUB_OFFLINE", None)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['one', 'two', 'three']"


def test_data_set_settings_are_checked_offline() -> None:
    check_source({"kind": "dataset", "repo": "mlabonne/harmless_alpaca", "split": "train"})
    assert source_files({"kind": "dataset", "repo": "mlabonne/harmless_alpaca"}) == []
    with pytest.raises(ConfigError, match="repo: 'harmless_alpaca' is not the id of a data set"):
        check_source({"kind": "dataset", "repo": "harmless_alpaca"})
    with pytest.raises(ConfigError, match="assign: 'test' is not allowed; allowed: calibration, evaluation, null"):
        check_source({"kind": "dataset", "repo": "a/b", "assign": "test"})
