"""The table of faults: what follows from what each provider sends."""

import json

import pytest
from tests.provider_forms import FATAL, FORMS, MODERATED, Form, error
from tests.provider_variants import ANSWERS, VARIANTS, WITHHELD

from steadfast.judges.chat_api.fault_rules import ErrorReply
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
def test_every_provider_error_is_classified(form: Form) -> None:
    fault = read(form)
    assert fault.kind == form.kind
    for words in form.says:
        assert words in fault.reason


@pytest.mark.parametrize("name", ANSWERS)
def test_answer_is_accepted_with_any_accompanying_fields(name: str) -> None:
    answer = read_completion(json.dumps(ANSWERS[name]), None)
    assert isinstance(answer, Answer) and answer.text == "REFUSAL"


@pytest.mark.parametrize("form", WITHHELD, ids=lambda form: form.name)
def test_withheld_answers_are_classified_as_moderation(form: Form) -> None:
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
def test_moderation_code_takes_precedence_over_the_status(code: str) -> None:
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
def test_other_error_codes_take_precedence_over_moderation_wording(code: str, name: str) -> None:
    for status in (400, 403, 404, 401 if name != UNKNOWN_MODEL else 400):
        assert (
            fault_of(ErrorReply(status, (code, "invalid_request_error"), "Rejected by our safety system")).name == name
        )


@pytest.mark.parametrize("form", MODERATED, ids=lambda form: form.name)
def test_moderation_fault_says_so_or_is_marked_unsure(form: Form) -> None:
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
def test_error_wordings_give_the_fault_name(status: int, words: str, name: str) -> None:
    assert fault_of(ErrorReply(status, (), words)).name == name


def test_every_fatal_fault_has_a_name() -> None:
    assert all(read(form).name for form in FATAL)


def test_fault_recognized_by_text_alone_is_unsure() -> None:
    assert not fault_of(ErrorReply(400, (), "API key not valid")).sure
    assert fault_of(ErrorReply(401, (), "")).sure and fault_of(ErrorReply(400, ("invalid_api_key",), "")).sure


def test_api_key_is_removed_from_reasons() -> None:
    form = Form("", "case", 400, {"error": {"message": "sk-x was flagged", "code": "sk-x"}}, ())
    assert "sk-x" not in read(form, "sk-x").reason and "[key]" in read(form, "sk-x").reason


def test_quoted_prompt_in_an_error_does_not_classify_it() -> None:
    """A prompt about moderation, quoted in an error, is not a moderation."""
    body = {"error": {"message": "Oh no", "failed_generation": "content policy", "param": "invalid api key"}}
    fault = read(Form("", "case", 400, body, ()))
    assert (fault.kind, fault.name, fault.sure) == ("case", "", False)
    assert "content policy" not in fault.reason


@pytest.mark.parametrize("code", ["sensitive", "Sensitive", "content_filter", "ContentFilter", "CONTENT-FILTER"])
def test_error_codes_match_in_any_spelling(code: str) -> None:
    assert fault_of(ErrorReply(400, (code,), "")).kind == "case"


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
def test_unsupported_parameter_fault_names_the_setting(words: str, advice: str) -> None:
    fault = fault_of(ErrorReply(400, (), words))
    assert fault.name == UNSUPPORTED_PARAMETER and advice in fault.reason


@pytest.mark.parametrize("status", [None, *range(300, 600)])
def test_every_http_status_is_classified(status: int | None) -> None:
    assert fault_of(ErrorReply(status)).kind in ("case", "passing", "fatal")


def test_last_fault_rule_matches_everything() -> None:
    assert RULES[-1].match(ErrorReply())


def test_repeated_generation_failure_is_of_the_case() -> None:
    generation = read(FORMS["OpenRouter: error in the choice, passing"]).after(7)
    assert generation.kind == "case" and not generation.sure and "after 7 attempts" in generation.reason
    assert read(FORMS["Anthropic: overloaded"]).after(7).kind == "passing"
    limited = Form("", "passing", 200, {"error": {"code": 429, "message": "Rate limited"}}, ())
    assert read(limited).after(7).kind == "passing"


def test_ambiguous_moderation_error_is_retried_then_fails_one_case() -> None:
    """With HTTP 5xx and without a code nobody knows whether words of moderation are a verdict or a failure."""
    fault = read(VARIANTS["an engine of risks"])
    assert fault.kind == "passing" and fault.after(3).kind == "case" and not fault.after(3).sure
    assert read(VARIANTS["moderation is away"]).after(3).kind == "passing"
    assert read(VARIANTS["MiniMax: rate"]).after(3).kind == "passing"


def test_retry_wait_is_read_from_headers_and_text() -> None:
    assert read(FORMS["Gemini: rate limit in a list"]).wait == pytest.approx(0.01)
    delay = {"error": {"code": 429, "message": "slow", "details": [{"retryDelay": "32s"}]}}
    assert read(Form("", "passing", 429, delay, ())).wait == pytest.approx(32)
    assert read(Form("", "passing", 429, delay, (), {"retry-after": "2"})).wait == pytest.approx(2)
