"""Settings of a chat judge."""

import os
import re
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field

from steadfast.core.errors import ConfigError
from steadfast.core.names import ORIGINAL
from steadfast.core.settings import Items, Seed, SettingsModel, optional
from steadfast.judges.chat_api.address import read_address
from steadfast.judges.settings import PromptedJudgeSettings
from steadfast.models.settings import REVISION, Dtype

Output = Literal["auto", "choice", "json_schema", "text"]
TokenLimit = Literal["max_completion_tokens", "max_tokens"]

# Settings of how a judge runs. They cannot change an answer, so changing them does not invalidate verdicts.
RUNTIME_KEYS = frozenset(
    {
        "api_key_env",
        "batch",
        "batch_hours",
        "batch_poll",
        "batch_price_share",
        "batch_requests",
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
    }
)


class ServeSettings(SettingsModel):
    """A model that vLLM serves here for the time of the job."""

    repo: str | None = optional(description="A model of the hub.")
    revision: str | None = optional(pattern=REVISION, description="Its commit, tag or branch.")
    model: str | None = optional(description="An entry of `models`.")
    variant: str | None = optional(description="A variant of the model; `original` by default.")
    chat_template: str | None = optional(
        description="Chat template of the model of `repo`, as for the key of the same name in `models`.",
        min_length=1,
    )


ALWAYS_SENT = frozenset({"model", "messages", "stream", "n"})
"""Fields of the request body that a judge always sets."""
VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class ChatSettings(PromptedJudgeSettings):
    """Settings of a judge over the chat API; either ``base_url`` and ``model``, or ``serve``."""

    sends_requests: ClassVar[bool] = True
    follows_template: ClassVar[bool] = True
    serves: ClassVar[bool] = True
    resolved: ClassVar[frozenset[str]] = frozenset({"serve"})
    runtime_keys: ClassVar[frozenset[str]] = RUNTIME_KEYS
    idle: ClassVar[frozenset[str]] = PromptedJudgeSettings.idle | {"gpus"} | RUNTIME_KEYS

    base_url: str | None = Field(
        None,
        description=(
            "Address of an OpenAI-compatible API, up to and including `/v1`; Azure's is "
            "`https://NAME.openai.azure.com/openai/v1` or "
            "`https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT?api-version=...`. No key in it. Give "
            "this or `serve`."
        ),
    )
    model: str | None = Field(None, description="Name of the model at `base_url`; Azure's deployment.")
    revision: str | None = Field(
        None, description="Identifier of the version of the model, if its name does not determine it."
    )
    accepted_models: Items[str] = Field(
        [],
        description=(
            "Further model names that the endpoint may report: an alias, or the model behind an Azure deployment. "
            "Dated versions (`gpt-5-2025-08-07`) and routing suffixes (`:free`) are always accepted."
        ),
    )
    serve: ServeSettings | None = Field(
        None,
        description=(
            "A model that vLLM serves for the duration of the job: `{repo, revision}` of the hub, or `{model, "
            "variant}` of the grid, including edited ones."
        ),
    )
    gpus: int = Field(0, ge=0, le=1024, description="Number of GPUs for serving; the model is distributed over them.")
    dtype: Dtype = Field(
        "auto",
        description=(
            "Number format in which the model runs. `auto` is the checkpoint's own on a GPU and on a processor "
            "that has matrix instructions for it; on any other processor it is float32, if the model fits the "
            "memory so."
        ),
    )
    output: Output = Field(
        "auto", description="How the output is constrained; `auto` detects and records what the endpoint supports."
    )
    logprobs: Literal["auto", True, False] = Field(
        "auto", description="Whether label probabilities are requested; `auto` detects whether they are supported."
    )
    max_tokens: int = Field(
        32,
        ge=1,
        le=1000000,
        description="Maximum length of the answer, in tokens. Models that think before they answer need thousands.",
    )
    token_limit: TokenLimit = Field(
        "max_completion_tokens", description="Name of the parameter that carries `max_tokens`."
    )
    temperature: float | None = Field(
        0.0,
        ge=0,
        le=100,
        description="Sampling temperature; null omits it, for models that accept only their default.",
    )
    top_p: float | None = Field(None, gt=0, le=1, description="Nucleus sampling threshold; null omits it.")
    seed: Seed | None = Field(None, description="Sampling seed; null omits it.")
    reasoning_effort: str | None = Field(None, description="Passed to the API unchanged; null omits it.")
    template_arguments: dict[str, Any] = Field(
        {},
        description=(
            "Further variables of the chat template, for example `enable_thinking`; a name that it never reads "
            "is an error."
        ),
    )
    extra_body: dict[str, Any] = Field({}, description="Further fields of the request's body.")
    api_key_env: str | None = Field(
        None, description="Environment variable that contains the API key; null for endpoints without a key."
    )
    concurrency: int = Field(8, ge=1, le=10000, description="Number of concurrent requests.")
    requests_per_minute: float | None = Field(
        None, gt=0, le=1000000000, description=("Maximum requests per minute; null for no limit.")
    )
    tokens_per_minute: float | None = Field(
        None,
        gt=0,
        le=1000000000000,
        description="Maximum tokens per minute, estimated input plus maximum output; null for no limit.",
    )
    timeout: float = Field(60.0, gt=0, le=86400, description="Timeout of one attempt, in seconds.")
    retries: int = Field(6, ge=0, le=1000, description="Further attempts per request.")
    longest_wait: float = Field(
        120.0,
        ge=0,
        le=86400,
        description="Longest wait that a server may request, in seconds; a longer one counts as a failure.",
    )
    failed_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description=(
            "Share of the requests that may fail before the job stops; failed cases are `unscored`. Cases that "
            "the provider moderates, or that its model cannot finish, do not count as failures."
        ),
    )
    price_per_million_input: float | None = Field(
        None, ge=0, le=1000000000, description="Price of a million input tokens, in any currency."
    )
    price_per_million_output: float | None = Field(
        None, ge=0, le=1000000000, description="Price of a million output tokens."
    )
    max_requests: int | None = Field(
        None,
        ge=0,
        le=1000000000000,
        description="Maximum number of requests of a run; a run with more does not start.",
    )
    max_cost: float | None = Field(
        None,
        ge=0,
        le=1000000000000,
        description="Maximum cost of a run at the given prices; a run that may cost more does not start.",
    )

    batch: bool = Field(
        False,
        description=(
            "Use the provider's batch API (as defined by OpenAI), which costs less and may take a day. An "
            "interrupted run resumes waiting for its batches. A few single requests determine the output format "
            "first."
        ),
    )
    batch_price_share: float = Field(
        0.5, ge=0, le=1, description="Price of batched requests, as a share of the price of single requests."
    )
    batch_requests: int = Field(50000, ge=1, le=50000, description="Maximum number of requests per batch.")
    batch_poll: float = Field(60.0, gt=0, le=86400, description="Polling interval, in seconds.")
    batch_hours: float = Field(
        25.0, gt=0, le=1000, description="Hours after which a run stops waiting; the next run resumes waiting."
    )

    def check(self) -> None:
        """Check the template, the labels, the location of the model, and the limits.

        Raises:
            ConfigError: naming the key, what was found and what is allowed.
        """
        super().check()
        self.check_endpoint()

    def check_endpoint(self) -> None:
        """Check the location of the model and the limits.

        Raises:
            ConfigError: naming the key, what was found and what is allowed.
        """
        _check_where(self)
        for key in ALWAYS_SENT & self.extra_body.keys():
            raise ConfigError(f"extra_body: {key!r} is not allowed; it is set for every request")
        if self.api_key_env is not None and not VARIABLE.fullmatch(self.api_key_env):
            raise ConfigError(
                "api_key_env: wanted the name of an environment variable (letters, digits, `_`), and not the key itself"
            )
        if self.batch and (self.base_url is None or "/deployments/" in self.base_url):
            found = "a model that is served here" if self.base_url is None else "Azure's dated address"
            raise ConfigError(f"batch: {found} has no batch interface; allowed with a 'base_url' that ends in /v1")
        if self.max_cost is not None:
            for key in ("price_per_million_input", "price_per_million_output"):
                if getattr(self, key) is None:
                    raise ConfigError(f"max_cost is given, so {key!r} is needed as well")

    def weights(self) -> tuple[str, str] | None:
        """The model–variant pair that is served, if any."""
        if self.serve is None or self.serve.model is None:
            return None
        return self.serve.model, self.serve.variant or ORIGINAL

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


