"""The batch interface of a simulated provider: files in, files out, with what can happen to a batch."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.provider_simulator import FORMS, ProviderHandler, Simulator, case_in, completion_of, simulator


class BatchProvider(Simulator):
    """A provider with a batch interface.

    Attributes:
        polls: looks at a batch until it has ended.
        ends: how batches end, in the order of their creation: ``completed``, ``expired`` (every second request is not
            answered) or ``failed``; the rest ends as completed.
        files: contents by id.
        batches: batches by id, as the interface shows them.
        looks: looks by batch.
        lists: whether batches can be listed.
        once: HTTP statuses that the first calls of each route meet.
    """

    def __init__(self, polls: int = 1, ends: tuple[str, ...] = (), lists: bool = True, **settings: Any) -> None:
        super().__init__(honors=(), rejects_unknown=False, **settings)
        self.polls = polls
        self.ends = ends
        self.lists = lists
        self.files: dict[str, str] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.looks: Counter[str] = Counter()
        self.once: list[int] = []

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Create a batch."""
        name = f"batch_{len(self.batches)}"
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        self.batches[name] = {
            **{"id": name, "object": "batch", "status": "validating", "created_at": 0, "errors": None},
            **{key: asked[key] for key in ("input_file_id", "endpoint", "completion_window", "metadata")},
            **{"output_file_id": None, "error_file_id": None, "requests": lines},
        }
        return self.shown(name)

    def shown(self, name: str) -> dict[str, Any]:
        """A batch as the interface shows it."""
        return {key: value for key, value in self.batches[name].items() if key != "requests"}

    def look(self, name: str) -> dict[str, Any]:
        """A batch as it is now; it ends after some looks."""
        batch = self.batches[name]
        self.looks[name] += 1
        if batch["status"] == "validating" and self.looks[name] > self.polls:
            number = list(self.batches).index(name)
            self._end(batch, self.ends[number] if number < len(self.ends) else "completed")
        return self.shown(name)

    def _end(self, batch: dict[str, Any], status: str) -> None:
        batch["status"] = status
        if status == "failed":
            batch["errors"] = {"object": "list", "data": [{"code": "bad", "message": "the file is not valid"}]}
            return
        files: dict[str, list[Any]] = {"output": [], "error": []}
        for number, line in enumerate(batch["requests"]):
            response = case_in(line["body"])
            fault = self.schedule(response, self.attempts[response])
            said: dict[str, Any] = {"custom_id": line["custom_id"], "error": None}
            if status == "expired" and number % 2:
                expired = {"code": "batch_expired", "message": "This request was not executed."}
                files["error"].append({**said, "response": None, "error": expired})
                continue
            self.attempts[response] += 1
            if fault in FORMS:
                answered = {"status_code": FORMS[fault].status, "body": json.loads(FORMS[fault].text)}
                files["error"].append({**said, "response": answered})
                continue
            self.answered[response] += 1
            body = completion_of(line["body"], response, self.honors)
            files["output"].append({**said, "response": {"status_code": 200, "body": body}})
        for kind, lines in files.items():
            if lines:
                batch[f"{kind}_file_id"] = f"{batch['id']}-{kind}"
                # providers do not keep the order of the requests
                self.files[f"{batch['id']}-{kind}"] = "\n".join(json.dumps(line) for line in reversed(lines))


class BatchHandler(ProviderHandler):
    """Routes of the batch interface; everything else is the chat interface's."""

    provider: Any

    def do_POST(self) -> None:
        if self.path == "/v1/chat/completions":
            super().do_POST()
            return
        content = self.rfile.read(int(self.headers["content-length"]))
        if self._met():
            return
        if self.path == "/v1/files":
            boundary = self.headers["content-type"].partition("boundary=")[2].encode()
            part = next(part for part in content.split(b"--" + boundary) if b"filename=" in part)
            name = f"file_{len(self.provider.files)}"
            self.provider.files[name] = part.partition(b"\r\n\r\n")[2].decode().strip()
            self._send(200, {"id": name, "object": "file", "bytes": 0, "created_at": 0, "purpose": "batch"})
        else:
            self._send(200, self.provider.create(json.loads(content)))

    def do_GET(self) -> None:
        provider = self.provider
        file = re.fullmatch(r"/v1/files/([\w-]+)/content", self.path)
        batch = re.fullmatch(r"/v1/batches/(\w+)", self.path)
        if self._met():
            return
        if file:
            self._raw(200, provider.files[file[1]].encode(), "application/jsonl")
        elif batch and batch[1] in provider.batches:
            self._send(200, provider.look(batch[1]))
        elif self.path.startswith("/v1/batches?") and provider.lists:
            self._send(200, {"object": "list", "data": [provider.shown(name) for name in provider.batches]})
        else:
            self._error(404, "No such object", "not_found")

    def _met(self) -> bool:
        """Answer with the next of the faults, if there is one."""
        if not self.provider.once:
            return False
        self._error(self.provider.once.pop(0), "Try again", None)
        return True


@contextmanager
def batch_simulator(**settings: Any) -> Iterator[BatchProvider]:
    """Run a simulated provider with a batch interface for the time of the block."""
    with simulator(state=BatchProvider(**settings), handler=BatchHandler) as provider:
        yield provider
