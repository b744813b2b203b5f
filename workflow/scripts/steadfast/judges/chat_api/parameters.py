"""Which key of a judge to change where a provider does not support what is sent."""

import re

# Patterns of a provider's words, and the key that sends the parameter. The first that is found counts.
_KEYS = (
    (r"temperature", "`temperature: null` sends none"),
    (r"max_completion_tokens\W.{0,60}\binstead\b|use \W?max_completion_tokens", "`token_limit: max_completion_tokens`"),
    (r"max_completion_tokens", "`token_limit: max_tokens`, for endpoints that know the older name"),
    (r"max_tokens", "`token_limit: max_completion_tokens`, or a smaller `max_tokens`"),
    (r"top_p", "`top_p: null` sends none"),
    (r"\bseed\b", "`seed: null` sends none"),
    (r"reasoning", "`reasoning_effort: null` sends none"),
    (r"logprobs", "`logprobs: false` asks for none"),
    (r"response_format|json_schema|structured_outputs|guided", "`output: auto` finds out what the endpoint can do"),
    (r"chat_template", "remove `template_arguments`, which vLLM alone knows"),
    (r"\bsystem\b|\brole\b", "write the template without a system message"),
)
_OTHERWISE = "it comes from `extra_body`, or from a key of the judge with its name"


def advice_on_parameter(words: str) -> str:
    """What to change in the configuration, from a provider's words about a parameter."""
    return next((advice for pattern, advice in _KEYS if re.search(pattern, words, re.IGNORECASE)), _OTHERWISE)
