"""One OpenAI-compatible endpoint: returns an answer or a fault for a request."""

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from steadfast.judges.chat_api.address import read_address
from steadfast.judges.chat_api.fault_table import OTHER_MODEL
from steadfast.judges.chat_api.faults import Fault, clean, hide
from steadfast.judges.chat_api.names import accepts, explain
from steadfast.judges.chat_api.pacing import Pacer
from steadfast.judges.chat_api.reading import Answer
from steadfast.judges.chat_api.replies import read_completion, read_error
from steadfast.judges.chat_api.requests import Request, body_of, estimated_tokens
from steadfast.judges.chat_api.settings import ChatJobSettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

# Seconds before the first retry, doubled for each further retry.
FIRST_WAIT = 1.0
LONGEST_BACKOFF = 60.0


@dataclass
class Endpoint:
    """An open endpoint; an asynchronous context manager.

    Attributes:
        settings: the judge's entry.
        base_url: address of the API.
        model: name of the model at the endpoint.
        attempts: number of requests sent, including retries.
    """

    settings: ChatJobSettings
    base_url: str
    model: str
    attempts: int = field(default=0, init=False)
    _resources: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)

    def __post_init__(self) -> None:
        self._key = self.settings.api_key()
        self._address = read_address(self.base_url)
        self._pacer = Pacer(self.settings.requests_per_minute, self.settings.tokens_per_minute)

    async def __aenter__(self) -> Self:
        self._client = await self._resources.enter_async_context(self._open())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._resources.aclose()

    @property
    def name(self) -> str:
        """Model and address, without the query."""
        return f"{self.model} at {self._address.url}"

    @property
    def client(self) -> "AsyncOpenAI":
        """The client, for other parts of the same API."""
        return self._client

    @property
    def secret(self) -> str | None:
        """The API key, which must not appear in messages."""
        return self._key

    async def ask(self, request: Request) -> Answer | Fault:
        """Send a request until it is answered, cannot be answered, or its attempts are used up."""
        attempt = 0
        while True:
            await self._pacer.turn(estimated_tokens(request["messages"]) + self.settings.max_tokens)
            outcome = await self._attempt(request)
            if isinstance(outcome, Answer) or outcome.kind != "passing":
                return outcome
            if outcome.wait is not None and outcome.wait > self.settings.longest_wait:
                return replace(outcome, reason=f"{outcome.reason} (the server asks to wait {outcome.wait:.0f} s)")
            if attempt == self.settings.retries:
                return outcome.after(1 + attempt)
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
            # The client's timeout applies between two chunks of an answer; this one to the whole answer.
            async with asyncio.timeout(self.settings.timeout):
                body = {**body_of(request, self.model), **self._address.request_arguments(self._key)}
                response = await self._client.chat.completions.with_raw_response.create(**body)
                text = response.http_response.text
        except (TimeoutError, APITimeoutError):
            return Fault("passing", f"no answer within {self.settings.timeout:g} s")
        except APIStatusError as error:
            return read_error(error.status_code, error.response.text, error.response.headers, self._key)
        except APIConnectionError as error:
            return Fault("passing", clean(f"connection failed: {error.__cause__ or error}", self._key))
        except APIError as error:
            return Fault("passing", clean(f"unusable response: {error}", self._key))
        return self.checked(read_completion(hide(text, self._key), self._key))

    def checked(self, outcome: Answer | Fault) -> Answer | Fault:
        """The outcome, or a fault if another model answered."""
        if isinstance(outcome, Answer) and not accepts(outcome.model, (self.model, *self.settings.accepted_models)):
            return Fault("fatal", clean(explain(outcome.model, self.model), self._key), OTHER_MODEL)
        return outcome

    def _open(self) -> "AsyncOpenAI":
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        client = AsyncOpenAI(
            **self._address.client_arguments(self._key),
            max_retries=0,
            timeout=self.settings.timeout,
            http_client=DefaultAsyncHttpxClient(trust_env=not self.settings.local),  # no proxy for this machine
        )
        client.organization = client.project = None  # not from the environment, which may be meant for other endpoints
        return client
