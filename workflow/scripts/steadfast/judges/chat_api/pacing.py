"""Pacing of requests: limits per minute, and pauses requested by the server."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic


@dataclass
class Pacer:
    """Spaces requests evenly instead of in bursts, so that the limit holds for any minute.

    Attributes:
        requests_per_minute: limit, or None.
        tokens_per_minute: limit, or None.
        clock: monotonic clock in seconds.
        sleep: sleeps for the given seconds.
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
        """Pause all requests: a limit reported for one request applies to all."""
        self._paused_until = max(self._paused_until, self.clock() + seconds)

    def _interval(self, tokens: int) -> float:
        """Minimum interval in seconds after a request."""
        by_requests = 60 / self.requests_per_minute if self.requests_per_minute else 0.0
        by_tokens = 60 * tokens / self.tokens_per_minute if self.tokens_per_minute else 0.0
        return max(by_requests, by_tokens)
