"""A language model as a judge, over an OpenAI-compatible chat API.

It must answer with exactly one of two labels, in the most constrained format that the endpoint supports; any other
answer is unscored. Every answer is stored immediately in a result cache shared by all judges, under a key of the
request and the endpoint: a judge that is interrupted, renamed or run again sends only missing requests. With ``serve``,
vLLM serves the model during the job, and only if there are requests to send.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from steadfast.core.names import UNSCORED
from steadfast.core.result_cache import ResultCache, request_key
from steadfast.judges.chat_api.batches import BatchRun
from steadfast.judges.chat_api.costs import CostEstimate, check_limits
from steadfast.judges.chat_api.endpoint import Endpoint
from steadfast.judges.chat_api.faults import Fault
from steadfast.judges.chat_api.probing import control_request, find_form, known_form
from steadfast.judges.chat_api.reading import read_answer
from steadfast.judges.chat_api.replies import answer_from, is_answer
from steadfast.judges.chat_api.requests import (
    AnswerFormat,
    Request,
    Requests,
    estimated_tokens,
    store_name,
    template_hash,
)
from steadfast.judges.chat_api.running import RequestRun
from steadfast.judges.chat_api.serving import checkpoint_identity, served_format, serving, speaking_to, special_strings
from steadfast.judges.chat_api.settings import ChatJobSettings, ChatSettings
from steadfast.judges.interface import Case, Judge, Verdict
from steadfast.judges.prompts.answer_labels import AnswerLabels, read_labels
from steadfast.judges.prompts.templates import Template, load_template
from steadfast.judges.unscored import answered, only_answered

# Placeholder for the format of an endpoint that has not been probed; no cached request uses it.
UNKNOWN_FORM = AnswerFormat("unknown", False)
Keyed = tuple[str, Request]


class Settings(ChatSettings):
    """A language model over an OpenAI-compatible API, at an address or served here by vLLM."""


@dataclass(frozen=True)
class ChatJudge:
    """Queries a chat model for every case that is not in the result cache."""

    settings: ChatJobSettings
    template: Template
    labels: AnswerLabels

    @only_answered
    def judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """Judge every case; equal cases are sent once.

        Raises:
            EndpointError: the endpoint does not answer, or too many requests failed.
            ConfigError: the number or cost of requests exceeds the limits, or there is no API key.
        """
        if not cases:
            return []
        with self._open_store() as store:
            form = known_form(self.settings, self._requests, store)
            faults: dict[str, Fault] = {}
            if form is None or self._missing(self._keyed(cases, form), store):
                check_limits(self._estimate(cases, form, store), self.settings)
                form, faults = asyncio.run(self._ask(cases, store))
            return [self._verdict(key, store, faults) for key, _ in self._keyed(cases, form)]

    def estimate(self, cases: Sequence[Case]) -> CostEstimate:
        """Estimate for judging ``cases``, without sending requests; responses without content need none."""
        cases = answered(cases)
        if self.settings.checkpoint and not Path(self.settings.checkpoint).is_dir():
            tokens = sum(estimated_tokens(self.template.render(case.prompt, case.response)) for case in cases)
            return CostEstimate(len(cases), 0, tokens, len(cases) * self.settings.max_tokens)
        with self._open_store() as store:
            return self._estimate(cases, known_form(self.settings, self._requests, store), store)

    def estimate_unseen(self, cases: int, tokens: int) -> CostEstimate:
        """Upper bound for cases that do not exist yet.

        Args:
            cases: number of cases.
            tokens: maximum tokens of prompt and response for each.
        """
        own = estimated_tokens(self.template.render("", ""))
        return CostEstimate(cases, 0, cases * (own + tokens), cases * self.settings.max_tokens)

    @cached_property
    def _requests(self) -> Requests:
        checkpoint = self.settings.checkpoint
        if checkpoint is None:
            return Requests(self.settings, None)
        return Requests(self.settings, checkpoint_identity(checkpoint), served_format(self.settings))

    @cached_property
    def _special(self) -> frozenset[str]:
        return special_strings(self.settings.checkpoint) if self.settings.checkpoint else frozenset()

    @property
    def _directory(self) -> Path:
        return Path(self.settings.store) / store_name(self._requests)

    def _open_store(self) -> ResultCache:
        """The result cache, without the faults that older versions stored in it."""
        return ResultCache(self._directory, accept=is_answer)

    def _request(self, case: Case, form: AnswerFormat) -> Request:
        messages = self.template.render(case.prompt, case.response, self._special)
        return self._requests.make(messages, self.labels.all, form, template_hash(self.template))

    def _keyed(self, cases: Sequence[Case], form: AnswerFormat) -> list[Keyed]:
        requests = (self._request(case, form) for case in cases)
        return [(request_key(request), request) for request in requests]

    @staticmethod
    def _missing(keyed: Sequence[Keyed], store: ResultCache) -> list[Keyed]:
        return [(key, request) for key, request in dict(keyed).items() if key not in store]

    def _estimate(self, cases: Sequence[Case], form: AnswerFormat | None, store: ResultCache) -> CostEstimate:
        keyed = self._keyed(cases, form or UNKNOWN_FORM)
        missing = self._missing(keyed, store)
        total = len(dict(keyed))
        tokens = sum(estimated_tokens(request["messages"]) for _, request in missing)
        return CostEstimate(total, total - len(missing), tokens, len(missing) * self.settings.max_tokens)

    async def _ask(self, cases: Sequence[Case], store: ResultCache) -> tuple[AnswerFormat, dict[str, Fault]]:
        speaking = speaking_to(self.settings, self.template.render("", "", self._special))
        with serving(self.settings, speaking) as (base_url, model):
            async with Endpoint(self.settings, base_url, model) as endpoint:
                form = await find_form(self.settings, self._requests, store, endpoint.ask)
                missing = self._missing(self._keyed(cases, form), store)
                logprobs = "with" if form.logprobs else "without"
                print(f"{model}: {len(missing)} requests, as {form.output} {logprobs} log-probabilities", flush=True)
                control = control_request(self._requests, self.labels, form, [role for role, _ in self.template.parts])
                run: RequestRun | BatchRun = BatchRun(endpoint, store)
                if not self.settings.batch:
                    run = RequestRun(endpoint, store, self.settings.failed_share, self.settings.concurrency, control)
                await run.ask_all(missing)
        return form, run.faults

    def _verdict(self, key: str, store: ResultCache, faults: Mapping[str, Fault]) -> Verdict:
        record = store.get(key)
        if record is not None:
            return read_answer(answer_from(record), self.labels)
        return Verdict(UNSCORED, reason=f"no answer: {faults[key].reason}")


def build(**settings: Any) -> Judge:
    """Build a chat judge from its settings, with ``serve`` replaced by ``checkpoint``; see ``ChatJobSettings``.

    Raises:
        ConfigError: a setting, the template or the labels cannot be used.
    """
    chosen = ChatJobSettings.read_scorer(settings)
    return ChatJudge(chosen, load_template(chosen.prompt), read_labels(chosen.labels.as_dict()))
