"""What providers send instead of an answer, each in its own form, and what has to follow from it.

Bodies are those of public reports and of the providers' pages (names of people, keys and traces left out). The forms of
one kind of fault differ in everything: the HTTP status, where the error is, what its fields are called.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Form:
    """One way of not answering.

    Attributes:
        name: provider and what happened.
        kind: what has to follow: `case`, `passing` or `fatal`.
        status: the HTTP status.
        body: the body: a JSON value, or a text that is sent as it is.
        says: a part of the provider's words that people must see; for a fatal one, of what to change as well.
        headers: further headers.
    """

    name: str
    kind: Literal["case", "passing", "fatal"]
    status: int
    body: Any
    says: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.body if isinstance(self.body, str) else json.dumps(self.body)


def completion(choice: Any, **fields: Any) -> dict[str, Any]:
    """A chat completion with this first choice."""
    head = {"id": "x", "object": "chat.completion", "created": 1, "model": "judge-1"}
    return {
        **head,
        "choices": [choice],
        "usage": {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9},
        **fields,
    }


def finished(reason: Any, content: Any = "", **fields: Any) -> dict[str, Any]:
    """A completion with this finish reason, and further fields of the choice."""
    message = {"role": "assistant", "content": content}
    return completion({"index": 0, "finish_reason": reason, "message": message, **fields})


def error(message: str, code: Any = None, type_: Any = "invalid_request_error", **fields: Any) -> dict[str, Any]:
    """OpenAI's error object."""
    return {"error": {"message": message, "type": type_, "param": None, "code": code, **fields}}


AZURE_FILTER = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
AZURE_RESULT = {"hate": {"filtered": False, "severity": "safe"}, "self_harm": {"filtered": True, "severity": "medium"}}
OPENAI_PROMPT = "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again"
ZHIPU = "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语，感谢您的配合。"
XAI_CODE = "The caller does not have permission to execute the specified operation"
XAI = "Content violates usage guidelines. Team: t, API key ID: k, Model: grok-4, Failed check: SAFETY_CHECK_TYPE_BIO"
QWEN = "Input data may contain inappropriate content."
KIMI = "The request was rejected because it was considered high risk"
GEMINI_429 = "You exceeded your current quota, please check your plan and billing details. Please retry in 0.01s."
DEEPSEEK_RAW = json.dumps(error("Content Exists Risk", "invalid_request_error"))
FINISH_LATER = "Could not finish the message because max_tokens or model output limit was reached. Please try again"

