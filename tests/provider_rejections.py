"""Further rejections of what ``provider_forms`` holds: those that stop a job, and those that are of one case."""

from typing import Any

from tests.provider_forms import XAI_CODE, Form, error

OVERDUE = "The request failed because your account has an overdue balance."


def bare(message: str, code: int = 400) -> dict[str, Any]:
    """vLLM's error object."""
    return {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": code}


def google(message: str, status: str = "INVALID_ARGUMENT") -> list[dict[str, Any]]:
    """An error of Google's compatible layer."""
    return [{"error": {"code": 400, "message": message, "status": status}}]


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
    Form(
        "Tencent: key",
        "fatal",
        200,
        {"Response": {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "Not validated"}}},
        ("key",),
    ),
    Form("iFlytek: key", "fatal", 200, {"code": 11200, "message": "licc failed"}, ("key",)),
    Form("NIM: key", "fatal", 403, {"title": "Forbidden", "detail": "Authorization failed"}, ("key",)),
    Form(
        "SiliconFlow: balance",
        "fatal",
        403,
        {"code": 30001, "message": "Your account balance is insufficient"},
        ("credit",),
    ),
    Form(
        "Novita: balance", "fatal", 403, {"reason": "NOT_ENOUGH_BALANCE", "message": "not enough balance"}, ("credit",)
    ),
    Form("LiteLLM: budget", "fatal", 400, error("Budget has been exceeded!", "400", "budget_exceeded"), ("credit",)),
    Form("DeepInfra: no card", "fatal", 403, error("inference prohibited, please enter a payment method"), ("credit",)),
    Form("Groq: restricted", "fatal", 400, error("Please reach out", "organization_restricted"), ("may not use this",)),
    Form(
        "Volcengine: not open", "fatal", 400, error("You have not activated the model x", "ModelNotOpen"), ("`model`",)
    ),
    Form("a stream", "fatal", 200, 'data: {"choices": []}\n\ndata: [DONE]\n\n', ("streams", "base_url")),
    Form(
        "Ollama: its own API",
        "fatal",
        200,
        {"message": {"role": "assistant", "content": "x"}, "done": True},
        ("base_url",),
    ),
    Form("Anthropic: its own API", "fatal", 200, {"type": "message", "content": [{"text": "x"}]}, ("base_url",)),
    Form(
        "DashScope: its own API", "fatal", 200, {"output": {"text": "x"}, "request_id": "r"}, ("'output'", "base_url")
    ),
    Form("TGI: its own API", "fatal", 200, [{"generated_text": "x"}], ("'generated_text'", "base_url")),
    Form("it always thinks", "fatal", 400, error("Thinking cannot be disabled for this model"), ()),
    Form(
        "one temperature", "fatal", 400, bare("Only temperature=1 is supported for this model"), ("temperature: null",)
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
    Form("new-api: quota", "fatal", 403, error("用户额度不足", "insufficient_user_quota"), ("credit",)),
    Form(
        "watsonx: quota",
        "fatal",
        403,
        {"errors": [{"code": "token_quota_reached", "message": "No"}], "status_code": 403},
        ("credit",),
    ),
    Form(
        "Qwen: key with status 200", "fatal", 200, {"code": "InvalidApiKey", "message": "Invalid API-key provided."}, ()
    ),
    Form("Baidu: key", "fatal", 200, {"error_code": 110, "error_msg": "Access token invalid"}, ("api_key_env",)),
    Form(
        "Gemini: a key that leaked",
        "fatal",
        403,
        google("Your API key was reported as leaked. Please use another API key.", "PERMISSION_DENIED"),
        ("api_key_env",),
    ),
    Form(
        "Bedrock: no access to the model",
        "fatal",
        403,
        {"message": "You don't have access to the model with the specified model ID."},
        ("`model`",),
    ),
    Form(
        "a router: nobody has the model",
        "fatal",
        400,
        error("The requested model 'x' is not supported by any provider", "model_not_supported"),
        ("`model`",),
    ),
    Form(
        "OpenAI: logprobs of models that reason",
        "fatal",
        400,
        error("logprobs are not supported with reasoning models."),
        ("logprobs: false",),
    ),
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
        "llama.cpp: too long, 500",
        "case",
        500,
        error("input is too large to process. increase the batch"),
        ("too long",),
    ),
    Form(
        "TGI: too long", "case", 422, {"error": "`inputs` must have less than 1024 tokens. Given: 2000"}, ("too long",)
    ),
    Form(
        "Gemini: too long", "case", 400, google("The input token count (40) exceeds the maximum (32)."), ("too long",)
    ),
    Form("Bedrock: too long", "case", 400, {"message": "expected maxLength: 2048, actual: 5000"}, ("too long",)),
    Form(
        "Baidu: too long", "case", 200, {"error_code": 336, "error_msg": "the max input characters is 9"}, ("too long",)
    ),
    Form(
        "TGI: too long with its answer",
        "case",
        422,
        {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"},
        ("too long",),
    ),
    Form("vLLM: no room for an answer", "case", 400, bare("max_tokens must be at least 1, got -52."), ("too long",)),
    Form(
        "Anthropic: too long with its answer",
        "case",
        400,
        error("input length and `max_tokens` exceed context limit: 199000 + 2000 > 200000"),
        ("too long",),
    ),
    Form(
        "Groq: too long", "case", 400, error("Please reduce the length of the messages or completion."), ("too long",)
    ),
    Form("bad JSON", "case", 400, error("Invalid token at position 3 of the JSON body"), ("Invalid token",)),
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
