r"""Judge prompt templates: Markdown files with two placeholders.

A template is text with ``{prompt}`` and ``{response}``, each at the end of a line. Two optional marker lines, ``<!--
system -->`` and ``<!-- user -->``, assign the lines below them to a turn; without them the whole file is the user's
turn. All other HTML comments are notes and are removed.

The two texts are untrusted and may imitate the template: its headings, a verdict, closing tags or special tokens of a
chat. Two measures separate them:

* each is quoted, line by line, so that none of its lines can begin like a line of the template
  (the marking of untrusted text that Hines et al. 2024, arXiv 2403.14720, call *spotlighting*);
* control strings of chat formats, such as ``<|im_start|>``, are broken by a space (``< |im_start|>``), since a server
  would otherwise parse them as special tokens.

Both are functions of the text alone: equal cases give equal messages, which result caches rely on.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from steadfast.core.errors import ConfigError, suggest

PLACEHOLDERS = ("prompt", "response")
ROLES = ("system", "user")
QUOTE = "> "
Message: TypeAlias = dict[str, str]

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ROLE_LINE = re.compile(r"^[ \t]*<!--[ \t]*(system|user)[ \t]*-->[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->[ \t]*\n?", re.DOTALL)

# Control strings of known chat formats: <|...|> (ChatML, Llama 3, GLM, GPT-oss), DeepSeek's full-width bars,
# turn tags (Gemma), bracketed instructions (Llama 2, Mistral), sentence boundaries and thinking tags.
_CHAT_MARKER = re.compile(
    r"<(?=[|｜])|<(?=/?(?:s|bos|eos|pad|unk|mask|sop|eop|think|start_of_turn|end_of_turn|tool_call)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|gMASK|MASK|sMASK)\])|<(?=</?SYS>>)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Template:
    """A checked template.

    Attributes:
        path: the file it was read from.
        parts: role and text of each turn, in order.
        sha256: hash of the file's text.
    """

    path: str
    parts: tuple[tuple[str, str], ...]
    sha256: str

    def render(self, prompt: str, response: str, special: Iterable[str] = ()) -> list[Message]:
        """The conversation that asks for a verdict on one case.

        Args:
            prompt: the prompt; untrusted.
            response: the response; untrusted.
            special: further strings to break, such as the special tokens of the judge's own tokenizer.
        """
        texts = {"prompt": defuse(prompt, special), "response": defuse(response, special)}
        return [{"role": role, "content": _fill(text, texts)} for role, text in self.parts]


def load_template(path: str | Path) -> Template:
    """Read and check a template.

    Raises:
        ConfigError: a placeholder is missing, unknown or not at the end of its line, or the user's turn is missing.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"prompt: cannot read the template {path}: {error}") from None
    parts = tuple(_parts(text))
    _check(str(path), parts)
    return Template(str(path), parts, hashlib.sha256(text.encode()).hexdigest())


def defuse(text: str, special: Iterable[str] = ()) -> str:
    """Break every chat marker and every string of ``special`` by a space after its first character."""
    broken = _CHAT_MARKER.sub(lambda match: f"{match.group()} ", text)
    stripped = {name.strip() for name in special}
    names = sorted({name for name in stripped if len(name) > 1}, key=lambda name: (-len(name), name))
    if not names:
        return broken
    pattern = re.compile("|".join(map(re.escape, names)))
    while pattern.search(broken):  # breaking one may create another, shorter one
        broken = pattern.sub(lambda match: f"{match.group()[0]} {match.group()[1:]}", broken)
    return broken


def quote(text: str) -> str:
    """Begin every line of ``text`` with ``> ``; every Unicode line break starts a line."""
    return "\n".join(f"{QUOTE}{line}" for line in text.splitlines() or [""])


def _fill(text: str, texts: dict[str, str]) -> str:
    # one pass, so that "{prompt}" in a response is not filled in
    return _PLACEHOLDER.sub(lambda match: _place(text, match, texts[match.group(1)]), text)


def _place(text: str, match: re.Match[str], untrusted: str) -> str:
    quoted = quote(untrusted)
    alone_on_line = match.start() == 0 or text[match.start() - 1] == "\n"
    return quoted if alone_on_line else quoted.removeprefix(QUOTE)


def _parts(text: str) -> list[tuple[str, str]]:
    pieces = _ROLE_LINE.split(text.replace("\r\n", "\n"))
    turns = [("user", pieces[0]), *zip(pieces[1::2], pieces[2::2], strict=True)]
    cleaned = [(role, _COMMENT.sub("", content).strip("\n")) for role, content in turns]
    return [(role, content) for role, content in cleaned if content.strip()]


def _check(path: str, parts: tuple[tuple[str, str], ...]) -> None:
    roles = tuple(role for role, _ in parts)
    if roles not in (("user",), ROLES):
        found = ", ".join(roles) or "none"
        raise ConfigError(f"prompt: {path} has the turns {found}; allowed: user alone, or system and then user")
    if any(_PLACEHOLDER.search(content) for role, content in parts if role == "system"):
        raise ConfigError(
            f"prompt: {path} has a placeholder in the system turn; untrusted text belongs into the user's"
        )
    text = parts[-1][1]
    placeholders = list(_PLACEHOLDER.finditer(text))
    names = {match.group(1) for match in placeholders}
    for name in sorted(names - set(PLACEHOLDERS)):
        raise ConfigError(f"prompt: {path} has the unknown placeholder {{{name}}}{suggest(name, PLACEHOLDERS)}")
    for name in PLACEHOLDERS:
        if name not in names:
            raise ConfigError(f"prompt: {path} lacks the placeholder {{{name}}}; it needs {{prompt}} and {{response}}")
    for match in placeholders:
        rest = text[match.end() :].split("\n", 1)[0]
        if rest.strip():
            raise ConfigError(
                f"prompt: {path}: {match.group()} must end its line, so that the text cannot pass for the template; "
                f"found {rest.strip()[:40]!r} behind it"
            )
