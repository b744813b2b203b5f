"""Pacing of requests: limits per minute, and pauses that the server requests."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic


@dataclass
class Pacer:
    """Spaces requests evenly instead of in bursts, so that a limit per minute holds over any minute.

    Attributes:
        requests_per_minute: None for no limit.
        tokens_per_minute: None for no limit.
        clock: seconds; only differences count.
        sleep: waits for seconds.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    clock: Callable[[], float] = monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _next: float = field(default=0.0, init=False)
    _paused_until: float = field(default=0.0, init=False)

    async def turn(self, tokens: int) -> None:
        """Wait until a request of this number of tokens may be sent."""
        now = self.clock()
        start = max(now, self._next)
        self._next = start + self._interval(tokens)
        while (wait := max(start, self._paused_until) - self.clock()) > 0:
            await self.sleep(wait)

    def pause(self, seconds: float) -> None:
        """Pause all requests for a while: a limit reported to one request holds for all."""
        self._paused_until = max(self._paused_until, self.clock() + seconds)

    def _interval(self, tokens: int) -> float:
        """Seconds that a request takes up."""
        by_requests = 60 / self.requests_per_minute if self.requests_per_minute else 0.0
        by_tokens = 60 * tokens / self.tokens_per_minute if self.tokens_per_minute else 0.0
        return max(by_requests, by_tokens)
