"""The fault table: from a provider's status, codes and words to a kind of fault.

A code of a decisive rule is matched before any status, since providers report moderation with nearly every status.
Otherwise the first matching rule decides. Nearly every wording is used by a provider; `tests/provider_forms.py` has
their replies. A new wording is one more line in its rule. A rejection without a matching rule is attributed to the
case, with ``sure`` False.
"""

from steadfast.judges.chat_api.fault_rules import ErrorReply, Matched, Rule
from steadfast.judges.chat_api.faults import Fault
from steadfast.judges.chat_api.parameters import ROLES, VALUES, advice_on_parameter
from steadfast.judges.chat_api.wordings import (
    BROKEN_MODERATION_CODES,
    CLIENT_ERRORS,
    MODERATION_CODES,
    NO_MODERATION_CODES,
    PASSING,
    REJECTED,
    SERVER_ERRORS,
    STARTING,
    SURELY_MODERATED,
    TEMPORARY,
    TOO_LONG_TEXTS,
)

BLOCKED_ACCOUNT = "the account may not use this"
NO_CREDIT = "the account has no credit left"
WRONG_KEY = "the key is not accepted"
UNKNOWN_MODEL = "the model is not known"
MODERATED = "moderated by the provider"
TOO_LONG = "too long for the model"
UNFINISHED = "the output limit was used up before the answer"
FAILED_GENERATION = "the provider could not use what its model wrote"
UNSUPPORTED_PARAMETER = "a parameter is not supported"
WRONG_ADDRESS = "the address is not that of a chat API"
OTHER_MODEL = "another model answered"
EMPTY = "the provider returned no answer"
UPSTREAM = "the provider failed"
UNKNOWN = ""

