"""Further wordings, statuses and marks of what ``provider_forms`` holds, and answers that look like faults.

They are read one by one, by the real client over HTTP; a whole judge meets those of ``provider_forms``.
"""

import json
from typing import Any

from tests.provider_forms import XAI_CODE, Form, completion, error, finished

PASSED = {"filtered": False, "severity": "safe"}
FILTERED = {"filtered": True, "severity": "high"}
NO_RATING = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH", "blocked": False}
OVERDUE = "The request failed because your account has an overdue balance."
LITELLM = (
    "litellm.ContentPolicyViolationError: AzureException - The response was filtered due to the prompt triggering "
    "Azure OpenAI's content management policy. Set 'content_policy_fallback'"
)
ARK = "The input text includes sensitive content that violates ContentSecurityDetection."


def answered(**fields: Any) -> dict[str, Any]:
    """A completion that says ``REFUSAL``, with further fields of the body."""
    return {**finished("stop", "REFUSAL"), **fields}


def bare(message: str, code: int = 400) -> dict[str, Any]:
    """vLLM's error object."""
    return {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": code}


def google(message: str, status: str = "INVALID_ARGUMENT") -> list[dict[str, Any]]:
    """An error of Google's compatible layer."""
    return [{"error": {"code": 400, "message": message, "status": status}}]


# Answers that are whole, whatever is beside them.
ANSWERS: dict[str, dict[str, Any]] = {
    "MiniMax: no flag is set": answered(
        input_sensitive=False,
        output_sensitive=False,
        input_sensitive_type=0,
        output_sensitive_int=0,
        base_resp={"status_code": 0, "status_msg": "success"},
    ),
    "Azure: annotated": finished(
        "stop",
        "REFUSAL",
        content_filter_results={
            "hate": PASSED,
            "violence": {"filtered": False, "severity": "high"},
            "jailbreak": {"filtered": False, "detected": True},
        },
    ),
    "Azure: prompt annotated": answered(
        prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {"hate": PASSED}}]
    ),
    "Azure: the filter failed": finished(
        "stop",
        "REFUSAL",
        content_filter_results={
            "error": {"code": "content_filter_error", "message": "The contents are not filtered"},
        },
    ),
    "Gemini: rated": finished("stop", "REFUSAL", safety_ratings=[NO_RATING]),
    "Gemini: no reason to block": answered(promptFeedback={"blockReason": "BLOCK_REASON_UNSPECIFIED"}),
    "vLLM: a token ended it": finished("stop", "REFUSAL", stop_reason=128009),
    "a status of its own": answered(error={"message": None}, status="succeeded", code=0, msg="success"),
    **{
        f"an empty error: {json.dumps(value)}": answered(error=value)
        for value in (
            *({}, None, "", [], False, 0, "null"),
            {"message": None, "code": None, "type": None, "param": None},
            {"code": 0, "message": ""},
            {"code": 0, "message": "success"},
            {"error": {"code": None}},
        )
    },
    **{
        f"an empty error of the choice: {json.dumps(value)}": finished("stop", "REFUSAL", error=value)
        for value in ({}, None, {"message": None, "code": None}, {"code": 0})
    },
}

WITHHELD = [
    Form("MiniMax: output, beside an answer", "case", 200, answered(output_sensitive=True), ("output_sensitive",)),
    Form("MiniMax: input, beside an answer", "case", 200, answered(input_sensitive=True), ("input_sensitive",)),
    Form(
        "Azure: a category of the choice",
        "case",
        200,
        finished("stop", "REFUSAL", content_filter_results={"hate": PASSED, "violence": FILTERED}),
        ("filtered: violence",),
    ),
    Form(
        "Azure: a category of the prompt",
        "case",
        200,
        answered(prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {"hate": FILTERED}}]),
        ("filtered: hate",),
    ),
    Form(
        "Azure: a list of words",
        "case",
        200,
        finished("stop", "REFUSAL", content_filter_results={"custom_blocklists": [{"id": "mine", "filtered": True}]}),
        ("filtered: mine",),
    ),
    Form(
        "Azure: cut off and filtered",
        "case",
        200,
        finished("length", "REFUS", content_filter_results={"hate": FILTERED}),
        ("filtered: hate",),
    ),
    Form(
        "LiteLLM: what the provider said",
        "case",
        200,
        completion(
            {
                "finish_reason": "stop",
                "message": {
                    "content": "REFUSAL",
                    "provider_specific_fields": {"content_filter_results": {"hate": FILTERED}},
                },
            }
        ),
        ("filtered: hate",),
    ),
    Form(
        "Gemini: a rating that blocks",
        "case",
        200,
        finished("stop", "REFUSAL", safety_ratings=[{**NO_RATING, "blocked": True}]),
        ("HARM_CATEGORY_HARASSMENT",),
    ),
    Form(
        "Gemini: a reason beside an answer",
        "case",
        200,
        answered(promptFeedback={"blockReason": "SAFETY"}),
        ("SAFETY",),
    ),
    Form("Qianfan: the talk is over", "case", 200, answered(need_clear_history=True), ("need_clear_history",)),
    Form(
        "Bedrock: the reason beside a usual one",
        "case",
        200,
        finished("stop", "REFUSAL", stop_reason="guardrail_intervened"),
        ("guardrail_intervened",),
    ),
]

