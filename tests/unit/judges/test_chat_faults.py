"""The table of faults: what follows from what each provider sends."""

import json

import pytest
from tests.provider_forms import FATAL, FORMS, MODERATED, Form, error
from tests.provider_variants import ANSWERS, VARIANTS, WITHHELD

from steadfast.judges.chat_api.fault_rules import Said
from steadfast.judges.chat_api.fault_table import (
    BLOCKED_ACCOUNT,
    NO_CREDIT,
    RULES,
    TOO_LONG,
    UNKNOWN,
    UNKNOWN_MODEL,
    UNSUPPORTED_PARAMETER,
    UPSTREAM,
    WRONG_KEY,
    fault_of,
)
from steadfast.judges.chat_api.fault_table import MODERATED as MODERATED_NAME
from steadfast.judges.chat_api.faults import Fault
from steadfast.judges.chat_api.reading import Answer
from steadfast.judges.chat_api.replies import read_completion, read_error


def read(form: Form, secret: str | None = None) -> Fault:
    if form.status == 200:
        outcome = read_completion(form.text, secret)
        assert isinstance(outcome, Fault), "a fault was read as an answer"
        return outcome
    return read_error(form.status, form.text, form.headers, secret)


@pytest.mark.parametrize("form", [*FORMS.values(), *VARIANTS.values()], ids=lambda form: form.name)
def test_what_follows_from_what_a_provider_sends(form: Form) -> None:
    fault = read(form)
    assert fault.kind == form.kind
    for words in form.says:
        assert words in fault.reason


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_accepted_whatever_is_beside_it(name: str) -> None:
    answer = read_completion(json.dumps(ANSWERS[name]), None)
    assert isinstance(answer, Answer) and answer.text == "REFUSAL"


@pytest.mark.parametrize("form", WITHHELD, ids=lambda form: form.name)
def test_marks_of_moderation_beside_an_answer_surely_are_moderation(form: Form) -> None:
    fault = read(form)
    assert fault.name == MODERATED_NAME and fault.sure


CODES = (
    "content_filter",
    "content_policy_violation",
    "unsupported_content",
    "ResponsibleAIPolicyViolation",
    "data_inspection_failed",
    "sensitive_words_detected",
    "InputTextRiskDetection",
)


@pytest.mark.parametrize("code", CODES)
def test_an_explicit_code_of_moderation_counts_before_the_status(code: str) -> None:
    for status in (400, 401, 402, 403, 404, 405, 409, 415, 422, 429, 500, 503):
        for body in (error("No.", code), error("No.", None, code)):
            fault = read(Form("", "case", status, body, ()))
            assert (fault.kind, fault.name, fault.sure) == ("case", MODERATED_NAME, True), status


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("insufficient_quota", NO_CREDIT),
        ("AccountOverdueError", NO_CREDIT),
        ("invalid_api_key", WRONG_KEY),
        ("account_deactivated", BLOCKED_ACCOUNT),
        ("model_not_found", UNKNOWN_MODEL),
    ],
)
def test_other_explicit_codes_keep_theirs(code: str, name: str) -> None:
    for status in (400, 403, 404, 401 if name != UNKNOWN_MODEL else 400):
        assert fault_of(Said(status, (code, "invalid_request_error"), "Rejected by our safety system")).name == name


@pytest.mark.parametrize("form", MODERATED, ids=lambda form: form.name)
def test_what_moderated_says_so_or_not_surely_of_its_case(form: Form) -> None:
    fault = read(form)
    assert "moderat" in fault.reason or not fault.sure


WORDINGS = [
    (400, "Invalid prompt: we've limited access to this content for safety reasons.", MODERATED_NAME),
    (400, "Detected high risk content", MODERATED_NAME),
    (400, "the content of message is sensitive", MODERATED_NAME),
    (400, "request content is illegal", MODERATED_NAME),
    (400, "The input or output was filtered", MODERATED_NAME),
    (403, "This request has been blocked by our content filters.", MODERATED_NAME),
    (403, "Forbidden: prompt violates our Acceptable Use Policy", MODERATED_NAME),
    (403, "Request blocked by organization policy: model access disabled", BLOCKED_ACCOUNT),
    (403, "Key limit exceeded (total limit).", NO_CREDIT),
    (400, "Your credit balance is too low to access the API.", NO_CREDIT),
    (400, "Invalid API key format", WRONG_KEY),
    (400, "model not found: x", UNKNOWN_MODEL),
    (400, "The model `x` has been decommissioned and is no longer supported.", UNKNOWN_MODEL),
    (404, "No endpoints found matching your data policy", UNKNOWN_MODEL),
    (
        400,
        "max_tokens is too large: 100000. This model supports at most 16384 completion tokens",
        UNSUPPORTED_PARAMETER,
    ),
    (400, "extraneous key [seed] is not permitted, please reformat your input", UNSUPPORTED_PARAMETER),
    (400, "Prompt contains 9 tokens, too large for model with 8 maximum context length", TOO_LONG),
    (400, "The system is currently experiencing high load; please try again later", UPSTREAM),
    (400, "Error from provider: Upstream request failed", UPSTREAM),
    (503, "maximum context length service unavailable", UPSTREAM),
    (403, "Parameter names are case-sensitive", UNKNOWN),
    (403, "Access denied due to firewall rules.", UNKNOWN),
]


