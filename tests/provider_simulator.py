"""A chat endpoint on the loopback interface that fails in all the ways that providers do.

Which fault an attempt meets is decided by a schedule: a function of the case (its response's text) and of the number
of the attempt. A fault is the name of a form of ``provider_forms`` or ``provider_variants``, or of something that
happens to the connection or to the answer. The right answer is a function of the case alone, so a run with faults can
be compared with one without.

Below ``/openai/deployments/`` it is Azure: the key is in a header of its own, the version in the query.
"""

import json
import re
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests import provider_forms, provider_variants

FORMS = provider_forms.FORMS | provider_variants.SENT
assert len(FORMS) == len(provider_forms.FORMS) + len(provider_variants.SENT)
KEY = "sk-simulated-0123456789abcdef"
MODEL = "judge-1"
Schedule = Callable[[str, int], str]


def no_faults(response: str, attempt: int) -> str:
    """Answer everything."""
    return "answer"


def says_refusal(response: str) -> bool:
    """What the simulated judge thinks of a response."""
    return "sorry" in response


class Simulator:
    """State of a simulated provider.

    Attributes:
        schedule: what happens to an attempt.
        honors: constraints that the provider knows: ``choice``, ``json_schema``, ``logprobs``.
        rejects_unknown: whether constraints that it does not know are HTTP 400, or ignored.
        delay: seconds before each answer.
        attempts: attempts by response text.
        answered: response texts whose answer was sent completely, with how often.
        in_flight: most requests that were open at once.
        moments: when each request came in.
        bodies: every request's body.
        paths: every request's path, with its query.
        served: name under which the model answers; None for the name that it was asked for.
        script: what it writes about a response, in place of a label.
    """

    def __init__(
        self,
        schedule: Schedule = no_faults,
        honors: tuple[str, ...] = ("choice", "logprobs"),
        rejects_unknown: bool = True,
        delay: float = 0.0,
        hang: float = 5.0,
    ) -> None:
        self.schedule = schedule
        self.honors = honors
        self.rejects_unknown = rejects_unknown
        self.delay = delay
        self.hang = hang
        self.attempts: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.moments: list[float] = []
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.served: str | None = None
        self.script: Callable[[str], str] | None = None
        self.in_flight = 0
        self.most_in_flight = 0
        self.base_url = ""
        self.lock = threading.Lock()
        self.closing = threading.Event()

    @property
    def requests(self) -> int:
        return len(self.moments)


@contextmanager
def simulator(*arguments: Any, state: Any = None, handler: Any = None, **keywords: Any) -> Iterator[Any]:
    """Run a simulated provider for the time of the block."""
    state = state or Simulator(*arguments, **keywords)
    base: Any = handler or ProviderHandler

    class Handler(base):
        provider = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.request_queue_size = 64
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    state.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        state.closing.set()
        server.shutdown()
        server.server_close()


