"""Finding out what an endpoint can do: constrained answers, log-probabilities.

An endpoint may ignore a constraint that it does not know, so it is tried: the model is asked an everyday question
of which only two made-up words are allowed as the answer. What was found is kept in the store of answers, so that
every later run asks in the same form, and finds its answers.
"""

from collections.abc import Awaitable, Callable, Iterator

from steadfast.answers import AnswerStore, request_key
from steadfast.judges._chat.faults import EndpointError, Fault
from steadfast.judges._chat.reading import Answer, find_label
from steadfast.judges._chat.requests import Form, Request, Requests
from steadfast.judges._chat.settings import ChatSettings
from steadfast.judges._labels import Labels

QUESTION = "What is the colour of the sky on a clear day? Answer with one word."
WORDS = Labels("zebra-17", "violin-42")
PROBE = "probe"
UNSUPPORTED = "unsupported"

Ask = Callable[[Request], Awaitable[Answer | Fault]]


def candidate_forms(settings: ChatSettings) -> list[Form]:
    """The forms that the settings allow, the preferred one first; a single one needs no probing."""
    outputs = ("choice", "json_schema", "text") if settings.output == "auto" else (settings.output,)
    logprobs = (True, False) if settings.logprobs == "auto" else (settings.logprobs,)
    if settings.checkpoint is not None:  # vLLM, as it is started here, can do both
        return [Form(outputs[0], logprobs[0])]
    return [Form(output, asked) for output in outputs for asked in logprobs]


def known_form(settings: ChatSettings, requests: Requests, store: AnswerStore) -> Form | None:
    """The form that the settings or an earlier probe decided; None if the endpoint has to be asked."""
    forms = candidate_forms(settings)
    if len(forms) == 1:
        return forms[0]
    for form, request in _probes(forms, requests):
        record = store.get(request_key(request))
        if record is None:
            return None
        if UNSUPPORTED not in record and _honours(Answer.from_record(record), form):
            return form
    return None


async def find_form(settings: ChatSettings, requests: Requests, store: AnswerStore, ask: Ask) -> Form:
    """The first form that the endpoint honours, found by asking it what the store does not know.

    Raises:
        EndpointError: it honours none, or did not answer.
    """
    forms = candidate_forms(settings)
    if len(forms) == 1:
        return forms[0]
    reason = ""
    for form, request in _probes(forms, requests):
        record = store.get(request_key(request))
        if record is None:
            outcome = await ask(request)
            if isinstance(outcome, Fault):
                if not outcome.reason.startswith(("HTTP 400", "HTTP 422")):
                    raise EndpointError(f"{_where(settings)} does not answer: {outcome.reason}")
                record = {UNSUPPORTED: outcome.reason}
            elif outcome.finish_reason == "length":
                raise EndpointError(
                    f"{_where(settings)} needs more than max_tokens ({settings.max_tokens}) for a single word; models "
                    "that think before they answer need thousands"
                )
            else:
                record = outcome.record()
            store.put(request, record)
        reason = record.get(UNSUPPORTED) or reason
        if UNSUPPORTED not in record and _honours(Answer.from_record(record), form):
            return form
    raise EndpointError(f"{_where(settings)} accepts no form of request that was tried; the last refusal was: {reason}")


def _where(settings: ChatSettings) -> str:
    return f"{settings.model} at {settings.base_url}"


def _probes(forms: list[Form], requests: Requests) -> Iterator[tuple[Form, Request]]:
    messages = [{"role": "user", "content": QUESTION}]
    for form in forms:
        yield form, requests.make(messages, WORDS.both, form, PROBE)


def _honours(answer: Answer, form: Form) -> bool:
    if form.logprobs and not answer.logprobs:
        return False
    return form.output == "text" or find_label(answer.text, WORDS) is not None