@pytest.mark.parametrize(("status", "words", "name"), WORDINGS)
def test_wordings(status: int, words: str, name: str) -> None:
    assert fault_of(Said(status, (), words)).name == name


def test_what_stops_a_job_says_what_it_is() -> None:
    assert all(read(form).name for form in FATAL)


def test_a_text_alone_never_stops_a_job_surely() -> None:
    assert not fault_of(Said(400, (), "API key not valid")).sure
    assert fault_of(Said(401, (), "")).sure and fault_of(Said(400, ("invalid_api_key",), "")).sure


def test_no_reason_holds_the_key() -> None:
    form = Form("", "case", 400, {"error": {"message": "sk-x was flagged", "code": "sk-x"}}, ())
    assert "sk-x" not in read(form, "sk-x").reason and "[key]" in read(form, "sk-x").reason


def test_what_a_provider_quotes_decides_nothing() -> None:
    """A prompt about moderation, quoted in an error, is not a moderation."""
    body = {"error": {"message": "Oh no", "failed_generation": "content policy", "param": "invalid api key"}}
    fault = read(Form("", "case", 400, body, ()))
    assert (fault.kind, fault.name, fault.sure) == ("case", "", False)
    assert "content policy" not in fault.reason


@pytest.mark.parametrize("code", ["sensitive", "Sensitive", "content_filter", "ContentFilter", "CONTENT-FILTER"])
def test_codes_count_whatever_their_spelling(code: str) -> None:
    assert fault_of(Said(400, (code,), "")).kind == "case"


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("Unsupported value: 'temperature' does not support 0", "temperature: null"),
        ("Unrecognized request argument supplied: max_completion_tokens", "token_limit: max_tokens"),
        ("'max_tokens' is not supported. Use 'max_completion_tokens' instead.", "token_limit: max_completion_tokens"),
        ("This model does not support response_format json_schema", "output: auto"),
        ("logprobs are not supported with this model", "logprobs: false"),
        ("'reasoning_effort' is not supported with this model", "reasoning_effort: null"),
        ("Unknown parameter: 'top_k'", "extra_body"),
    ],
)
def test_a_parameter_that_is_not_supported_names_its_key(words: str, advice: str) -> None:
    fault = fault_of(Said(400, (), words))
    assert fault.name == UNSUPPORTED_PARAMETER and advice in fault.reason


@pytest.mark.parametrize("status", [None, *range(300, 600)])
def test_every_status_is_decided(status: int | None) -> None:
    assert fault_of(Said(status)).kind in ("case", "passing", "fatal")


def test_the_last_rule_holds_always() -> None:
    assert RULES[-1].match(Said())


def test_generation_that_always_fails_of_case_and_dead_endpoint_not() -> None:
    generation = read(FORMS["OpenRouter: error in the choice, passing"]).after(7)
    assert generation.kind == "case" and not generation.sure and "after 7 attempts" in generation.reason
    assert read(FORMS["Anthropic: overloaded"]).after(7).kind == "passing"
    limited = Form("", "passing", 200, {"error": {"code": 429, "message": "Rate limited"}}, ())
    assert read(limited).after(7).kind == "passing"


def test_possibly_broken_moderation_is_retried_and_costs_one_case() -> None:
    """With HTTP 5xx and without a code nobody knows whether words of moderation are a verdict or a failure."""
    fault = read(VARIANTS["an engine of risks"])
    assert fault.kind == "passing" and fault.after(3).kind == "case" and not fault.after(3).sure
    assert read(VARIANTS["moderation is away"]).after(3).kind == "passing"
    assert read(VARIANTS["MiniMax: rate"]).after(3).kind == "passing"


def test_the_wait_is_read_from_headers_and_words() -> None:
    assert read(FORMS["Gemini: rate limit in a list"]).wait == pytest.approx(0.01)
    delay = {"error": {"code": 429, "message": "slow", "details": [{"retryDelay": "32s"}]}}
    assert read(Form("", "passing", 429, delay, ())).wait == pytest.approx(32)
    assert read(Form("", "passing", 429, delay, (), {"retry-after": "2"})).wait == pytest.approx(2)
