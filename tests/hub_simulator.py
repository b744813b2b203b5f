"""A model hub on the loopback interface, which the real client talks to."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.tiny_checkpoint import checkpoint_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_simulated"


@dataclass
class Hub:
    """What the loopback hub serves and what it was asked for.

    Attributes:
        url: its address.
        content: the files of its only model by name.
        repo: the model's id.
        gguf: what it tells of a GGUF file in it.
        locked: ``open``, ``gated`` (files need ``TOKEN``), ``hidden`` (the model is not shown) or ``broken``.
        mirror: whether it only passes on files and descriptions.
        requests: method and path of every request.
    """

    url: str = ""
    content: dict[str, bytes] = field(default_factory=dict)
    repo: str = "maker/model"
    gguf: dict[str, object] | None = None
    locked: str = "open"
    mirror: bool = False
    requests: list[str] = field(default_factory=list)

    def downloaded(self) -> list[str]:
        """Names of the files that were downloaded."""
        marker = f"GET /{self.repo}/resolve/{COMMIT}/"
        return sorted(request.removeprefix(marker) for request in self.requests if request.startswith(marker))


def handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # content would wait 40 ms for the client to confirm the headers

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
            if hub.locked == "hidden" or hub.repo not in path:
                return self.refuse(401 if hub.locked == "hidden" else 404, "RepoNotFound")
            gated = hub.locked == "gated" and self.headers.get("Authorization") != f"Bearer {TOKEN}"
            if path.endswith("/auth-check") and hub.mirror:
                return self.answer(404, b"{}")
            if path.endswith("/auth-check"):
                return self.refuse(403, "GatedRepo") if gated else self.json({})
            if path.startswith("/api/") and path.rpartition("/")[2] not in ("main", COMMIT):
                return self.refuse(404, "RevisionNotFound")
            if "/tree/" in path:
                return self.json([self.entry(name, content) for name, content in hub.content.items()])
            if path.startswith("/api/"):
                return self.json(
                    {"_id": "1", "id": hub.repo, "sha": COMMIT, "siblings": [], "tags": [], "gguf": hub.gguf}
                )
            if gated:
                return self.refuse(403, "GatedRepo")
            content = hub.content[path.partition("/resolve/")[2].partition("/")[2]]
            return self.answer(200, content, ETag=f'"{hashlib.sha1(content).hexdigest()}"', X_Repo_Commit=COMMIT)

        do_HEAD = do_GET

        def entry(self, name: str, content: bytes) -> dict[str, object]:
            found = {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            if name.endswith(".safetensors"):
                sha256 = hashlib.sha256(content).hexdigest()
                found["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 100}
            return found

    return Handler


@contextmanager
def hub_simulator() -> Iterator[Hub]:
    """A running hub with one small model."""
    hub = Hub(
        content={
            **checkpoint_files(),
            "pytorch_model.bin": b"a pickle",
            "modeling_own.py": b"print('code of its own')",
            "original/model.safetensors": b"the same weights in another layout",
            "consolidated.safetensors": b"and once more",
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


def client_variables(url: str, home: Path) -> dict[str, str]:
    """Environment variables of a client of the hub at ``url``, whose cache is below ``home``."""
    return {
        "HF_ENDPOINT": url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "no_proxy": "127.0.0.1",
    }
