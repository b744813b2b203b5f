"""The table of faults: what happened and what follows, from a provider's status, codes and words.

The first rule that holds decides. Nearly every wording is one that a provider uses; `tests/provider_forms.py` holds
what they send. A new wording is one line in its rule. A rejection that no rule knows is the case's, but not surely.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from steadfast.judges.chat_api.faults import Fault, Kind
from steadfast.judges.chat_api.parameters import advice_on_parameter

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

Matched = Literal["status", "code", "text"]


@dataclass(frozen=True)
class Said:
    """What a provider said instead of answering.

    Attributes:
        status: the HTTP status, or the one in the body where HTTP says 200; None if there is none.
        codes: machine-readable codes, types and statuses.
        words: its explanation, without what it quotes of the request, and without secrets.
    """

    status: int | None = None
    codes: tuple[str, ...] = ()
    words: str = ""

    @property
    def reason(self) -> str:
        """For people."""
        words = self.words or ", ".join(self.codes) or "without a word"
        return f"HTTP {self.status}: {words}" if self.status else words


@dataclass(frozen=True)
class Rule:
    """A line of the table. It holds by a status, or else by a code or a text within some statuses.

    Attributes:
        name: what happened.
        kind: what follows.
        status: statuses that suffice.
        codes: patterns that are searched in every code, written in small letters and digits alone.
        texts: patterns that are searched in the words, whatever the case of their letters.
        within: statuses in which codes and texts count; None for any.
        unless: patterns of texts with which neither counts.
        advice: what to change.
        sure: whether it is known what follows. By a text alone it never is.
    """

    name: str
    kind: Kind
    status: frozenset[int] = frozenset()
    codes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    within: frozenset[int] | None = None
    unless: tuple[str, ...] = ()
    advice: str = ""
    sure: bool = field(default=True, kw_only=True)

    def match(self, said: Said) -> Matched | None:
        """By what the rule holds; None if it does not."""
        if said.status in self.status:
            return "status"
        outside = self.within is not None and said.status is not None and said.status not in self.within
        if outside or _found(self._unless, said.words):
            return None
        if any(_found(self._codes, _letters(code)) for code in said.codes):
            return "code"
        return "text" if _found(self._texts, said.words) else None

    @cached_property
    def _codes(self) -> re.Pattern[str] | None:
        return _any_of(self.codes)

    @cached_property
    def _texts(self) -> re.Pattern[str] | None:
        return _any_of(self.texts)

    @cached_property
    def _unless(self) -> re.Pattern[str] | None:
        return _any_of(self.unless)


REJECTED = frozenset({400, 403, 413, 422})
_SERVER_ERRORS = frozenset(range(500, 600)) - {501}
_TEMPORARY = ("unavailable", "overload", r"time[ -]?out|timed out", "try again later", "temporar", r"rate.?limit")

RULES = (
    Rule(
        BLOCKED_ACCOUNT,
        "fatal",
        codes=("^accountdeactivated", "^accessterminated", "unsupportedcountry", "accountsuspended"),
        texts=(
            r"\b(?:account|organi[sz]ation|project|team|access|key)\b[^.]{0,60}?\b(?:is|was|has been|have been)"
            r" (?:deactivated|suspended|disabled|terminated|banned|revoked|blocked)",
            r"(?:country|region|territory|location)\b[^.]{0,40}\bnot (?:supported|available|allowed)",
            r"(?:unsupported|restricted|flagged) (?:country|region|territory|account)",
            "(?:organi[sz]ation|workspace|admin(?:istrator)?)(?:'s)? polic",
        ),
    ),
    Rule(
        NO_CREDIT,
        "fatal",
        status=frozenset({402}),
        codes=("^insufficientquota", "^billing", "arrear", "insufficient(?:balance|credit)", "^1113$", "^1008$"),
        texts=(
            "insufficient (?:balance|credits?|funds)",
            "credit balance is too low",
            "(?:out of|no|requires? more) credits",
            r"(?:used|exhausted) all [^.]{0,40}credits?",
            "(?:spending|billing) (?:hard )?limit|key limit exceeded",
            "in good standing",
            "余额不足|欠费",
        ),
        advice="fill the account, or ask another provider",
    ),
    Rule(
        WRONG_KEY,
        "fatal",
        status=frozenset({401, 407}),
        codes=("^(?:invalid|incorrect|missing|expired)x?(?:api)?key", "^authentication", "^invalidauth", "^unauth"),
        texts=(
            "(?:incorrect|invalid|missing|expired|wrong|no) (?:x-)?api.?key",
            r"api.?key\b[^.]{0,20}(?:not valid|invalid|expired|incorrect|not found|required)",
            "no auth credentials",
            "authentication (?:failed|required|fails)",
            "invalid (?:credentials|token|bearer)",
            "身份验证|令牌",
        ),
        advice="`api_key_env` names the environment variable that holds the key",
    ),
    Rule(
        UNKNOWN_MODEL,
        "fatal",
        status=frozenset({404, 410}),
        codes=("^(?:model|deployment)not(?:found|exist|available)", "^(?:unknown|invalid)model", "^1211$"),
        texts=(
            r"\bmodel\b[^.]{0,120}?(?:(?:does not|doesn't|not) exist|not found|(?:is|was) not available)",
            r"(?:unknown|invalid|no such) model\b|not a valid model|model identifier is invalid|decommissioned",
            r"no (?:allowed |available )?(?:endpoints|providers)\b",
            "模型不存在",
        ),
        advice="`model` is its name at `base_url`",
    ),
    Rule(
        MODERATED,
        "case",
        status=frozenset({451}),
        codes=(
            "content(?:filter|polic|management|moderation|safety|blocked|violat|risk)",
            "datainspection|inappropriate|sensitive|censor|moderation|moderated|guardrail|jailbreak|riskcontrol",
            "responsibleai|policyviolation|usagepolicy|safety(?:check|violat|filter|block)",
            "(?:prohibited|unsafe|harmful|restricted)content|(?:prompt|input|output)(?:blocked|flagged|rejected)",
            "^(?:safety|refusal|flagged|blocked|blocklist|spii|recitation|invalidprompt|1301|1026|1027)$",
        ),
        texts=(
            "content[ _-]?(?:filter|polic|management|moderation|safety|security|exists? risk|guideline|violat)",
            "(?:usage|safety|community|acceptable[ -]use|harm)[ _-](?:polic|guideline|filter|system|setting|check"
            "|reason|concern|classif|standard|rule|block)",
            r"(?:violat|breach)\w*[^.]{0,60}(?:polic|guideline|terms|rules|standards|\blaws?\b)",
            r"inappropriate|\bunsafe\b|\bharmful\b|\b(?:un)?flagged\b|\bmoderat(?:ed|ion|or)|guardrail|censor|jailbreak",
            r"(?<!case[- ])sensitive|dangerous|harm_category|polic(?:y|ies) (?:violation|block)|due to [^.]{0,40}polic",
            r"(?:high|considered|security|safety|content)[ -]risk\b|risk control",
            "(?:content|text|input|prompt) (?:is|contains) (?:illegal|prohibited|forbidden|not allowed)",
            "(?:prohibited|disallowed|forbidden|illegal|objectionable|offensive|explicit|toxic)[ _]"
            "(?:content|material|topic|word|text|input)",
            r"(?:content|prompt|input|output|request|response|message|text|completion|generation)s? "
            r"(?:is|was|were|has been|have been|got|may be) "
            r"(?:blocked|filtered|refused|withheld|rejected (?:because|due|as|by))",
            r"blocked by [^.]{0,40}(?:safety|content|polic|filter|provider)|block_?reason",
            "responsible[ _]?ai|against (?:our|the) (?:polic|rules|guidelines|terms)",
            "敏感|不安全|违规|违法|不合规|不当|风险|审核|内容安全|安全策略|风控",
        ),
        within=(frozenset(range(400, 500)) - {404, 405, 408, 409, 425, 429}) | _SERVER_ERRORS,
        unless=_TEMPORARY,
    ),
    Rule(
        TOO_LONG,
        "case",
        status=frozenset({413}),
        codes=("contextlength", "contextwindow", "stringabovemaxlength", "stringtoolong", "^1261$", "requesttoolarge"),
        texts=(
            "context.?length|context window|maximum (?:input|context|prompt)",
            r"(?:prompt|input|message|request|text)s?\b[^.]{0,60}\btoo (?:long|large)",
            r"too many (?:input )?tokens|range of input length",
            "exceeds? [^.]{0,60}(?:input|context) (?:token|length|limit|size)",
        ),
        within=REJECTED,
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
        codes=("^unsupported", "^unknownparameter", "^invalidparameter", "^unrecognized"),
        texts=(
            "unsupported (?:value|parameter|param|field)",
            "(?:unknown|unexpected|unrecognized) (?:request )?(?:parameter|field|argument|name|keyword)",
            r"(?:extra|extraneous) (?:fields|inputs|key)[^.]{0,40}not (?:permitted|allowed)|below minimum value",
            r"(?:does not|doesn't) support|(?:is|are) (?:not supported|unsupported)|not supported (?:by|with|for|in)",
            "not allowed to request|deprecated for this model|only the default",
            r"max_(?:completion_)?tokens\W{0,2}[^.]{0,40}(?:too large|must be|at most|less than|exceed)",
        ),
        within=REJECTED,
    ),
    Rule(UPSTREAM, "passing", status=frozenset({408, 409, 423, 424, 425, 429, 498, 499}) | _SERVER_ERRORS),
    Rule(
        UPSTREAM,
        "passing",
        codes=("ratelimit", "overload", "servererror", "timeout", "unavailable", "upstream"),
        texts=(*_TEMPORARY, "upstream"),
    ),
    Rule(
        WRONG_ADDRESS,
        "fatal",
        status=frozenset({*range(300, 400), 405, 406, 411, 415, 421, 426}),
        advice="`base_url` ends where `/chat/completions` would follow, most often in `/v1`",
    ),
    Rule(UNKNOWN, "case", status=frozenset(range(400, 500)), sure=False),
    Rule(UPSTREAM, "passing", texts=("",)),
)


def fault_of(said: Said, wait: float | None = None) -> Fault:
    """What follows from what a provider said.

    Args:
        said: its words, without secrets.
        wait: seconds that it asks to wait, if any.
    """
    rule, matched = next((rule, matched) for rule in RULES if (matched := rule.match(said)))
    name = "" if rule.name == UPSTREAM else rule.name
    reason = f"{name}: {said.reason}" if name else said.reason
    advice = advice_on_parameter(said.words) if rule.name == UNSUPPORTED_PARAMETER else rule.advice
    sure = rule.sure and matched != "text"
    return Fault(rule.kind, f"{reason} ({advice})" if advice else reason, rule.name, said.status, wait, sure)


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    return (
        re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE | re.DOTALL) if patterns else None
    )


def _found(pattern: re.Pattern[str] | None, text: str) -> bool:
    return pattern is not None and pattern.search(text) is not None


def _letters(code: str) -> str:
    return re.sub(r"[^a-z0-9]", "", code.casefold())
