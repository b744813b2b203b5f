"""Self-contained pages: template, styles, scripts and data in one file that loads nothing and sends nothing.

All text of models and people goes into a page as inert JSON, and the page's content security policy lets only the
page's own style and script take effect.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Markup, and all that is invisible, reorders text, ends lines for some parsers, or cannot be encoded.
_UNSAFE = re.compile(
    "[<>&\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True)
class PageSource:
    """The files that a page is made of, relative to the folder of resources.

    Attributes:
        template: HTML with the placeholders ``{{policy}}``, ``{{style}}``, ``{{script}}`` and one per part of the
            data.
        styles: style sheets, in order.
        scripts: scripts, in order; they become one, in strict mode and a scope of its own.
        draws_images: whether the scripts turn drawings into pictures for download, which takes ``blob:`` images.
    """

    template: str
    styles: tuple[str, ...]
    scripts: tuple[str, ...]
    draws_images: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """All files."""
        return (self.template, *self.styles, *self.scripts)


def assemble(source: PageSource, resources: Path, data: Mapping[str, Any]) -> str:
    """Return the whole page.

    Args:
        source: what the page is made of.
        resources: folder that its files are relative to.
        data: what the scripts read, by placeholder; any text in it is untrusted.
    """
    texts = {name: (resources / name).read_text(encoding="utf-8") for name in source.files}
    style = "\n".join(texts[name] for name in source.styles)
    script = '(() => {\n"use strict";\n' + "\n".join(texts[name] for name in source.scripts) + "})();\n"
    parts = {
        "policy": _policy(script, style, draws_images=source.draws_images),
        "style": style,
        "script": script,
        **{name: inert_json(value) for name, value in data.items()},
    }
    # one pass, so that a placeholder inside a part stays what it is
    placeholder = re.compile("{{(" + "|".join(map(re.escape, parts)) + ")}}")
    return placeholder.sub(lambda match: parts[match[1]], texts[source.template])


def inert_json(value: Any) -> str:
    """JSON that stays text inside a ``script`` element, in any parser and on any line."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _UNSAFE.sub(lambda match: _escape(match[0]), text)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))


def _policy(script: str, style: str, *, draws_images: bool) -> str:
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_source_hash(script)}'",
            f"style-src '{_source_hash(style)}'",
            *(["img-src blob:"] if draws_images else []),
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _source_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