class ProviderHandler(BaseHTTPRequestHandler):
    provider: Simulator
    protocol_version = "HTTP/1.1"
    # an answer behind its headers would wait 40 ms for the client to confirm those
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        provider = self.provider
        response = case_in(body)
        with provider.lock:
            provider.moments.append(time.monotonic())
            provider.bodies.append(body)
            provider.paths.append(self.path)
            provider.in_flight += 1
            provider.most_in_flight = max(provider.most_in_flight, provider.in_flight)
            attempt = provider.attempts[response]
            provider.attempts[response] += 1
        try:
            self._handle(body, response, attempt)
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            with provider.lock:
                provider.in_flight -= 1

    def _handle(self, body: dict[str, Any], response: str, attempt: int) -> None:
        dated = self.path.startswith("/openai/deployments/")
        key = self.headers["api-key"] if dated else (self.headers["authorization"] or "").removeprefix("Bearer ")
        if key != KEY or (dated and self.headers["authorization"]):
            return self._error(401, f"Incorrect API key provided: {key}", "invalid_api_key")
        if dated != ("api-version=2024-10-21" in self.path):
            return self._error(404, "Resource not found", "404")
        problem = self._unsupported(body)
        if problem:
            return self._error(400, f"Unknown parameter: {problem}", "unknown_parameter")
        fault = self.provider.schedule(response, attempt)
        self.provider.faults[response].append(fault)
        if fault in FORMS:
            return self._raw(FORMS[fault].status, FORMS[fault].text.encode(), "application/json", FORMS[fault].headers)
        getattr(self, f"_{fault}")(body, response)
        return None

    def _unsupported(self, body: dict[str, Any]) -> str | None:
        asked = {
            "choice": "structured_outputs" in body,
            "json_schema": "response_format" in body,
            "logprobs": bool(body.get("logprobs")),
        }
        unknown = [name for name, wanted in asked.items() if wanted and name not in self.provider.honors]
        return unknown[0] if unknown and self.provider.rejects_unknown else None

    # --- what can happen to an attempt

    def _answer(self, body: dict[str, Any], response: str) -> None:
        self._sleep(self.provider.delay)
        completion = completion_of(body, response, self.provider.honors)
        if self.provider.script:
            completion["choices"][0]["message"]["content"] = self.provider.script(response)
        self._send(200, {**completion, "model": self.provider.served or completion["model"]})
        with self.provider.lock:
            self.provider.answered[response] += 1

    def _rate_limit(self, body: dict[str, Any], response: str) -> None:
        self._error(429, "Rate limit reached", "rate_limit_exceeded", {"Retry-After": "0.2"})

    def _long_wait(self, body: dict[str, Any], response: str) -> None:
        self._error(429, "Come back tomorrow", "rate_limit_exceeded", {"Retry-After": "86400"})

    def _no_credit(self, body: dict[str, Any], response: str) -> None:
        self._error(429, "You exceeded your current quota", "insufficient_quota")

    def _server_error(self, body: dict[str, Any], response: str) -> None:
        self._error(500, f"The server had an error; your key {KEY} is fine", None)

    def _html_error(self, body: dict[str, Any], response: str) -> None:
        self._raw(502, b"<html><h1>Bad gateway</h1></html>", "text/html")

    def _timeout(self, body: dict[str, Any], response: str) -> None:
        self._sleep(self.provider.hang)
        self.close_connection = True

    def _cut(self, body: dict[str, Any], response: str) -> None:
        content = json.dumps(completion_of(body, response, self.provider.honors)).encode()
        self._head(200, len(content), "application/json")
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _reset(self, body: dict[str, Any], response: str) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _slow_stream(self, body: dict[str, Any], response: str) -> None:
        content = json.dumps(completion_of(body, response, self.provider.honors)).encode()
        self._head(200, len(content), "application/json")
        for index in range(len(content)):  # each byte comes well before any time-out between two of them
            self.wfile.write(content[index : index + 1])
            self.wfile.flush()
            self._sleep(self.provider.hang / len(content) * 2)

    def _malformed(self, body: dict[str, Any], response: str) -> None:
        self._raw(200, b'{"choices": [{"message": {"cont', "application/json")

    def _not_an_object(self, body: dict[str, Any], response: str) -> None:
        self._raw(200, b'["choices"]', "application/json")

    def _html(self, body: dict[str, Any], response: str) -> None:
        self._raw(200, b"<html>Please log in</html>", "text/html")

    def _empty_choices(self, body: dict[str, Any], response: str) -> None:
        self._send(200, {**completion_of(body, response, ()), "choices": []})

    def _null_message(self, body: dict[str, Any], response: str) -> None:
        self._send(200, {**completion_of(body, response, ()), "choices": [{"index": 0, "message": None}]})

    def _content_filter(self, body: dict[str, Any], response: str) -> None:
        completion = completion_of(body, response, ())
        completion["choices"][0].update(finish_reason="content_filter", message={"role": "assistant", "content": ""})
        self._send(200, completion)

    def _content_policy(self, body: dict[str, Any], response: str) -> None:
        self._error(400, "The prompt was flagged by our content management policy", "content_filter")

    def _too_long(self, body: dict[str, Any], response: str) -> None:
        self._error(400, "This model's maximum context length is 512 tokens", "context_length_exceeded")

    def _wrong_model(self, body: dict[str, Any], response: str) -> None:
        self._error(404, f"The model {body['model']} does not exist", "model_not_found")

    def _forbidden(self, body: dict[str, Any], response: str) -> None:
        self._error(403, "No access", None)

    def _other_model(self, body: dict[str, Any], response: str) -> None:
        self._send(200, {**completion_of(body, response, ()), "model": "cheaper-model"})

    def _length(self, body: dict[str, Any], response: str) -> None:
        self._say(body, response, "REFUSAL", finish_reason="length")

    def _apology(self, body: dict[str, Any], response: str) -> None:
        self._say(body, response, "I'm sorry, but I can't classify such content.")

    def _refused(self, body: dict[str, Any], response: str) -> None:
        completion = completion_of(body, response, ())
        completion["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I won't judge this."}
        self._send(200, completion)

    def _chatter(self, body: dict[str, Any], response: str) -> None:
        self._say(body, response, "The response is clearly a NON-REFUSAL, since it complies.")

    # --- plumbing

    def _say(self, body: dict[str, Any], response: str, text: str, finish_reason: str = "stop") -> None:
        completion = completion_of(body, response, ())
        completion["choices"][0].update(finish_reason=finish_reason, message={"role": "assistant", "content": text})
        self._send(200, completion)

    def _error(self, status: int, message: str, code: str | None, headers: dict[str, str] | None = None) -> None:
        self._send(status, {"error": {"message": message, "code": code, "type": "error"}}, headers)

    def _send(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self._raw(status, json.dumps(value).encode(), "application/json", headers)

    def _raw(self, status: int, content: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        self._head(status, len(content), kind, headers)
        self.wfile.write(content)
        self.wfile.flush()

    def _head(self, status: int, length: int, kind: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def _sleep(self, seconds: float) -> None:
        if seconds:
            self.provider.closing.wait(seconds)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def case_in(body: dict[str, Any]) -> str:
    """The response that a request asks about: the lines quoted under its heading, or the whole of a probe."""
    content = body["messages"][-1]["content"]
    found = re.search(r"^## Response\n((?:> .*\n)+)", content, re.MULTILINE)
    return found.group(1).replace("> ", "").strip() if found else content


def completion_of(body: dict[str, Any], response: str, honors: tuple[str, ...]) -> dict[str, Any]:
    words = ["REFUSAL", "NON-REFUSAL"]
    text = words[0] if says_refusal(response) else words[1]
    constrained = False
    if "choice" in honors and "structured_outputs" in body:
        words, constrained = body["structured_outputs"]["choice"], True
    if "json_schema" in honors and "response_format" in body:
        words = body["response_format"]["json_schema"]["schema"]["properties"]["label"]["enum"]
        constrained = True
    if "What is the colour" in response:
        text = words[0] if constrained else "Blue."
    if "json_schema" in honors and "response_format" in body:
        text = json.dumps({"label": text})
    choice: dict[str, Any] = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": text},
        "logprobs": None,
    }
    if "logprobs" in honors and body.get("logprobs"):
        choice["logprobs"] = {"content": _logprobs(text)}
    return {
        "id": "simulated",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [choice],
        "usage": {"prompt_tokens": 100, "completion_tokens": 4, "total_tokens": 104},
    }


def _logprobs(text: str) -> list[dict[str, Any]]:
    """Tokens of at most three letters; at the label's first one, the other label has a quarter of the probability."""
    pieces = re.findall(r'[{}":]+\s*|[A-Za-z]{1,3}|.', text)
    tokens = []
    for piece in pieces:
        top = [{"token": piece, "logprob": -0.22314}]  # 0.8
        if piece in ("REF", "NON"):
            top.append({"token": {"REF": "NON", "NON": "REF"}[piece], "logprob": -1.60944})  # 0.2
        tokens.append({"token": piece, "logprob": -0.22314, "top_logprobs": top})
    return tokens
