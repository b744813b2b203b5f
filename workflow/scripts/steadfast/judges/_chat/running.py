"""Asking an endpoint everything that the store does not know yet, many requests at a time."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

from steadfast.answers import AnswerStore
from steadfast.judges._chat.endpoint import Endpoint
from steadfast.judges._chat.faults import EndpointError, Fault
from steadfast.judges._chat.reading import Answer
from steadfast.judges._chat.requests import Request

# An endpoint is given up if its first requests all fail; one alone may be at fault itself.
FIRST_REQUESTS = 3
REPORT_SECONDS = 10.0


@dataclass
class Run:
    """The requests of one run, and what came of them.

    Attributes:
        endpoint: where they go.
        store: where each answer is put as soon as it is there.
        failed_share: share of the requests that may fail; a case that cannot be answered is no failure.
        concurrency: requests in flight at once.
        faults: faults by key.
        answered: requests that were answered.
    """

    endpoint: Endpoint
    store: AnswerStore
    failed_share: float
    concurrency: int
    faults: dict[str, Fault] = field(default_factory=dict, init=False)
    answered: int = field(default=0, init=False)
    _total: int = field(default=0, init=False)
    _start: float = field(default=0.0, init=False)
    _reported: float = field(default=0.0, init=False)

    async def ask_all(self, requests: Sequence[tuple[str, Request]]) -> None:
        """Ask all requests (with their keys); none of them may be in the store already.

        Raises:
            EndpointError: the first requests all failed, or more than the allowed share did. What was answered is kept.
        """
        self._total = len(requests)
        self._start = self._reported = monotonic()
        waiting = iter(requests)
        await self._try_first(waiting)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.concurrency):
                    group.create_task(self._work(waiting))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        self._report()

    @property
    def _failed(self) -> int:
        return sum(fault.scope != "case" for fault in self.faults.values())

    async def _try_first(self, waiting: Iterator[tuple[str, Request]]) -> None:
        """Ask one at a time until the endpoint has shown that it works."""
        for key, request in waiting:
            await self._ask(key, request)
            if self._failed < len(self.faults) or self.answered:
                return
            if self._failed == FIRST_REQUESTS:
                break
        if self._failed:
            raise self._failure("the endpoint does not answer")

    async def _work(self, waiting: Iterator[tuple[str, Request]]) -> None:
        for key, request in waiting:
            await self._ask(key, request)

    async def _ask(self, key: str, request: Request) -> None:
        outcome = await self.endpoint.ask(request)
        if isinstance(outcome, Answer):
            self.store.put(request, outcome.record())
            self.answered += 1
        else:
            self.faults[key] = outcome
            if self._failed > max(FIRST_REQUESTS, self.failed_share * self._total):
                raise self._failure(f"more than a share of {self.failed_share:g} failed")
        if monotonic() - self._reported >= REPORT_SECONDS:
            self._report()

    def _failure(self, what: str) -> EndpointError:
        fault = next(fault for fault in reversed(self.faults.values()) if fault.scope != "case")
        return EndpointError(
            f"{self.endpoint.model} at {self.endpoint.base_url}: {what} ({self._failed} of {self._total} requests, "
            f"{self.answered} answered); the last: {fault.reason}. What was answered is kept: run again to go on."
        )

    def _report(self) -> None:
        self._reported = monotonic()
        seconds = max(self._reported - self._start, 1e-9)
        done = self.answered + len(self.faults)
        rate = done / seconds
        left = f", {(self._total - done) / rate:.0f} s left" if 0 < done < self._total else ""
        print(
            f"{done}/{self._total} requests: {self.answered} answered, {len(self.faults)} not, "
            f"{self.endpoint.attempts} attempts, {rate:.1f}/s{left}",
            flush=True,
        )
