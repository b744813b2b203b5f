"""Assembly of the page: template, style, scripts and data in one file that loads nothing else."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

TEMPLATE = "page.html"
STYLE = "style.css"
SCRIPTS = (
    "text.js",
    "csv.js",
    "order.js",
    "session.js",
    "stopwatch.js",
    "elements.js",
    "cards.js",
    "desk.js",
    "screens.js",
    "keys.js",
    "main.js",
)
ASSETS = (TEMPLATE, STYLE, *SCRIPTS)

# Markup, and all that is invisible, reorders text, ends lines for some parsers, or cannot be encoded.
_UNSAFE = re.compile(
    "[<>&\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def assemble(assets: Path, data: dict[str, Any]) -> str:
    """Return the whole page.

    The scripts become one inline script, the only one that the content security policy lets run; the data
    are inert JSON.

    Args:
        assets: folder with `ASSETS`.
        data: what the scripts read; any text in it is untrusted.
    """
    sources = {name: (assets / name).read_text(encoding="utf-8") for name in ASSETS}
    script = '(() => {\n"use strict";\n' + "\n".join(sources[name] for name in SCRIPTS) + "})();\n"
    parts = {
        "policy": _policy(script, sources[STYLE]),
        "style": sources[STYLE],
        "script": script,
        "data": inert_json(data),
    }
    # one pass, so that a placeholder inside a part stays what it is
    return re.sub(r"\{\{(policy|style|script|data)\}\}", lambda match: parts[match[1]], sources[TEMPLATE])


def inert_json(value: Any) -> str:
    """JSON that stays text inside a ``script`` element, in any parser and on any line."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _UNSAFE.sub(lambda match: _escape(match[0]), text)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))


def _policy(script: str, style: str) -> str:
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_source_hash(script)}'",
            f"style-src '{_source_hash(style)}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _source_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