MODERATED = [
    Form(
        "DeepSeek: prompt", "case", 400, error("Content Exists Risk", "invalid_request_error"), ("Content Exists Risk",)
    ),
    Form("DeepSeek: prompt, as detail", "case", 400, {"detail": "Content Exists Risk"}, ("Content Exists Risk",)),
    Form(
        "Azure: prompt",
        "case",
        400,
        error(
            AZURE_FILTER,
            "content_filter",
            None,
            status=400,
            innererror={"code": "ResponsibleAIPolicyViolation", "content_filter_result": AZURE_RESULT},
        ),
        ("content management policy", "filtered: self_harm"),
    ),
    Form(
        "Azure: answer",
        "case",
        200,
        finished("content_filter", None, content_filter_results=AZURE_RESULT),
        ("content_filter", "filtered: self_harm"),
    ),
    Form(
        "OpenAI: prompt of a model that thinks", "case", 400, error(OPENAI_PROMPT, "invalid_prompt"), ("was flagged",)
    ),
    Form(
        "OpenAI: policy",
        "case",
        400,
        error("Rejected by our safety system", "content_policy_violation"),
        ("safety system",),
    ),
    Form("Qwen: input", "case", 400, error(QWEN, "data_inspection_failed", "data_inspection_failed"), (QWEN,)),
    Form(
        "Qwen: input, through the model's own server",
        "case",
        400,
        error("<400> InternalError.Algo.DataInspectionFailed: Input text data may contain inappropriate content."),
        ("DataInspectionFailed",),
    ),
    Form(
        "Qwen: native API", "case", 400, {"code": "DataInspectionFailed", "message": QWEN, "request_id": "r"}, (QWEN,)
    ),
    Form(
        "Tencent: wrapped",
        "case",
        200,
        {"Response": {"Error": {"Code": "FailedOperation.ContentRisk", "Message": "It has risk."}, "RequestId": "r"}},
        ("It has risk.",),
    ),
    Form("Zhipu: 1301", "case", 400, {"error": {"code": "1301", "message": ZHIPU}}, ("敏感内容",)),
    Form(
        "Zhipu: 1301, with the filter's levels",
        "case",
        400,
        {"contentFilter": [{"level": 1, "role": "user"}], "error": {"code": 1301, "message": ZHIPU}},
        ("敏感内容",),
    ),
    Form("Zhipu: answer", "case", 200, finished("sensitive"), ("sensitive",)),
    Form("xAI: 403", "case", 403, {"code": XAI_CODE, "error": XAI}, ("SAFETY_CHECK_TYPE_BIO",)),
    Form(
        "OpenRouter: 403 with what was flagged",
        "case",
        403,
        {
            "error": {
                "code": 403,
                "message": "openai/gpt-4o requires moderation on OpenAI. Your input was flagged",
                "metadata": {
                    "reasons": ["violence"],
                    "flagged_input": "a prompt about an invalid api key",
                    "provider_name": "OpenAI",
                },
            }
        },
        ("Your input was flagged", "violence"),
    ),
    Form(
        "OpenRouter: what another provider said",
        "case",
        400,
        {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": DEEPSEEK_RAW}}},
        ("Provider returned error", "Content Exists Risk"),
    ),
    Form(
        "OpenRouter: 403 with status 200",
        "case",
        200,
        {"error": {"code": 403, "message": "Your chosen model requires moderation and your input was flagged"}},
        ("HTTP 403", "your input was flagged"),
    ),
    Form(
        "OpenRouter: Google's reason beside its own",
        "case",
        200,
        finished("stop", "", native_finish_reason="PROHIBITED_CONTENT"),
        ("PROHIBITED_CONTENT",),
    ),
    Form(
        "OpenRouter: error in the choice",
        "case",
        200,
        finished("error", "", error={"code": 403, "message": "Request blocked by the provider's content filter"}),
        ("content filter",),
    ),
    Form(
        "Gemini: reason behind a colon",
        "case",
        200,
        finished("content_filter: PROHIBITED_CONTENT"),
        ("PROHIBITED_CONTENT",),
    ),
    Form("Gemini: SAFETY", "case", 200, finished("SAFETY"), ("SAFETY",)),
    Form(
        "Gemini: message without content",
        "case",
        200,
        completion({"finish_reason": "content_filter", "message": {}}),
        ("filter",),
    ),
    Form(
        "Gemini: no message",
        "case",
        200,
        completion({"index": 0, "finish_reason": "content_filter"}),
        ("content_filter",),
    ),
    Form("Gemini: no choices", "case", 200, completion(None, choices=[]), ("no choice",)),
    Form("Gemini: choices is null", "case", 200, completion(None, choices=None), ("no choice",)),
    Form(
        "Gemini: block reason",
        "case",
        200,
        {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}},
        ("PROHIBITED_CONTENT",),
    ),
    Form(
        "Gemini: block reason in a completion",
        "case",
        200,
        {**completion(None), "choices": [], "prompt_feedback": {"block_reason": "OTHER"}},
        ("OTHER",),
    ),
    Form(
        "Anthropic: refusal through a compatible layer",
        "case",
        200,
        finished(
            "refusal", "", stop_details={"type": "refusal", "category": "cyber", "explanation": "It is about attacks."}
        ),
        ("refusal", "It is about attacks."),
    ),
    Form("Anthropic: refusal as an empty answer", "case", 200, finished("stop", ""), ("the message is empty",)),
    Form(
        "Anthropic: blocked by its own policy",
        "case",
        400,
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "Output blocked by content filtering policy"},
        },
        ("content filtering policy",),
    ),
    Form(
        "Bedrock: guardrail with words of its own",
        "case",
        200,
        {**finished("stop", "REFUSAL"), "amazon-bedrock-guardrailAction": "INTERVENED"},
        ("guardrail",),
    ),
    Form("Bedrock: guardrail", "case", 200, finished("guardrail_intervened"), ("guardrail_intervened",)),
    Form(
        "Bedrock: content filtered",
        "case",
        200,
        finished("content_filtered", "Sorry, the model cannot answer this question."),
        ("content_filtered",),
    ),
    Form("Kimi: high risk", "case", 400, error(KIMI, 400, "content_filter", param="prompt"), (KIMI,)),
    Form(
        "Doubao: sensitive text",
        "case",
        400,
        error(
            "The request failed because the input text may contain sensitive information.",
            "InputTextSensitiveContentDetected",
        ),
        ("sensitive information",),
    ),
    Form(
        "MiniMax: 1026 with status 200",
        "case",
        200,
        {
            "choices": None,
            "base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"},
            "input_sensitive": True,
        },
        ("input new_sensitive",),
    ),
    Form("MiniMax: output", "case", 200, {**completion(None, choices=None), "output_sensitive": True}, ("moderated",)),
    Form(
        "StepFun: 451",
        "case",
        451,
        error("The content you provided or machine outputted is blocked.", "censorship_blocked"),
        ("is blocked",),
    ),
    Form(
        "Mistral: 403", "case", 403, {"message": "Request rejected by guardrail", "type": "guardrail"}, ("guardrail",)
    ),
    Form("Cohere: toxic", "case", 200, finished("ERROR_TOXIC"), ("ERROR_TOXIC",)),
    Form(
        "a router: 500 for a word list",
        "case",
        500,
        error("user sensitive words detected", "sensitive_words_detected"),
        ("words",),
    ),
    Form("unknown words, 400", "case", 400, error("Das geht so nicht."), ("HTTP 400", "Das geht so nicht.")),
    Form("unknown words, 403", "case", 403, {"message": "Non."}, ("HTTP 403", "Non.")),
    Form("unknown words, 422", "case", 422, "Nein", ("HTTP 422", "Nein")),
    Form("unknown finish reason", "case", 200, finished("zurückgehalten", "REFUSAL"), ("zurückgehalten",)),
]