class ChatJobSettings(ChatSettings):
    """Arguments of a chat judge's job: its settings, with ``serve`` replaced by a checkpoint.

    Attributes:
        checkpoint: model directory that vLLM serves during the job.
        server: further arguments of ``steadfast.generation.serving.server.serve``.
        store: directory of the result cache.
    """

    checkpoint: str | None = None
    server: dict[str, Any] = Field(default_factory=dict)
    store: str = "results/answers"


def _check_where(settings: ChatSettings) -> None:
    served = settings.serve
    if (settings.base_url is None) == (served is None):
        raise ConfigError("give either 'base_url' (an endpoint that runs already) or 'serve' (a model to serve here)")
    if served is None and settings.dtype != "auto":
        raise ConfigError("dtype: only allowed with 'serve'; an endpoint that runs already has its own")
    if served is not None:
        if settings.model is not None:
            raise ConfigError("model: not allowed beside 'serve', which says what is served")
        given = served.as_dict()
        if set(given) - {"chat_template"} not in ({"repo"}, {"repo", "revision"}, {"model"}, {"model", "variant"}):
            found = ", ".join(given) or "nothing"
            raise ConfigError(f"serve: give repo and revision, or model and variant; found {found}")
        return
    if not settings.model:
        raise ConfigError("the key 'model' is missing: the name of the model at 'base_url'")
    read_address(str(settings.base_url))
