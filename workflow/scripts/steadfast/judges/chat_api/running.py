"""Concurrent requests to an endpoint for all answers that are not in the result cache.

A fault of one case says nothing about others, and half of all prompts may be moderated, but a wrong setting makes every
request fail. If a provider's words do not distinguish the two, a harmless question (the *control*) does: it is sent in
the same format as the cases, and if it is answered, the endpoint works.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from steadfast.core.progress import Progress
from steadfast.core.result_cache import ResultCache
from steadfast.judges.chat_api.endpoint import Endpoint
from steadfast.judges.chat_api.fault_table import MODERATED, TOO_LONG
from steadfast.judges.chat_api.faults import EndpointError, Fault
from steadfast.judges.chat_api.reading import Answer
from steadfast.judges.chat_api.requests import Request

# Number of first requests that must all fail before the run stops; a single one may be at fault itself.
FIRST_REQUESTS = 3
# Number of consecutive faults, each probably of its case, after which the control is sent.
DOUBTFUL_IN_A_ROW = 20


@dataclass
class RequestRun:
    """The requests of one run, and their outcomes.

    Attributes:
        endpoint: the endpoint.
        store: the result cache; answers are stored as they arrive.
        failed_share: share of the requests that may fail; faults of cases are not failures.
        concurrency: number of concurrent requests.
        control: a harmless question, in the format of the requests.
        faults: faults by key.
        answered: number of answered requests.
    """

    endpoint: Endpoint
    store: ResultCache
    failed_share: float
    concurrency: int
    control: Request
    faults: dict[str, Fault] = field(default_factory=dict, init=False)
    answered: int = field(default=0, init=False)
    _works: bool = field(default=False, init=False)
    _in_doubt: dict[str, Fault] = field(default_factory=dict, init=False)
    _total: int = field(default=0, init=False)

    async def ask_all(self, requests: Sequence[tuple[str, Request]]) -> None:
        """Ask all requests (with their keys); none of them may be in the store already.

        Raises:
            EndpointError: every request would meet the same fault, the first requests all failed, or more than the
                allowed share did. Received answers are kept.
        """
        self._total = len(requests)
        self._lock = asyncio.Lock()
        waiting = iter(requests)
        with Progress("requests", self._total) as self._progress:
            await self._try_first(waiting)
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(self.concurrency):
                        group.create_task(self._work(waiting))
            except ExceptionGroup as errors:
                raise errors.exceptions[0] from None
        if self._in_doubt and not self._works:
            await self._send_control(next(reversed(self._in_doubt.values())))

    @property
    def _failed(self) -> int:
        return sum(fault.kind != "case" for fault in self.faults.values())

    async def _try_first(self, waiting: Iterator[tuple[str, Request]]) -> None:
        """Ask one at a time until the endpoint has shown that it works, or that it may."""
        for key, request in waiting:
            await self._ask(key, request)
            if self._works or any(_is_known(fault) for fault in self.faults.values()):
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
            self._note_success()
        else:
            self.faults[key] = outcome
            await self._decide_scope(key, outcome)
            if self._failed > max(FIRST_REQUESTS, self.failed_share * self._total):
                raise self._failure(f"more than a share of {self.failed_share:g} failed")
        self._progress.note = self._outcomes()
        self._progress.advance()

    def _note_success(self) -> None:
        """Record that the endpoint works, so that earlier faults belong to their cases."""
        self._works = True
        for key, fault in self._in_doubt.items():
            if fault.kind == "fatal" and not fault.sure:
                self.faults[key] = replace(fault, kind="case")
        self._in_doubt.clear()

    async def _decide_scope(self, key: str, fault: Fault) -> None:
        """Find out whether a fault is every request's, where it may be.

        Raises:
            EndpointError: it is.
        """
        if fault.kind == "passing" or (fault.kind == "case" and fault.sure):
            return
        if fault.kind == "fatal" and fault.sure and not self._works:
            raise self._stop(fault)
        async with self._lock:
            self._in_doubt[key] = fault
            if len(self._in_doubt) >= self._faults_allowed(fault):
                await self._send_control(fault)

    def _faults_allowed(self, fault: Fault) -> int:
        """Number of consecutive faults after which the control is sent."""
        if fault.kind == "fatal":
            return FIRST_REQUESTS if self._works else 1
        return DOUBTFUL_IN_A_ROW if self._works or _is_known(fault) else FIRST_REQUESTS

    async def _send_control(self, fault: Fault) -> None:
        """Ask the harmless question; a provider that moderates even that one works all the same."""
        outcome = await self.endpoint.ask(self.control)
        if isinstance(outcome, Fault) and not _is_known(outcome):
            raise self._stop(fault, outcome)
        self._note_success()

    def _stop(self, fault: Fault, control: Fault | None = None) -> EndpointError:
        also = f"; a harmless question neither: {control.reason}" if control and control.reason != fault.reason else ""
        kept = " Received answers are kept: run again to continue." if self.answered else ""
        return EndpointError(f"{self.endpoint.name}: no request can be answered: {fault.reason}{also}.{kept}")

    def _failure(self, what: str) -> EndpointError:
        fault = next(fault for fault in reversed(self.faults.values()) if fault.kind != "case")
        return EndpointError(
            f"{self.endpoint.name}: {what} ({self._failed} of {self._total} requests, {self.answered} answered); "
            f"the last: {fault.reason}. Received answers are kept: run again to continue."
        )

    def _outcomes(self) -> str:
        """Summary of answered requests and of the reasons for others."""
        kinds = Counter(fault.name or "not answered" for fault in self.faults.values())
        why = "".join(f", {count} {name}" for name, count in kinds.most_common())
        return f"{self.answered} answered{why}, {self.endpoint.attempts} attempts"


def _is_known(fault: Fault) -> bool:
    """Whether a fault is attributed to a case by a rule, possibly by its wording only."""
    return fault.kind == "case" and (fault.sure or fault.name in (MODERATED, TOO_LONG))