MODERATED = [
    Form("Volcengine: risk of the input", "case", 400, error(ARK, "InputTextRiskDetection", "BadRequest"), (ARK,)),
    Form("a router: its type alone", "case", 403, {"error": {"code": "403", "type": "safety_check_failed"}}, ("403",)),
    Form("MiniMax: 1027", "case", 200, {"base_resp": {"status_code": 1027, "status_msg": "output new_sensitive"}}, ()),
    Form("LiteLLM: 500", "case", 500, error(LITELLM, "500", "None"), ("content management policy",)),
    Form("a router: 500 by its text alone", "case", 500, error("sensitive_words_detected (request id: 1)"), ()),
    Form(
        "OpenRouter: 429 for another provider's filter",
        "case",
        429,
        {
            "error": {
                "code": 429,
                "message": "Provider returned error",
                "metadata": {"raw": json.dumps(error("x", "content_filter"))},
            }
        },
        ("Provider returned error",),
    ),
    Form("a user's prompt", "case", 400, error("The user prompt was blocked by our policy"), ("was blocked",)),
    Form(
        "a project's request",
        "case",
        403,
        error("Your project's request was blocked due to content policy"),
        ("content policy",),
    ),
]

PASSING = [
    Form("it warms up", "passing", 404, error("Model is warming up"), ("warming up",)),
    Form("it loads", "passing", 404, {"error": "Model x is currently loading"}, ("loading",)),
    Form("it loads, 400", "passing", 400, {"error": "model is loading"}, ("loading",)),
    Form("it is not ready", "passing", 404, {"detail": "model not ready"}, ("not ready",)),
    Form("it is away", "passing", 404, error("The model is temporarily unavailable"), ("temporarily",)),
    Form("it is away, 503", "passing", 503, error("Model x is not available", "model_not_available"), ("available",)),
    Form("it is cold", "passing", 412, error("cold start in progress"), ("cold start",)),
    Form("an engine of risks", "passing", 500, error("risk engine error: sensitive key missing"), ("risk engine",)),
    Form("moderation broke", "passing", 500, error("moderation request failed: connection refused"), ("refused",)),
    Form("moderation is away", "passing", 503, error("x", "moderation_unavailable"), ("x",)),
    Form("moderation is late", "passing", 503, error("It timed out", "content_filter_timeout"), ("timed out",)),
    Form("MiniMax: rate", "passing", 200, {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, ("rate",)),
    Form("an error beside an answer", "passing", 200, answered(error={"code": 502, "message": "Broke"}), ("Broke",)),
    Form("true is an error", "passing", 200, answered(error=True), ()),
]

FATAL = [
    Form("Volcengine: overdue", "fatal", 403, error(OVERDUE, "AccountOverdueError", "Forbidden"), ("credit",)),
    Form("Volcengine: overdue, 400", "fatal", 400, error(OVERDUE, "AccountOverdueError", "BadRequest"), ("credit",)),
    Form("Volcengine: overdue, 429", "fatal", 429, error("x", "AccountOverdueError"), ("credit",)),
    Form("overdue, by its words", "fatal", 400, error("Your account is overdue"), ("credit",)),
    Form("Alibaba: arrears", "fatal", 400, {"code": "Account.Arrearage", "message": "Please pay"}, ("credit",)),
    Form("OpenAI: billing", "fatal", 429, error("Your account is not active", "billing_not_active"), ("credit",)),
    Form("OpenAI: deactivated", "fatal", 401, error("x", "account_deactivated"), ("may not use this",)),
    Form("a workspace", "fatal", 402, {"detail": {"code": "deactivated_workspace"}}, ("may not use this",)),
    Form(
        "Fireworks: suspended", "fatal", 412, error("Account x is suspended, possibly due to its limit"), ("suspended",)
    ),
    Form(
        "Google: disabled",
        "fatal",
        403,
        error("This service has been disabled in this account for violation of Terms"),
        (),
    ),
    Form(
        "Zhipu: locked", "fatal", 429, {"error": {"code": "1112", "message": "您的账户已被锁定"}}, ("may not use this",)
    ),
    Form("MiniMax: key", "fatal", 200, {"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, ("key",)),
    Form(
        "MiniMax: parameter",
        "fatal",
        200,
        {"base_resp": {"status_code": 2013, "status_msg": "invalid params, temperature must be in (0, 1]"}},
        ("temperature: null",),
    ),
    Form("xAI: model", "fatal", 404, {"code": XAI_CODE, "error": "The model x does not exist"}, ("`model`",)),
    Form(
        "OpenRouter: no longer free",
        "fatal",
        404,
        error("This model is unavailable for free. Use this slug instead: x"),
        ("`model`",),
    ),
    Form("Bedrock: no such guardrail", "fatal", 404, error("Guardrail not found", "guardrail_not_found"), ()),
    Form("top_logprobs", "fatal", 400, error("top_logprobs must be <= 5"), ("logprobs: false",)),
    Form(
        "Mistral: top_logprobs",
        "fatal",
        422,
        {
            "detail": [
                {
                    "type": "less_than_equal",
                    "loc": ["body", "top_logprobs"],
                    "msg": "Input should be less than or equal to 5",
                }
            ]
        },
        ("logprobs: false",),
    ),
    Form(
        "vLLM: top_logprobs",
        "fatal",
        400,
        bare("Requested sample logprobs of 20, which is greater than max allowed: 5"),
        ("logprobs: false",),
    ),
    Form("vLLM: older", "fatal", 400, bare("Cannot request more than 5 logprobs."), ("logprobs: false",)),
    Form(
        "Qwen: top_logprobs",
        "fatal",
        400,
        error(
            "<400> InternalError.Algo.InvalidParameter: Range of top_logprobs should be [0, 5]",
            "invalid_parameter_error",
        ),
        ("logprobs: false",),
    ),
    Form(
        "OpenAI: its field alone",
        "fatal",
        400,
        error("Invalid value.", "integer_above_max_value", param="top_logprobs"),
        ("logprobs: false",),
    ),
    Form(
        "Gemini: logprobs",
        "fatal",
        400,
        google("Logprobs is not enabled for models/gemini-2.5-flash"),
        ("logprobs: false",),
    ),
    Form(
        "Together: logprobs",
        "fatal",
        422,
        error("Input validation error: logprobs must be less than or equal to 5", param="logprobs"),
        ("logprobs: false",),
    ),
    Form(
        "Kimi: temperature",
        "fatal",
        400,
        error("invalid temperature: only 1 is allowed for this model"),
        ("temperature: null",),
    ),
    Form(
        "Anthropic: temperature",
        "fatal",
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "temperature: range: 0..1"}},
        ("temperature: null",),
    ),
    Form(
        "Anthropic: limit",
        "fatal",
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens",
            },
        },
        ("`max_tokens`",),
    ),
    Form(
        "Gemini: seed",
        "fatal",
        400,
        google('Invalid JSON payload received. Unknown name "seed": Cannot find field.'),
        ("seed: null",),
    ),
    Form(
        "Groq: unsupported",
        "fatal",
        400,
        error("'logprobs' : property 'logprobs' is unsupported"),
        ("logprobs: false",),
    ),
    Form(
        "Qwen: thinking",
        "fatal",
        400,
        error("parameter.enable_thinking must be set to false for non-streaming calls", "invalid_parameter_error"),
        ("enable_thinking: false",),
    ),
    Form(
        "Qwen: streams only",
        "fatal",
        400,
        error("This model only support stream mode, please enable the stream parameter", "invalid_parameter_error"),
        ("ask another model",),
    ),
    Form("a system turn", "fatal", 400, error("System role is not permitted"), ("system message",)),
    Form("vLLM: a system turn", "fatal", 400, bare("System role not supported"), ("system message",)),
    Form(
        "vLLM: turns",
        "fatal",
        400,
        bare("Conversation roles must alternate user/assistant/user/assistant/..."),
        ("system message",),
    ),
    Form(
        "llama.cpp: a system turn",
        "fatal",
        500,
        error("Only user, assistant and tool roles are supported, got system. at row 189", 500, "server_error"),
        ("system message",),
    ),
    Form(
        "Gemini: a system turn",
        "fatal",
        400,
        google("Developer instruction is not enabled for models/gemma-3-27b-it"),
        ("system message",),
    ),
    Form(
        "Anthropic: a system turn",
        "fatal",
        400,
        error('messages: Unexpected role "system". The Messages API accepts a top-level `system`'),
        ("system message",),
    ),
    Form(
        "OpenAI: a system turn",
        "fatal",
        400,
        error(
            "Invalid value: 'system'. Supported values are: 'assistant' and 'user'.",
            "invalid_value",
            param="messages[0].role",
        ),
        ("system message",),
    ),
]

ONE_CASE = [
    Form(
        "MiniMax: too long",
        "case",
        200,
        {"base_resp": {"status_code": 2013, "status_msg": "invalid params, context window exceeds limit"}},
        ("too long",),
    ),
    Form(
        "Qwen: too long",
        "case",
        400,
        error("Range of input length should be [1, 30720]", "invalid_parameter_error"),
        ("too long",),
    ),
]

_WHOLE = [Form(name, "case", 200, body, ()) for name, body in ANSWERS.items()]
VARIANTS = {form.name: form for form in [*WITHHELD, *MODERATED, *PASSING, *FATAL, *ONE_CASE]}
assert len(VARIANTS) == len([*WITHHELD, *MODERATED, *PASSING, *FATAL, *ONE_CASE])
SENT = {form.name: form for form in [*VARIANTS.values(), *_WHOLE]}
