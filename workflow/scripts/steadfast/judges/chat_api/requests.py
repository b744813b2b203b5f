"""Requests: exactly what an answer may depend on.

A request is a JSON object whose hash is its key in the result cache. The request that is sent is built from it alone,
so everything sent is part of the key. Timeouts, retries and limits are not part of it.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steadfast.core.result_cache import canonical_json, request_key
from steadfast.judges.chat_api.address import read_address
from steadfast.judges.chat_api.settings import ChatJobSettings
from steadfast.judges.prompts.templates import Message, Template

Request = Mapping[str, Any]
SERVED = "vllm"
TOP_LOGPROBS = 20
LABEL_KEY = "label"
# Fewer bytes per token than in any common tokenizer, so that estimates are high.
BYTES_PER_TOKEN = 3


@dataclass(frozen=True)
class AnswerFormat:
    """The requested format of an answer.

    Attributes:
        output: ``choice`` (vLLM's structured outputs), ``json_schema`` or ``text`` (unconstrained).
        logprobs: whether token log-probabilities are requested.
    """

    output: str
    logprobs: bool


@dataclass(frozen=True)
class Requests:
    """Creates the requests of one judge.

    Attributes:
        settings: its entry.
        served: hash of the checkpoint, for a judge that is served locally.
        number_format: number format in which it runs, for a judge that is served locally.
    """

    settings: ChatJobSettings
    served: str | None
    number_format: str | None = None

    def make(self, messages: Sequence[Message], words: Sequence[str], form: AnswerFormat, template: str) -> Request:
        """The request for one conversation.

        Args:
            messages: the conversation.
            words: the allowed answers.
            form: how the answer is constrained.
            template: hash of the prompt template.
        """
        return {
            **self.where(),
            "messages": [dict(message) for message in messages],
            "sampling": self._sampling(form),
            "constraint": {"kind": form.output, "words": list(words)},
            "template": template,
        }

    def where(self) -> dict[str, Any]:
        """Identity of the endpoint and the model."""
        if self.served:
            return {"endpoint": SERVED, "model": self.served, "revision": self.number_format}
        endpoint = read_address(str(self.settings.base_url)).identity
        return {"endpoint": endpoint, "model": self.settings.model, "revision": self.settings.revision}

    def _sampling(self, form: AnswerFormat) -> dict[str, Any]:
        settings = self.settings
        chosen = {
            settings.token_limit: settings.max_tokens,
            "temperature": None if settings.temperature is None else float(settings.temperature),
            "top_p": None if settings.top_p is None else float(settings.top_p),
            "seed": settings.seed,
            "reasoning_effort": settings.reasoning_effort,
            "logprobs": True if form.logprobs else None,
            "top_logprobs": TOP_LOGPROBS if form.logprobs else None,
            "chat_template_kwargs": dict(settings.template_arguments) or None,
            "extra_body": dict(settings.extra_body) or None,
        }
        return {key: value for key, value in chosen.items() if value is not None}


def template_hash(template: Template) -> str:
    """Hash of a template, without its comments."""
    return hashlib.sha256(canonical_json([list(part) for part in template.parts])).hexdigest()


def body_of(request: Request, model: str) -> dict[str, Any]:
    """Arguments of the client's ``chat.completions.create`` for a request.

    Args:
        request: the request.
        model: name of the model at the endpoint.
    """
    sampling = dict(request["sampling"])
    extra = {**sampling.pop("extra_body", {})}
    if "chat_template_kwargs" in sampling:
        extra["chat_template_kwargs"] = sampling.pop("chat_template_kwargs")
    body = {"model": model, "messages": request["messages"], **sampling}
    constraint = request["constraint"]
    if constraint["kind"] == "choice":
        extra["structured_outputs"] = {"choice": constraint["words"]}
    elif constraint["kind"] == "json_schema":
        body["response_format"] = json_schema(constraint["words"])
    return {**body, "extra_body": extra} if extra else body


def json_schema(words: Sequence[str]) -> dict[str, Any]:
    """The ``response_format`` that allows ``{"label": <one of the words>}`` and nothing else."""
    schema = {
        "type": "object",
        "properties": {LABEL_KEY: {"type": "string", "enum": list(words)}},
        "required": [LABEL_KEY],
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "classification", "strict": True, "schema": schema}}


def estimated_tokens(messages: Sequence[Message]) -> int:
    """High estimate of the tokens of a conversation: one per three bytes, and a few per message."""
    return sum(len(message["content"].encode()) // BYTES_PER_TOKEN + 8 for message in messages)


def store_name(requests: Requests) -> str:
    """Name of the cache's subdirectory for the answers of one model at one endpoint.

    It only avoids reading the answers of other models; answers are found by key.
    """
    where = requests.where()
    readable = re.sub(r"[^a-z0-9]+", "-", f"{where['endpoint']} {where['model']}".casefold()).strip("-")
    return f"{readable[-48:].lstrip('-')}-{request_key(where)[:8]}"