RULES = (
    Rule(
        BLOCKED_ACCOUNT,
        "fatal",
        codes=(
            "deactivated|^accessterminated|unsupportedcountry|^11(?:10|12|21)$",
            "(?:account|organi[sz]ation|workspace|team|project)(?:is|was)?"
            "(?:restricted|suspended|disabled|locked|frozen|inactive|notactive|banned|terminated|blocked|closed)",
        ),
        texts=(
            r"\b(?:account|organi[sz]ation|project|team|workspace|access|key)\b"
            r"(?:(?!prompt|content|input|output|request|message|response)[^.]){0,60}?\b(?:is|was|has been|have been) "
            r"(?:deactivated|restricted|suspended|disabled|terminated|banned|revoked|blocked|locked|frozen|inactive|closed)",
            r"\b(?:service|api)\b[^.]{0,20} (?:is|has been) (?:disabled|suspended)\b[^.]{0,20}\b(?:account|project)",
            r"(?:country|region|territory|location)\b[^.]{0,40}\bnot (?:supported|available|allowed)",
            r"(?:unsupported|restricted|flagged) (?:country|region|territory|account)",
            "(?:organi[sz]ation|workspace|admin(?:istrator)?)(?:'s)? polic",
        ),
        decisive=True,
    ),
    Rule(
        NO_CREDIT,
        "fatal",
        status=frozenset({402}),
        codes=(
            r"^insufficient\w*quota|^billing|arrear|overdue|pastdue|unpaid|paymentrequired|insufficient(?:balance|credit)",
            "^exceededcurrentquota|^tokenquotareached|quotaexhausted|chargeresource|^1113$|^1008$",
            "notenough(?:balance|credit|fund|money)|budgetexceeded|exceededbudget|outof(?:credit|balance)",
        ),
        texts=(
            "insufficient (?:account )?(?:balance|credits?|funds)",
            "credit balance is too low",
            "(?:out of|no|requires? more) credits",
            r"\bbalance (?:is )?(?:insufficient|exhausted|too low|not enough)",
            "not enough (?:account )?(?:balance|credit|fund)",
            r"exceededbudget|\bover budget|max(?:imum)? budget\b|\bpayment method\b",
            r"used up [^.]{0,40}\b(?:allocation|allowance|quota|credits?)\b",
            r"(?:used|exhausted) all [^.]{0,40}credits?",
            "(?:spending|billing) (?:hard )?limit|key limit exceeded",
            r"in good standing|\bin arrears?\b|\b(?:over|past[ -]?)due\b|\bunpaid\b|payment (?:is )?required",
            r"\b(?:account|billing) (?:is|has|was) not (?:been )?(?:active|enabled|activated)\b",
            "(?:余额|额度|配额)不足|欠费|充值",
        ),
        advice="fill the account, or ask another provider",
        decisive=True,
    ),
    Rule(
        WRONG_KEY,
        "fatal",
        status=frozenset({401, 407}),
        codes=(
            "^(?:invalid|incorrect|missing|expired)x?(?:api)?key",
            "^authentication|^authfail|^invalidauth|^unauth|^1004$|^2049$|^11200$",
        ),
        texts=(
            "(?:incorrect|invalid|missing|expired|wrong|no) (?:x-)?api.?key",
            r"api.?key\b[^.]{0,20}(?:not valid|invalid|expired|incorrect|not found|required)",
            r"no auth credentials|login fail|use another api.?key|\bkey [^.]{0,30}\bleaked",
            "(?:authentication|authori[sz]ation) (?:failed|required|fails)|missing authentication token|^licc failed",
            r"invalid (?:credentials|bearer|(?:access |auth(?:entication)? )?token\b(?! at))",
            "token (?:is )?(?:invalid|expired|no longer valid)",
            "身份验证|令牌",
        ),
        advice="`api_key_env` names the environment variable that holds the key",
    ),
    Rule(
        UPSTREAM,
        "passing",
        texts=(*STARTING, r"try again later|\b(?:temporarily|currently|momentarily) (?:un\w+|over\w+|down)\b"),
        within=frozenset({404, 410}),
    ),
    Rule(UPSTREAM, "passing", texts=STARTING, within=REJECTED | {406, 412, 418}),
    Rule(
        UNKNOWN_MODEL,
        "fatal",
        codes=(
            "^(?:model|deployment)not(?:found|exist|available|supported|open|activ|deploy)",
            "^(?:unknown|invalid)model",
            "^1211$",
        ),
        within=CLIENT_ERRORS - {408, 425, 429},
        decisive=True,
    ),
    Rule(
        MODERATED,
        "case",
        status=frozenset({451}),
        codes=MODERATION_CODES,
        within=CLIENT_ERRORS - PASSING,
        not_codes=NO_MODERATION_CODES,
        decisive=True,
    ),
    Rule(
        MODERATED,
        "case",
        codes=MODERATION_CODES,
        within=PASSING,
        unless=TEMPORARY,
        not_codes=BROKEN_MODERATION_CODES,
        decisive=True,
    ),
    Rule(
        UNKNOWN_MODEL,
        "fatal",
        status=frozenset({404, 410}),
        texts=(
            r"\bmodel\b[^.]{0,120}?(?:(?:does not|doesn't|not) exist|not found)",
            r"(?:unknown|invalid|no such) model\b|not a valid model|model identifier is invalid|decommissioned",
            r"no (?:allowed |available )?(?:endpoints|providers)\b",
            "模型不存在",
        ),
        advice="`model` is its name at `base_url`",
    ),
    Rule(
        UNKNOWN_MODEL,
        "fatal",
        texts=(
            r"\bmodel\b[^.]{0,120}?(?:is|was) not available|\bno access to (?:the |this )?model\b",
            r"\b(?:do not|don't|does not|doesn't) have access to (?:the |this )?model\b",
            r"\bmodel\b\W{0,3}[\w./:-]*\W{0,3} (?:is|was) not supported by any",
            r"\bnot (?:activated|enabled|opened) (?:the |this )?model\b",
        ),
        within=REJECTED,
        unless=TEMPORARY,
        advice="`model` is its name at `base_url`",
    ),
    Rule(
        MODERATED,
        "case",
        texts=(
            "content[ _-]?(?:filter|polic|management|moderation|safety|security|exists? risk|guideline|violat)",
            "(?:usage|safety|community|acceptable[ -]use|harm)[ _-](?:polic|guideline|filter|system|setting|check"
            "|reason|concern|classif|standard|rule|block)",
            r"(?:violat|breach)\w*[^.]{0,60}(?:polic|guideline|terms|rules|standards|\blaws?\b)",
            r"inappropriate|\bunsafe\b|\bharmful\b|\b(?:un)?flagged\b|\bmoderat(?:ed|ion|or)|guardrail|censor|jailbreak",
            r"(?<!case[- ])sensitive|dangerous|harm_category|polic(?:y|ies) (?:violation|block)|due to [^.]{0,40}polic",
            r"(?:high|considered|security|safety|content)[ -]risk\b|risk control|prompt[ _-]injection|\bnsfw\b",
            r"hate speech|self[- ]harm|profanity|\bpii (?:was )?(?:detected|entit)",
            "(?:content|text|input|prompt) (?:is|contains) (?:illegal|prohibited|forbidden|not allowed)",
            "(?:prohibited|disallowed|forbidden|illegal|objectionable|offensive|explicit|toxic)[ _]"
            "(?:content|material|topic|word|text|input)",
            r"(?:content|prompt|input|output|request|response|message|text|completion|generation)s? "
            r"(?:is|was|were|has been|have been|got|may be) "
            r"(?:blocked|filtered|refused|withheld|rejected (?:because|due|as|by))",
            r"blocked by [^.]{0,40}(?:safety|content|polic|filter|provider)|block_?reason",
            "responsible[ _]?ai|against (?:our|the) (?:polic|rules|guidelines|terms)",
            r"\b(?:blocked (?:input|output|prompt|content)|(?:input|output|prompt|content) blocked)\b",
            r"\baudit (?:has |was )?(?:failed|rejected|not passed)|suspected violation",
            r"(?:fail|reject)\w* [^.]{0,20}\baudit",
            "敏感|不安全|违规|违禁|涉嫌|违法|不合规|不当|风险|审核|内容安全|安全策略|风控",
        ),
        within=CLIENT_ERRORS - PASSING - {401, 402, 404, 405, 407, 410},
        unless=TEMPORARY,
    ),
    Rule(MODERATED, "case", texts=SURELY_MODERATED, within=PASSING, unless=TEMPORARY),
    # Attributed to the case if retries fail: the moderation itself may be broken.
    Rule(
        UPSTREAM,
        "passing",
        texts=(r"moderat|sensitive|guardrail|content[ _-]?(?:filter|polic|safety)|\brisk\b|敏感|风险|审核|风控",),
        within=SERVER_ERRORS,
        unless=TEMPORARY,
        generation=True,
    ),
    Rule(
        TOO_LONG,
        "case",
        status=frozenset({413}),
        codes=("contextlength", "contextwindow", "stringabovemaxlength", "stringtoolong", "^1261$", "requesttoolarge"),
        texts=TOO_LONG_TEXTS,
        within=REJECTED,
    ),
    # Some servers repeatedly report this with an error status.
    Rule(TOO_LONG, "case", texts=TOO_LONG_TEXTS, within=frozenset({500}), unless=TEMPORARY),
    # A failed generation may succeed when retried; if it never does, it is attributed to the case.
    Rule(
        UPSTREAM,
        "passing",
        codes=("^modelerror",),
        texts=(r"\bmodel (?:has )?(?:produced|generated|returned) (?:an |no )?(?:invalid|error|empty|output|content)",),
        within=PASSING,
        unless=TEMPORARY,
        generation=True,
    ),
    Rule(
        UNFINISHED,
        "case",
        texts=(
            "could not finish the message",
            r"(?:output|completion)(?: token)? limit (?:was |is )?(?:reached|exceeded|hit)",
            r"max(?:imum)?[ _](?:completion[ _])?tokens[^.]{0,60}\b(?:was|were|been) reached",
            "max completion tokens reached",
            r"reasoning[^.]{0,60}(?:exceed|used up|budget)",
        ),
        within=REJECTED,
        advice="raise `max_tokens`: models that think before they answer need thousands",
    ),
    Rule(
        FAILED_GENERATION,
        "case",
        codes=("jsonvalidatefailed", "tooluse(?:failed|error)", "outputparsefailed", "malformed(?:output|function)"),
        texts=(
            "failed to (?:generate|validate|parse) (?:json|the (?:output|response|generation))",
            r"(?:generat|output)[^.]{0,60}could not be parsed|failed_generation",
        ),
        within=REJECTED,
        sure=False,
    ),
    Rule(
        UNSUPPORTED_PARAMETER,
        "fatal",
        status=frozenset({501}),
        codes=("^unsupported", "^unknownparameter", "^unrecognized"),
        texts=(
            "unsupported (?:value|parameter|param|field)",
            "(?:unknown|unexpected|unrecognized) (?:request )?(?:parameter|field|argument|name|keyword)",
            r"(?:extra|extraneous) (?:fields|inputs|key)[^.]{0,40}not (?:permitted|allowed)|below minimum value",
            r"(?:does not|doesn't) support|(?:is|are) (?:not supported|unsupported)|not supported (?:by|with|for|in)",
            r"\bonly [^.]{1,40} (?:is|are) (?:supported|allowed|accepted)",
            r"\bcannot be (?:disabled|enabled|turned off|set)\b",
            "not allowed to request|deprecated for this model|only the default|only supports? stream",
            *VALUES,
        ),
        within=REJECTED,
        parameter=True,
    ),
    Rule(
        UNSUPPORTED_PARAMETER,
        "fatal",
        codes=("^invalidparam",),
        texts=(r"\binvalid param(?:eter)?s?\b", r"\bparameters? (?:is|are|was|were) (?:invalid|not valid|missing)"),
        within=REJECTED,
        sure=False,
    ),
    Rule(UNSUPPORTED_PARAMETER, "fatal", texts=ROLES, within=REJECTED | {500}),
    Rule(UPSTREAM, "passing", status=PASSING),
    Rule(
        UPSTREAM,
        "passing",
        codes=("ratelimit", "overload", "servererror", "timeout", "unavailable", "upstream"),
        texts=(*TEMPORARY, "upstream"),
    ),
    Rule(
        WRONG_ADDRESS,
        "fatal",
        status=frozenset({*range(300, 400), 405, 406, 411, 415, 421, 426}),
        advice="`base_url` ends where `/chat/completions` would follow, most often in `/v1`",
    ),
    Rule(UNKNOWN, "case", status=CLIENT_ERRORS, sure=False),
    Rule(UPSTREAM, "passing", texts=("",)),
)


