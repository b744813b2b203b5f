"""Self-contained pages: template, styles, scripts and data in one file without network access.

Templates are Jinja's, with autoescaping. All text of models and annotators is inserted as ASCII JSON without markup
characters, and the page's content security policy allows only its own style and script.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

# base template of every page: policy, style, data and script
LAYOUT = "page/layout.html"


@dataclass(frozen=True)
class PageSource:
    """The source files of a page, relative to the folder of resources.

    Attributes:
        template: Jinja template that extends ``LAYOUT``.
        styles: style sheets, in order.
        scripts: scripts, in order; they are joined, in strict mode and a separate scope.
        draws_images: whether the scripts convert drawings to images for download, which requires ``blob:`` images.
    """

    template: str
    styles: tuple[str, ...]
    scripts: tuple[str, ...]
    draws_images: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """All files."""
        return (LAYOUT, self.template, *self.styles, *self.scripts)


def assemble(source: PageSource, resources: Path, data: Mapping[str, Any]) -> str:
    """Return the whole page.

    Args:
        source: source files of the page.
        resources: folder that its files are relative to.
        data: data for the scripts, by element id; all text in it is untrusted.
    """
    style = _joined(resources, source.styles)
    script = f'(() => {{\n"use strict";\n{_joined(resources, source.scripts)}}})();\n'
    policy = _policy(script, style, draws_images=source.draws_images)
    page = _templates(resources, (LAYOUT, source.template)).get_template(source.template)
    # only these three are not escaped: the page's own files and their hashes
    return page.render(data=data, policy=Markup(policy), style=Markup(style), script=Markup(script))


def _joined(resources: Path, names: tuple[str, ...]) -> str:
    return "\n".join((resources / name).read_text(encoding="utf-8") for name in names)


def _templates(resources: Path, names: tuple[str, ...]) -> Environment:
    """Templates by name; no others can be included, so that `PageSource.files` is complete."""
    templates = Environment(
        loader=DictLoader({name: (resources / name).read_text(encoding="utf-8") for name in names}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    # ASCII, so that no character is invisible, reorders text, or cannot be encoded
    templates.policies["json.dumps_kwargs"] = {"ensure_ascii": True, "allow_nan": False, "separators": (",", ":")}
    return templates


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
