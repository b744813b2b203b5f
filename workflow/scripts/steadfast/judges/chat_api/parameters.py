"""Request parameters, providers' messages about them, and the config key to change."""

import re

# Parameters whose name is not a common word.
_NAMES = (
    "temperature|top_[pk]|top_?logprobs|log_?probs|max_(?:completion_|new_|output_)?tokens|response_format|json_schema"
    "|reasoning_effort|structured_outputs|guided_choice|chat_template_kwargs|enable_thinking|thinking_budget|top_n_tokens"
)
PARAMETER = re.compile(rf"(?:^|[./ ])({_NAMES}|seed)\Z", re.IGNORECASE)
_BOUND = (
    "must|should|has to|needs? to|may only|range|between|at most|at least|maximum|minimum"
    "|(?:less|greater|larger|smaller|more) than|exceed|above|below|out of|invalid|incorrect|expected|required"
    "|too (?:large|small|high|low|big)|(?:not|never) (?:be |valid|allowed|permitted|enabled|available|accepted"
    r"|recogni[sz]ed|in\b)|cannot|can't|[<>≤≥]=?"
)
# A rejected value: the name of a parameter, with a bound or an error on either side.
VALUES = (
    rf"\b(?:{_NAMES})\b.{{0,80}}?(?:{_BOUND})",
    rf"(?:invalid|illegal|incorrect|wrong|bad|range of|(?:more|greater|larger) than|value of|unexpected|no field"
    rf"|propert(?:y|ies)|parameter|argument)\b[^.]{{0,60}}?\b(?:{_NAMES})\b",
    r"request(?:ed)? [^.]{0,40}\blogprobs\b",
    r"\bparameter\.\w+",
    r"\bseed\b\W{0,3} (?:must|should|is|has to)\b",
)
# Roles that the model's chat template rejects; some servers report them with HTTP 500.
ROLES = (
    r"\b(?:system|developer)\W{0,2} ?(?:role|message|prompt|instruction|turn)s?\b[^.]{0,40}"
    r"(?:\bnot\b|n't\b|\bun(?:supported|expected|known|recogni[sz]ed)\b)",
    r"(?:unexpected|unsupported|invalid|unknown|unrecogni[sz]ed)\b[^.]{0,30}\brole\b",
    r"\brole\b\W{1,4}(?:system|developer)\b[^.]{0,40}(?:\bnot\b|n't\b)",
    r"\b(?:only )?[^.]{0,40}\broles? (?:are|is) (?:supported|allowed)|\broles must alternate\b",
    r"invalid value:? \W?(?:system|developer)\b|\bsystem_?message_?error\b",
)
# Patterns of a provider's words, and the config key of the parameter. The first match is used.
_KEYS = (
    (r"temperature", "`temperature: null` sends none"),
    (r"max_completion_tokens\W.{0,60}\binstead\b|use \W?max_completion_tokens", "`token_limit: max_completion_tokens`"),
    (r"max_completion_tokens", "`token_limit: max_tokens`, for endpoints that know the older name"),
    (r"max_(?:new_|output_)?tokens", "`token_limit: max_completion_tokens`, or another `max_tokens`"),
    (r"top_p", "`top_p: null` sends none"),
    (r"\bseed\b", "`seed: null` sends none"),
    (r"reasoning_effort", "`reasoning_effort: null` sends none"),
    (r"log_?probs|top_n_tokens", "`logprobs: false` asks for none, `extra_body: {top_logprobs: 5}` for fewer"),
    (r"response_format|json_schema|structured_outputs|guided", "`output: auto` finds out what the endpoint can do"),
    (r"chat_template", "remove `template_arguments`, which vLLM alone knows"),
    (r"enable_thinking|thinking_budget", "`extra_body: {enable_thinking: false}`, or a model that does not think"),
    (r"\bsystem\b|\bdeveloper\b|\broles?\b", "write the template at `prompt` without a system message"),
    (r"reasoning", "`reasoning_effort: null` sends none"),
    (r"\bstream", "ask another model: answers are asked for whole"),
)
_OTHERWISE = "it comes from `extra_body`, or from a key of the judge with its name"


def advice_on_parameter(words: str) -> str:
    """Advice on the configuration, from a provider's words about a parameter."""
    return next((advice for pattern, advice in _KEYS if re.search(pattern, words, re.IGNORECASE)), _OTHERWISE)


def known_parameter(name: str) -> str:
    """The parameter named in a field of an error, if judges send it; otherwise empty."""
    found = PARAMETER.search(name)
    return found.group(1) if found else ""
