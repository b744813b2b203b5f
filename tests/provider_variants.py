"""Further wordings, statuses and marks of what ``provider_forms`` holds, and answers that look like faults.

They are read one by one, by the real client over HTTP; a whole judge meets those of ``provider_forms``.
"""

import json
from typing import Any

from tests.provider_forms import Form, completion, error, finished
from tests.provider_rejections import FATAL, ONE_CASE

PASSED = {"filtered": False, "severity": "safe"}
FILTERED = {"filtered": True, "severity": "high"}
NO_RATING = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH", "blocked": False}
LITELLM = (
    "litellm.ContentPolicyViolationError: AzureException - The response was filtered due to the prompt triggering "
    "Azure OpenAI's content management policy. Set 'content_policy_fallback'"
)
ARK = "The input text includes sensitive content that violates ContentSecurityDetection."


def answered(**fields: Any) -> dict[str, Any]:
    """A completion that says ``REFUSAL``, with further fields of the body."""
    return {**finished("stop", "REFUSAL"), **fields}


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
    "MiniMax: 0 as a text": answered(base_resp={"status_code": "0", "status_msg": "success"}),
    "Portkey: looked at": answered(hook_results={"before_request_hooks": [{"verdict": False}]}),
    "Qianfan: normal": finished("normal", "REFUSAL"),
    "no reason": finished(None, "REFUSAL"),
    "a token's name": finished("<|im_end|>", "REFUSAL"),
    "a part with a value": finished("stop", [{"type": "text", "text": {"value": "REFUSAL", "annotations": []}}]),
    "null as a text": finished("null", "REFUSAL"),
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
    Form("Gemini: armor", "case", 200, finished("MODEL_ARMOR"), ("MODEL_ARMOR",)),
    Form("Spark: 10013", "case", 200, {"code": 10013, "message": "输入内容审核不通过，涉嫌违规"}, ("违规",)),
    Form(
        "Cloudflare: 424",
        "case",
        424,
        {"success": False, "error": [{"code": 2016, "message": "Prompt blocked due to security configurations"}]},
        ("security configurations",),
    ),
    Form(
        "Portkey: 446",
        "case",
        446,
        error("The guardrail checks defined in the config failed.", None, "hooks_failed"),
        ("guardrail checks",),
    ),
    Form(
        "Databricks: words in the words",
        "case",
        400,
        {
            "error_code": "BAD_REQUEST",
            "message": json.dumps(
                {"input_guardrail": [{"flagged": True}], "finishReason": "input_guardrail_triggered"}
            ),
        },
        ("input_guardrail_triggered",),
    ),
    Form("LiteLLM: injection", "case", 400, error("prompt_injection detected"), ("prompt_injection",)),
    Form("Cohere: blocked output", "case", 422, {"message": "blocked output: potentially unsafe"}, ("unsafe",)),
    Form("iFlytek: in the header", "case", 200, {"header": {"code": 10013, "message": "违禁", "status": 2}}, ("违禁",)),
    Form("iFlytek: audit", "case", 200, {"code": 10014, "message": "output audit failed", "sid": "x"}, ("audit",)),
    Form("Cohere: blocked, without a reason", "case", 400, {"message": "blocked output: please adjust"}, ("blocked",)),
    Form("GigaChat: a list of words", "case", 200, finished("blacklist"), ("blacklist",)),
    Form("Bedrock: 424 of a filter", "case", 424, {"message": "The model failed: content filtered"}, ("filtered",)),
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
    Form("an engine is full", "passing", 429, error("Rate limit exceeded: free-models-per-day", 429), ("per-day",)),
    Form(
        "Baidu: a day's requests",
        "passing",
        200,
        {"error_code": 17, "error_msg": "Open api daily request limit reached"},
        ("daily request limit",),
    ),
    Form(
        "Tencent: rate",
        "passing",
        200,
        {"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "Request limit exceeded"}}},
        ("limit exceeded",),
    ),
    Form(
        "OpenAI: nothing usable", "passing", 500, error("The model produced invalid content.", None, "model_error"), ()
    ),
    Form("true is an error", "passing", 200, answered(error=True), ()),
]

_WHOLE = [Form(name, "case", 200, body, ()) for name, body in ANSWERS.items()]
VARIANTS = {form.name: form for form in [*WITHHELD, *MODERATED, *PASSING, *FATAL, *ONE_CASE]}
assert len(VARIANTS) == len([*WITHHELD, *MODERATED, *PASSING, *FATAL, *ONE_CASE])
SENT = {form.name: form for form in [*VARIANTS.values(), *_WHOLE]}
