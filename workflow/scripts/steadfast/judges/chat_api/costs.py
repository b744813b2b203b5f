"""Estimated cost of requests."""

from dataclasses import dataclass

from steadfast.core.errors import ConfigError
from steadfast.judges.chat_api.settings import ChatJobSettings


@dataclass(frozen=True)
class CostEstimate:
    """A conservative (high) estimate.

    Attributes:
        requests: number of distinct requests for all cases.
        answered: number of those in the result cache.
        input_tokens: input tokens of the others.
        output_tokens: maximum output tokens of the others.
    """

    requests: int
    answered: int
    input_tokens: int
    output_tokens: int

    @property
    def unanswered(self) -> int:
        """Number of requests that will be sent."""
        return self.requests - self.answered

    def __add__(self, other: "CostEstimate") -> "CostEstimate":
        return CostEstimate(
            self.requests + other.requests,
            self.answered + other.answered,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )

    def cost(self, settings: ChatJobSettings) -> float | None:
        """Cost in the currency of the prices, at the batch price if batches are used; None without prices."""
        input_price, output_price = settings.price_per_million_input, settings.price_per_million_output
        if input_price is None or output_price is None:
            return None
        share = settings.batch_price_share if settings.batch else 1.0
        return share * (self.input_tokens * input_price + self.output_tokens * output_price) / 1e6


def check_limits(estimate: CostEstimate, settings: ChatJobSettings) -> None:
    """Reject a run that would exceed ``max_requests`` or ``max_cost``.

    Raises:
        ConfigError: a limit is exceeded; the message has the number, the limit and the key.
    """
    if settings.max_requests is not None and estimate.unanswered > settings.max_requests:
        raise ConfigError(
            f"max_requests: {estimate.unanswered} requests would be sent ({estimate.answered} more are answered "
            f"already), and {settings.max_requests} are allowed; none was sent"
        )
    cost = estimate.cost(settings)
    if settings.max_cost is not None and cost is not None and cost > settings.max_cost:
        raise ConfigError(
            f"max_cost: {estimate.unanswered} requests would cost up to {cost:.4g}, more than {settings.max_cost:g}; "
            "none was sent"
        )
