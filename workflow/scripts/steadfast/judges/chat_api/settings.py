"""The stanza of a chat judge."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from steadfast.core.errors import ConfigError, suggest
from steadfast.judges.chat_api.address import read_address
from steadfast.judges.prompts.answer_labels import check_labels_are_named, read_labels
from steadfast.judges.prompts.templates import load_template
from steadfast.judges.setting_checks import check_keys

Output = Literal["auto", "choice", "json_schema", "text"]
TokenLimit = Literal["max_completion_tokens", "max_tokens"]

# How a judge runs; none of these can change an answer, so none belongs to what makes a verdict stale.
RUNTIME_KEYS = (
    "api_key_env",
    "concurrency",
    "failed_share",
    "longest_wait",
    "max_cost",
    "max_requests",
    "price_per_million_input",
    "price_per_million_output",
    "requests_per_minute",
    "retries",
    "server",
    "store",
    "timeout",
    "tokens_per_minute",
)


@dataclass(frozen=True)
class ChatSettings:
    """Settings of a chat judge; either ``base_url`` and ``model``, or ``checkpoint``.

    Attributes:
        prompt: path of the judge prompt template.
        base_url: address of an OpenAI-compatible API, up to and including ``/v1``, or of an Azure deployment.
        model: name of the model there.
        revision: what the user calls the state of that model, if its name alone does not tell.
        accepted_models: further names under which the endpoint may answer.
        checkpoint: model directory that is served by vLLM for the time of the job.
        dtype: number format in which it is served; see ``steadfast.models.number_format`` for ``auto``.
        labels: words for ``refusal`` and ``non_refusal``.
        output: how the answer is constrained; ``auto`` finds out what the endpoint can do and records it.
        logprobs: whether label probabilities are asked for; ``auto`` finds out as well.
        max_tokens: longest answer; models that think before they answer need thousands.
        token_limit: name of the parameter that carries ``max_tokens``.
        temperature: sampling temperature; None sends none, for models that accept only their own.
        top_p: nucleus sampling threshold; None sends none.
        seed: sampling seed; None sends none.
        reasoning_effort: passed on as it is; None sends none.
        template_arguments: further variables of the chat template (vLLM).
        extra_body: further fields of the request's body.
        api_key_env: environment variable that holds the key; None for endpoints that need none.
        concurrency: requests in flight at once.
        requests_per_minute: limit; None for none.
        tokens_per_minute: limit on estimated input and longest output together; None for none.
        timeout: seconds after which an attempt is given up, however slowly its answer trickles in.
        retries: further attempts per request.
        longest_wait: seconds; a server that asks to wait longer has failed.
        failed_share: share of the requests that may fail before the job does.
        price_per_million_input: price of a million input tokens, in any currency.
        price_per_million_output: price of a million output tokens.
        max_requests: most requests that a run may send.
        max_cost: most that a run may cost, by the prices above.
        server: how vLLM is started for ``checkpoint``: further arguments of
            ``steadfast.generation.serving.server.serve``.
        store: directory of the store of answers.
    """

    prompt: str
    base_url: str | None = None
    model: str | None = None
    revision: str | None = None
    accepted_models: tuple[str, ...] = ()
    checkpoint: str | None = None
    dtype: str = "auto"
    labels: Mapping[str, str] = field(default_factory=dict)
    output: Output = "auto"
    logprobs: bool | Literal["auto"] = "auto"
    max_tokens: int = 32
    token_limit: TokenLimit = "max_completion_tokens"
    temperature: float | None = 0.0
    top_p: float | None = None
    seed: int | None = None
    reasoning_effort: str | None = None
    template_arguments: Mapping[str, Any] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    api_key_env: str | None = None
    concurrency: int = 8
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout: float = 60.0
    retries: int = 6
    longest_wait: float = 120.0
    failed_share: float = 0.1
    price_per_million_input: float | None = None
    price_per_million_output: float | None = None
    max_requests: int | None = None
    max_cost: float | None = None
    server: Mapping[str, Any] = field(default_factory=dict)
    store: str = "results/answers"

    @property
    def local(self) -> bool:
        """Whether the endpoint runs on this machine."""
        return self.base_url is None or urlsplit(self.base_url).hostname in ("localhost", "127.0.0.1", "::1")

    def api_key(self) -> str | None:
        """The key, from the environment.

        Raises:
            ConfigError: the variable is not set.
        """
        if self.api_key_env is None:
            return None
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            raise ConfigError(f"api_key_env: the environment variable {self.api_key_env} is not set or empty")
        return key


def check(settings: Mapping[str, Any]) -> None:
    """Check a stanza as it stands in the configuration, where ``serve`` has not become ``checkpoint`` yet.

    Raises:
        ConfigError: naming the key, what was found and what is allowed.
    """
    known = {item.name for item in fields(ChatSettings)} - {"checkpoint"} | {"serve"}
    check_keys(settings, known, required=("prompt",))
    check_labels_are_named(load_template(settings["prompt"]), read_labels(settings.get("labels")))
    _check_where(settings)
    for key, allowed in (("output", Output), ("token_limit", TokenLimit)):
        if key in settings and settings[key] not in get_args(allowed):
            raise ConfigError(
                f"{key}: {settings[key]!r} is not allowed{suggest(str(settings[key]), get_args(allowed))}"
            )
    if settings.get("logprobs", "auto") not in ("auto", True, False):
        raise ConfigError(f"logprobs: {settings['logprobs']!r} is not allowed; allowed: auto, true, false")
    _check_numbers(settings)
    if settings.get("max_cost") is not None:
        for key in ("price_per_million_input", "price_per_million_output"):
            if settings.get(key) is None:
                raise ConfigError(f"max_cost is given, so {key!r} is needed as well")


def _check_where(settings: Mapping[str, Any]) -> None:
    served = settings.get("serve")
    if (settings.get("base_url") is None) == (served is None):
        raise ConfigError("give either 'base_url' (an endpoint that runs already) or 'serve' (a model to serve here)")
    if served is None and settings.get("dtype", "auto") != "auto":
        raise ConfigError("dtype: only allowed with 'serve'; an endpoint that runs already has its own")
    if served is not None:
        if settings.get("model") is not None:
            raise ConfigError("model: not allowed beside 'serve', which says what is served")
        if set(served) - {"chat_template"} not in ({"repo"}, {"repo", "revision"}, {"model"}, {"model", "variant"}):
            found = ", ".join(served) or "nothing"
            raise ConfigError(f"serve: give repo and revision, or model and variant; found {found}")
        return
    if not settings.get("model"):
        raise ConfigError("the key 'model' is missing: the name of the model at 'base_url'")
    read_address(str(settings["base_url"]))


def _check_numbers(settings: Mapping[str, Any]) -> None:
    for key, least in _AT_LEAST.items():
        value = settings.get(key)
        if value is not None and not (isinstance(value, int | float) and value >= least):
            raise ConfigError(f"{key}: {value!r} is not allowed; at least {least}")
    for key in ("requests_per_minute", "tokens_per_minute", "timeout"):
        if settings.get(key) is not None and not settings[key] > 0:
            raise ConfigError(f"{key}: {settings[key]!r} is not allowed; it must be above 0")
    if not 0 <= settings.get("failed_share", 0) <= 1:
        raise ConfigError(f"failed_share: {settings['failed_share']!r} is not a share; allowed: 0 to 1")


_AT_LEAST = {
    "concurrency": 1,
    "max_tokens": 1,
    "retries": 0,
    "longest_wait": 0,
    "temperature": 0,
    "max_requests": 0,
    "max_cost": 0,
    "price_per_million_input": 0,
    "price_per_million_output": 0,
}
