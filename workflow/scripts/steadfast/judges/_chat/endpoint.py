"""One OpenAI-compatible endpoint: a request goes in, an answer or a fault comes out."""

import asyncio
import json
import random
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from steadfast.judges._chat.faults import Fault, clean, fault_of_status, hide, requested_wait
from steadfast.judges._chat.pacing import Pacer
from steadfast.judges._chat.probabilities import Token
from steadfast.judges._chat.reading import Answer
from steadfast.judges._chat.requests import Request, body_of, estimated_tokens
from steadfast.judges._chat.settings import ChatSettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

# Seconds before the first retry; doubled with each further one.
FIRST_WAIT = 1.0
LONGEST_BACKOFF = 60.0
# Tokens of which log-probabilities are kept: enough for the label behind the beginning of a JSON object.
KEPT_TOKENS = 16
# What an endpoint appends to the name it was asked for: gpt-5 answers as gpt-5-2025-08-07.
_VERSION = re.compile(r"(?:[-@:._](?:v?\d{3,}[-.\d]*|latest))?")


@dataclass
class Endpoint:
    """An endpoint, while it is open (use it as an asynchronous context manager).

    Attributes:
        settings: the judge's stanza.
        base_url: address of the API.
        model: name of the model there.
        attempts: requests sent, retries included.
    """

    settings: ChatSettings
    base_url: str
    model: str
    attempts: int = field(default=0, init=False)
    _resources: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)

    def __post_init__(self) -> None:
        self._key = self.settings.api_key()
        self._pacer = Pacer(self.settings.requests_per_minute, self.settings.tokens_per_minute)

    async def __aenter__(self) -> Self:
        self._client = await self._resources.enter_async_context(self._open())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._resources.aclose()

    async def ask(self, request: Request) -> Answer | Fault:
        """Send a request until it is answered, cannot be answered, or its attempts are used up."""
        attempt = 0
        while True:
            await self._pacer.turn(estimated_tokens(request["messages"]) + self.settings.max_tokens)
            outcome = await self._attempt(request)
            if isinstance(outcome, Answer) or outcome.scope != "passing":
                return outcome
            if outcome.wait is not None and outcome.wait > self.settings.longest_wait:
                return Fault("passing", f"{outcome.reason} (the server asks to wait {outcome.wait:.0f} s)")
            if attempt == self.settings.retries:
                return Fault("passing", f"{outcome.reason} (after {1 + attempt} attempts)")
            await self._wait(attempt, outcome)
            attempt += 1

    async def _wait(self, attempt: int, fault: Fault) -> None:
        backoff = min(FIRST_WAIT * 2**attempt, LONGEST_BACKOFF) * random.uniform(0.5, 1.0)
        if fault.wait is not None:
            self._pacer.pause(fault.wait)
        await asyncio.sleep(max(backoff, fault.wait or 0.0))

    async def _attempt(self, request: Request) -> Answer | Fault:
        from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

        self.attempts += 1
        try:
            # The client's own limit is between two pieces of the answer; this one is for the whole of it.
            async with asyncio.timeout(self.settings.timeout):
                body = body_of(request, self.model)
                response = await self._client.chat.completions.with_raw_response.create(**body)
                text = hide(response.http_response.text, self._key)
        except (TimeoutError, APITimeoutError):
            return Fault("passing", f"no answer within {self.settings.timeout:g} s")
        except APIStatusError as error:
            details = error.body.get("message") if isinstance(error.body, dict) else None
            message = clean(details or error.message, self._key)
            return fault_of_status(error.status_code, message, error.code, requested_wait(error.response.headers))
        except APIConnectionError as error:
            return Fault("passing", clean(f"connection failed: {error.__cause__ or error}", self._key))
        except APIError as error:
            return Fault("passing", clean(f"unusable response: {error}", self._key))
        return self._read(text)

    def _read(self, text: str) -> Answer | Fault:
        try:
            answer = _answer(json.loads(text))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            return Fault("passing", clean(f"malformed answer: {text[:100]!r}", self._key))
        if answer.finish_reason == "content_filter":
            return Fault("case", "stopped by the endpoint's content filter")
        if not self._accepts(answer.model):
            return Fault("endpoint", f"{self.model!r} was asked for, but {clean(answer.model, self._key)!r} answered")
        return answer

    def _accepts(self, served: str) -> bool:
        """Whether the model that answered is the one that was asked: the same name, or a numbered version of it."""
        names = (_short(name) for name in (self.model, *self.settings.accepted_models))
        short = _short(served)
        return not served or any(
            short.startswith(name) and _VERSION.fullmatch(short.removeprefix(name)) is not None for name in names
        )

    def _open(self) -> "AsyncOpenAI":
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        client = AsyncOpenAI(
            base_url=self.base_url,
            api_key=self._key or "none",
            max_retries=0,
            timeout=self.settings.timeout,
            http_client=DefaultAsyncHttpxClient(trust_env=not self.settings.local),  # no proxy to this machine
        )
        client.organization = client.project = None  # the client takes them from the environment, whoever is asked
        return client


def _answer(body: Mapping[str, Any]) -> Answer:
    """The first choice of a chat completion, every field of it checked."""
    choice = body["choices"][0]
    message = choice["message"]
    usage = body.get("usage") or {}
    return Answer(
        text=_text(message.get("content")),
        finish_reason=_text(choice.get("finish_reason")) or "stop",
        refusal=_text(message.get("refusal")),
        model=_text(body.get("model")),
        fingerprint=_text(body.get("system_fingerprint")),
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        logprobs=_tokens(choice.get("logprobs")),
    )


def _short(name: str) -> str:
    """A model's name without its owner, in lower case."""
    return name.rpartition("/")[2].casefold()


def _text(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value or ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _tokens(logprobs: Mapping[str, Any] | None) -> tuple[Token, ...]:
    content = (logprobs or {}).get("content") or []
    return tuple(
        Token(
            _text(entry["token"]),
            tuple((_text(other["token"]), float(other["logprob"])) for other in entry.get("top_logprobs") or [entry]),
        )
        for entry in content[:KEPT_TOKENS]
    )
