"""Requests: everything that an answer may depend on, and nothing else.

A request is the JSON object whose hash is its key in the result cache; what is sent is made from it alone, so
nothing can be sent that the key does not hold. Timeouts, retries and limits are not part of it.
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
# Fewer than any usual tokenizer packs into one, so that an estimate errs on the high side.
BYTES_PER_TOKEN = 3


@dataclass(frozen=True)
class AnswerFormat:
    """The form in which an answer is asked for.

    Attributes:
        output: ``choice`` (vLLM's structured outputs), ``json_schema`` or ``text`` (unconstrained).
        logprobs: whether the probabilities of tokens are asked for.
    """

    output: str
    logprobs: bool


@dataclass(frozen=True)
class Requests:
    """Makes the requests of one judge.

    Attributes:
        settings: its entry.
        served: what is served, for a judge that is served here: the checkpoint's content, as a hash.
        number_format: the format in which it runs, for such a judge.
    """

    settings: ChatJobSettings
    served: str | None
    number_format: str | None = None

    def make(self, messages: Sequence[Message], words: Sequence[str], form: AnswerFormat, template: str) -> Request:
        """The request for one conversation.

        Args:
            messages: the conversation.
            words: the answers that are allowed.
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
        """Who is asked: endpoint, model and its state."""
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
    """Hash of what a template says to the model; its comments do not count."""
    return hashlib.sha256(canonical_json([list(part) for part in template.parts])).hexdigest()


def body_of(request: Request, model: str) -> dict[str, Any]:
    """Arguments of the client's ``chat.completions.create`` for a request.

    Args:
        request: the request.
        model: name by which the endpoint knows the model.
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
    """Tokens of a conversation, estimated generously: one per three bytes, and a few per message."""
    return sum(len(message["content"].encode()) // BYTES_PER_TOKEN + 8 for message in messages)


def store_name(requests: Requests) -> str:
    """Name of the directory, below the store's, for the answers of one model at one endpoint.

    It only keeps a job from reading the answers of other models; the keys decide what is found.
    """
    where = requests.where()
    readable = re.sub(r"[^a-z0-9]+", "-", f"{where['endpoint']} {where['model']}".casefold()).strip("-")
    return f"{readable[-48:].lstrip('-')}-{request_key(where)[:8]}"