def fault_of(reply: ErrorReply, wait: float | None = None) -> Fault:
    """What follows from what a provider said.

    Args:
        reply: the provider's reply, without secrets.
        wait: requested wait in seconds, if any.
    """
    rule, matched = _decide(reply)
    name = "" if rule.name == UPSTREAM else rule.name
    reason = f"{name}: {reply.reason}" if name else reply.reason
    rejected = f"{reply.parameter} {reply.words}"
    advice = advice_on_parameter(rejected) if rule.name == UNSUPPORTED_PARAMETER else _ADVICE.get(rule.name, "")
    return Fault(
        rule.kind,
        f"{reason} ({advice})" if advice else reason,
        rule.name,
        reply.status,
        wait,
        rule.sure and matched in ("status", "code"),
        rule.generation,
    )


def _decide(reply: ErrorReply) -> tuple[Rule, Matched]:
    for rule in RULES:
        if rule.decisive and rule.has_code(reply):
            return rule, "code"
    return next((rule, matched) for rule in RULES if (matched := rule.match(reply)))


def advised(name: str, reply: str) -> str:
    """The reason of a fault: what happened, the provider's words, and what to change."""
    return f"{name}: {reply} ({_ADVICE[name]})"


_ADVICE = {rule.name: rule.advice for rule in RULES if rule.advice}
