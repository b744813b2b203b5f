"""Detection of an endpoint's features: constrained output, log-probabilities.

An endpoint may ignore an unknown constraint, so it is tested: the model gets an everyday question with only two made-up
words as allowed answers. The result is stored in the result cache, so that every later run uses the same format and
finds its answers.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from steadfast.core.result_cache import ResultCache, request_key
from steadfast.judges.chat_api.address import read_address
from steadfast.judges.chat_api.fault_table import UNKNOWN, UNSUPPORTED_PARAMETER
from steadfast.judges.chat_api.faults import EndpointError, Fault
from steadfast.judges.chat_api.reading import Answer, find_label
from steadfast.judges.chat_api.replies import answer_from
from steadfast.judges.chat_api.requests import AnswerFormat, Request, Requests
from steadfast.judges.chat_api.settings import ChatJobSettings
from steadfast.judges.chat_api.wordings import REJECTED
from steadfast.judges.prompts.answer_labels import AnswerLabels

QUESTION = "What is the colour of the sky on a clear day? Answer with one word."
INTRODUCTION = "You answer everyday questions."
WORDS = AnswerLabels("zebra-17", "violin-42")
PROBE = "probe"
UNSUPPORTED = "unsupported"

Ask = Callable[[Request], Awaitable[Answer | Fault]]


def candidate_forms(settings: ChatJobSettings) -> list[AnswerFormat]:
    """The formats that the settings allow, in order of preference; a single one needs no probing."""
    outputs = ("choice", "json_schema", "text") if settings.output == "auto" else (settings.output,)
    logprobs = (True, False) if settings.logprobs == "auto" else (settings.logprobs,)
    return [AnswerFormat(output, wanted) for output in outputs for wanted in logprobs]


def known_form(settings: ChatJobSettings, requests: Requests, store: ResultCache) -> AnswerFormat | None:
    """The format determined by the settings or an earlier probe; None if the endpoint must be probed."""
    forms = candidate_forms(settings)
    if len(forms) == 1:
        return forms[0]
    for form, request in _probes(forms, requests):
        record = store.get(request_key(request))
        if record is None:
            return None
        if not _why_not(record, form):
            return form
    return None


async def find_form(settings: ChatJobSettings, requests: Requests, store: ResultCache, ask: Ask) -> AnswerFormat:
    """The first form that the endpoint honors.

    What was found is kept once a form was found: a refusal that holds for every form says nothing about any.

    Raises:
        EndpointError: it honors none, or did not answer.
    """
    known = known_form(settings, requests, store)
    if known is not None:
        return known
    tried: list[tuple[Request, dict[str, Any]]] = []
    for form, request in _probes(candidate_forms(settings), requests):
        tried.append((request, await _probe(settings, request, ask)))
        if not _why_not(tried[-1][1], form):
            for probe, record in tried:
                store.put(probe, record)
            return form
    reasons = dict.fromkeys(
        _why_not(record, form) for form, (_, record) in zip(candidate_forms(settings), tried, strict=True)
    )
    raise EndpointError(f"{_where(settings)} cannot be used as a judge: {'; '.join(reasons)}")


async def _probe(settings: ChatJobSettings, request: Request, ask: Ask) -> dict[str, Any]:
    outcome = await ask(request)
    if isinstance(outcome, Answer):
        return outcome.record()
    if not _may_depend_on_form(outcome):
        raise EndpointError(f"{_where(settings)} does not answer: {outcome.reason}")
    return {UNSUPPORTED: outcome.reason}


def _may_depend_on_form(fault: Fault) -> bool:
    """Whether another format may work; OpenAI rejects log-probabilities of reasoning models with a bare 403."""
    if fault.kind == "fatal":
        return fault.name == UNSUPPORTED_PARAMETER
    return fault.kind == "case" and (fault.status is None or fault.status in REJECTED or fault.name != UNKNOWN)


def _why_not(record: Mapping[str, Any], form: AnswerFormat) -> str:
    """Why a probe's record shows that a format is ignored; empty if it is honored."""
    if UNSUPPORTED in record:
        return str(record[UNSUPPORTED])
    answer = answer_from(record)
    if answer.finish_reason == "length":
        return "it needs more than max_tokens for a single word (models that think before they answer need thousands)"
    if form.logprobs and not answer.logprobs:
        return "it gives no log-probabilities"
    constrained = form.output == "text" or find_label(answer.text, WORDS) is not None
    return "" if constrained else f"it does not keep to a {form.output}"


def control_request(requests: Requests, labels: AnswerLabels, form: AnswerFormat, roles: Sequence[str]) -> Request:
    """A harmless question in the format of the cases; an endpoint that answers it works.

    Args:
        requests: creates the request.
        labels: the allowed words.
        form: how the answer is constrained.
        roles: roles in the cases' conversations, since not every model accepts a system turn.
    """
    messages = [{"role": role, "content": QUESTION if role == roles[-1] else INTRODUCTION} for role in roles]
    return requests.make(messages, labels.all, form, PROBE)


def _where(settings: ChatJobSettings) -> str:
    if settings.base_url:
        return f"{settings.model} at {read_address(settings.base_url).url}"
    return f"{settings.checkpoint}, served here,"


def _probes(forms: list[AnswerFormat], requests: Requests) -> Iterator[tuple[AnswerFormat, Request]]:
    messages = [{"role": "user", "content": QUESTION}]
    for form in forms:
        yield form, requests.make(messages, WORDS.both, form, PROBE)
