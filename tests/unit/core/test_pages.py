"""Self-contained pages: what every page must hold, whichever it is."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from steadfast.core.pages import assemble
from steadfast.judges.annotation.assembly import SOURCE as ANNOTATION
from steadfast.report.assembly import SOURCE as REPORT

RESOURCES = Path(__file__).parents[3] / "resources"
TRAP = {"items": ["{{script}} {{ data }} {{policy}} {% include 'page/base.css' %} {# responses #}"]}
PAGES = {
    "annotation": (ANNOTATION, {"data": TRAP}),
    "report": (REPORT, {"data": TRAP, "responses": TRAP, "figures": {}}),
}


@pytest.fixture(params=PAGES)
def name(request) -> str:
    return request.param


@pytest.fixture
def source(name):
    return PAGES[name][0]


@pytest.fixture
def html(name) -> str:
    source, data = PAGES[name]
    return assemble(source, RESOURCES, data)


def element(html: str, name: str) -> str:
    """The content of one of the page's elements of data."""
    return re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', html, re.S)[1]


@pytest.mark.parametrize(
    "text",
    [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "]]>&lt;",
        "\x00\x1b\x7f\x85",
        "\u2028\u2029",
        "\u202egnp\u202c\u2066",
        "\U000e0041\ufeff",
        '"\\',
        "\ud800",
        "{{script}}",
        "\n\t",
    ],
)
def test_embedded_data_is_inert_and_lossless(source, text):
    encoded = element(assemble(source, RESOURCES, {"data": [text]}), "data")
    assert json.loads(encoded) == [text]
    assert encoded.isascii()
    assert not re.search("[<>&\x00-\x1f\x7f]", encoded)


def test_markup_in_a_name_is_escaped(source):
    page = assemble(source, RESOURCES, {'"><script>alert(1)</script>': 0})
    assert "<script>alert" not in page
    assert "&#34;&gt;&lt;script&gt;alert" in page


def test_nan_in_page_data_raises(source):
    with pytest.raises(ValueError, match="not JSON compliant"):
        assemble(source, RESOURCES, {"data": float("nan")})


def test_placeholders_in_page_data_are_not_expanded(name, html):
    for part, value in PAGES[name][1].items():
        assert json.loads(element(html, part)) == value
    assert html.count('"use strict"') == 1


def test_content_security_policy_allows_only_own_script_and_style(html):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    script = re.search(r"<script>(.*?)</script>", html, re.S)[1]
    style = re.search(r"<style>(.*?)</style>", html, re.S)[1]
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == f"'sha256-{_digest(script)}'"
    assert directives["style-src"] == f"'sha256-{_digest(style)}'"


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_page_has_no_external_references(html):
    text = html.replace("{//", "").replace('"http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?:|//[a-z]|src=|@import|url\(|<link|<iframe", text)
    assert html.index("Content-Security-Policy") < html.index("<style>") < html.index("<script")


def test_page_scripts_never_parse_text_as_markup(source):
    for name in source.scripts:
        text = (RESOURCES / name).read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|fetch\(|DOMParser", text
        ), name


def test_every_file_of_a_page_is_used(name, source):
    files = {f"{name}/{path.name}" for path in (RESOURCES / name).iterdir() if path.suffix in (".html", ".css", ".js")}
    assert files == {file for file in source.files if not file.startswith("page/")}


def test_every_shared_page_file_is_used():
    shared = {f"page/{path.name}" for path in (RESOURCES / "page").iterdir()}
    assert shared == {file for source, _ in PAGES.values() for file in source.files if file.startswith("page/")}
