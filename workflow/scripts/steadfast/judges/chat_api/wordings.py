"""Statuses, codes and words shared by several rules of the fault table."""

REJECTED = frozenset({400, 403, 413, 422})
CLIENT_ERRORS = frozenset(range(400, 500))
SERVER_ERRORS = frozenset(range(500, 600)) - {501}
# Statuses of temporary faults.
PASSING = frozenset({408, 409, 423, 424, 425, 429, 498, 499}) | SERVER_ERRORS
TEMPORARY = ("unavailable", "overload", r"time[ -]?out|timed out", "try again later", "temporar", r"rate.?limit")
# A model or server that is not ready yet, with any status.
STARTING = (
    r"\b(?:warm|start|spin|boot|scal|wak)ing[ -]?up\b|\bcold[ -]?start",
    r"\b(?:is|still|currently|now|being) (?:being )?(?:loading|initiali[sz]ing|starting|deploying|provisioning)\b",
    r"\bbeing (?:loaded|initiali[sz]ed|started|deployed|provisioned|restarted)\b",
    r"\b(?:loading|initiali[sz]ing|starting|deploying) (?:the )?(?:model|engine|server|weights)\b",
    r"\bnot (?:yet )?(?:ready|loaded yet|initiali[sz]ed)\b|\bhas not (?:been )?(?:loaded|started) yet\b",
)
MODERATION_CODES = (
    "content(?:filter|polic|management|moderation|safety|security|blocked|violat|risk)",
    "datainspection|inappropriate|sensitive|censor|moderation|moderated|guardrail|jailbreak|riskcontrol|injection",
    "responsibleai|policyviolation|usagepolicy|safety(?:check|violat|filter|block)|riskdetect",
    "(?:prohibited|unsafe|harmful|restricted|unsupported|disallowed)content$",
    "(?:prompt|input|output|content)(?:blocked|flagged|rejected)",
    "^(?:safety|refusal|flagged|blocked|blocklist|spii|recitation|invalidprompt|1301|1026|1027|2016|2017)$",
    "^100(?:13|14|19)$",
)
# Unavailable moderation, as opposed to moderated content.
NO_MODERATION_CODES = (
    "unavailable|overload|timeout|ratelimit|temporar|quota|casesensitive|misconfig|disabled",
    "not(?:found|exist|enabled|configured|ready|supported)",
)
BROKEN_MODERATION_CODES = (
    *NO_MODERATION_CODES,
    "(?:filter|moderation|safety|guardrail)(?:service|system|check)?(?:error|fail)",
)
# A prompt that is too long for the model.
TOO_LONG_TEXTS = (
    "context.?length|context window|maximum (?:input|context|prompt)|max(?:imum)? input characters",
    r"(?:prompt|input|message|request|text)s?\b[^.]{0,60}\btoo (?:long|large)",
    r"too many (?:input )?tokens|range of input length|reduce the length|expected maxlength",
    r"\binputs?\W{0,2} (?:tokens? )?\+ \W?max_|\bmax_\w*tokens\W? must be at least 1, got -?\d",
    r"\binputs?\W{0,2} must have (?:less|fewer) than",
    r"\b(?:input|prompt) tokens? (?:limit exceeded|count \(\d+\) exceeds)",
    "exceeds? [^.]{0,60}(?:input|context) (?:token|length|limit|size)",
)
# Words that always indicate moderation.
SURELY_MODERATED = (
    "content (?:was |is )?filtered",
    "content[ _-]?policy[ _-]?violation|responsible[ _]?ai[ _]?policy|data[ _-]?inspection[ _-]?failed",
    "sensitive[ _]?(?:words?|content)[ _]?detected|content[ _]management policy|risk[ _]?detection",
    r"\b(?:prompt|input|content|output|request|response|completion|message|text)s? "
    r"(?:is|was|were|has been|have been|got) (?:blocked|flagged|filtered|refused|withheld|rejected) "
    r"(?:because|due|as|by)\b[^.]{0,60}(?:polic|safety|content|filter|moderat|guideline|harm|risk)",
)