ONE_CASE = [
    Form(
        "OpenAI: too long",
        "case",
        400,
        error("This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
        ("8192",),
    ),
    Form(
        "vLLM: too long with its answer",
        "case",
        400,
        {
            "object": "error",
            "message": "'max_tokens' or 'max_completion_tokens' is too large: 32. This model's maximum context length "
            "is 512 tokens and your request has 500 input tokens",
            "type": "BadRequestError",
            "code": 400,
        },
        ("maximum context length is 512",),
    ),
    Form(
        "Anthropic: too long", "case", 400, error("prompt is too long: 210000 tokens > 200000 maximum"), ("too long",)
    ),
    Form(
        "Groq: too large",
        "case",
        413,
        error("Request too large for model", "rate_limit_exceeded", "tokens"),
        ("too large",),
    ),
    Form(
        "OpenAI: the limit was used up by thinking",
        "case",
        400,
        error(FINISH_LATER),
        ("Could not finish", "`max_tokens`"),
    ),
    Form(
        "vLLM: nothing behind the thinking",
        "case",
        200,
        completion({"finish_reason": "stop", "message": {"content": None, "reasoning_content": "Let me see"}}),
        ("`max_tokens`",),
    ),
    Form(
        "Mistral: thoughts alone",
        "case",
        200,
        finished("stop", [{"type": "thinking", "thinking": [{"type": "text", "text": "REFUSAL"}]}]),
        ("`max_tokens`",),
    ),
    Form(
        "Groq: JSON that does not fit",
        "case",
        400,
        error(
            "Failed to generate JSON. See 'failed_generation'.",
            "json_validate_failed",
            failed_generation="invalid api key",
        ),
        ("Failed to generate JSON",),
    ),
    Form("Groq: parse", "case", 400, error("Parsing failed.", "output_parse_failed"), ("Parsing failed",)),
    Form("a tool is called", "case", 200, finished("tool_calls", None), ("tool_calls",)),
    Form("Gemini: a tool is called badly", "case", 200, finished("MALFORMED_FUNCTION_CALL"), ("MALFORMED",)),
]

PASSING = [
    Form("DeepSeek: busy", "passing", 200, finished("insufficient_system_resource", "REFUSAL"), ("insufficient",)),
    Form("Zhipu: network", "passing", 200, finished("network_error"), ("network_error",)),
    Form("vLLM: aborted", "passing", 200, finished("abort", "NON"), ("abort",)),
    Form("a part of an answer, then an error", "passing", 200, finished("error", "REFUSAL"), ("error",)),
    Form(
        "OpenRouter: error in the choice, passing",
        "passing",
        200,
        finished("error", "", error={"code": 502, "message": "Provider returned error"}),
        ("HTTP 502", "Provider returned error"),
    ),
    Form(
        "OpenRouter: 200 and 502",
        "passing",
        200,
        {"error": {"code": 502, "message": "Upstream is down"}},
        ("Upstream is down",),
    ),
    Form("an error without a code", "passing", 200, {"error": "engine died"}, ("engine died",)),
    Form(
        "RunPod: an error object",
        "passing",
        200,
        {"object": "error", "message": "engine is loading"},
        ("engine is loading",),
    ),
    Form(
        "Gemini: rate limit in a list",
        "passing",
        429,
        [{"error": {"code": 429, "message": GEMINI_429, "status": "RESOURCE_EXHAUSTED"}}],
        ("exceeded your current quota",),
    ),
    Form(
        "Anthropic: overloaded",
        "passing",
        529,
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        ("Overloaded",),
    ),
    Form(
        "moderation is down",
        "passing",
        503,
        error("The moderation service is temporarily unavailable"),
        ("unavailable",),
    ),
    Form("Bedrock: failed dependency", "passing", 424, {"message": "The model failed"}, ("The model failed",)),
    Form("a page instead of JSON", "passing", 200, "<html>Please wait</html>", ("malformed",)),
    Form(
        "an HTML error",
        "passing",
        502,
        "<html><title>Bad gateway</title><p>content policy</p></html>",
        ("Bad gateway",),
    ),
    Form("half an answer", "passing", 200, '{"choices": [{"message": {"cont', ("malformed",)),
    Form("nothing at all", "passing", 200, "", ("malformed",)),
]

FATAL = [
    Form(
        "OpenAI: wrong key",
        "fatal",
        401,
        error("Incorrect API key provided", "invalid_api_key"),
        ("Incorrect API key", "api_key_env"),
    ),
    Form(
        "Gemini: wrong key",
        "fatal",
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "API key not valid. Please pass a valid API key.",
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
        ("API key not valid", "api_key_env"),
    ),
    Form(
        "OpenAI: no credit",
        "fatal",
        429,
        error("You exceeded your current quota", "insufficient_quota"),
        ("current quota", "credit"),
    ),
    Form(
        "OpenRouter: no credit with status 200",
        "fatal",
        200,
        {"error": {"code": 402, "message": "Insufficient credits"}},
        ("HTTP 402",),
    ),
    Form(
        "DeepSeek: no credit",
        "fatal",
        402,
        error("Insufficient Balance", "invalid_request_error"),
        ("Insufficient Balance",),
    ),
    Form(
        "xAI: no credit",
        "fatal",
        403,
        {"code": XAI_CODE, "error": "Your team has used all available credits"},
        ("credits",),
    ),
    Form(
        "Qwen: arrears",
        "fatal",
        400,
        {"code": "Arrearage", "message": "make sure your account is in good standing"},
        ("standing",),
    ),
    Form(
        "Zhipu: no credit",
        "fatal",
        429,
        {"error": {"code": "1113", "message": "您的账户已欠费，请充值后重试。"}},
        ("欠费",),
    ),
    Form(
        "OpenAI: unknown model",
        "fatal",
        404,
        error("The model 'x' does not exist", "model_not_found"),
        ("does not exist", "`model`"),
    ),
    Form(
        "Mistral: unknown model",
        "fatal",
        400,
        {"message": "Invalid model: x", "code": "1500"},
        ("Invalid model", "`model`"),
    ),
    Form(
        "OpenRouter: nobody serves it, status 200",
        "fatal",
        200,
        {"error": {"code": 404, "message": "No endpoints found for x."}},
        ("No endpoints",),
    ),
    Form(
        "Azure: no deployment",
        "fatal",
        404,
        error("The API deployment does not exist.", "DeploymentNotFound"),
        ("deployment",),
    ),
    Form(
        "OpenAI: temperature",
        "fatal",
        400,
        error("Unsupported value: 'temperature' does not support 0.0 with this model.", "unsupported_value"),
        ("'temperature'", "temperature: null"),
    ),
    Form(
        "OpenAI: older name of the limit",
        "fatal",
        400,
        error(
            "Unsupported parameter: 'max_tokens' is not supported with it. Use 'max_completion_tokens' instead.",
            "unsupported_parameter",
        ),
        ("token_limit: max_completion_tokens",),
    ),
    Form(
        "Mistral: newer name of the limit",
        "fatal",
        422,
        {
            "detail": [
                {
                    "type": "extra_forbidden",
                    "loc": ["body", "max_completion_tokens"],
                    "msg": "Extra inputs are not permitted",
                }
            ]
        },
        ("max_completion_tokens", "token_limit: max_tokens"),
    ),
    Form(
        "OpenAI: country",
        "fatal",
        403,
        error("Country, region, or territory not supported", "unsupported_country_region_territory"),
        ("Country",),
    ),
    Form(
        "OpenAI: account",
        "fatal",
        403,
        error("The account associated with this key has been deactivated", "account_deactivated"),
        ("deactivated",),
    ),
    Form(
        "not the address of an API", "fatal", 405, {"detail": "Method Not Allowed"}, ("Method Not Allowed", "base_url")
    ),
]

FORMS = {form.name: form for form in [*MODERATED, *ONE_CASE, *PASSING, *FATAL]}
assert len(FORMS) == len([*MODERATED, *ONE_CASE, *PASSING, *FATAL])
