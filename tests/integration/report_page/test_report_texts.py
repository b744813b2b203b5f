"""Hostile texts in the report are text."""

import pytest
from tests.report_reader import PHONE, Reader
from tests.studies import MadeUpStudy

pytestmark = pytest.mark.slow
HOSTILE = [
    "</script><script>document.title = 'hacked'; alert(1)</script><!-- <script>",
    "<img src=x onerror=\"document.title='hacked'\"><svg onload=alert(2)><iframe src='https://example.com'></iframe>",
    "</style></div></main></body><input autofocus onfocus=alert(3)><style>* { display: none }</style>",
    "safe \u202egnp.exe\u202c then \u2066x\u2069 and \u200fy",
    "NUL\x00\x00\x00 bell\x07 escape\x1b[31m del\x7f line\u2028 bom\ufeff tag\U000e0041",
    "a" * 50_000,
    "\x00" * 50_000,
    "e" + "\u0301" * 2_000,
    "https://example.com/track.png {{script}} {{responses}} ${alert(5)}",
    "",
    "To begin with, gather what you need. " * 1_400,
    "مرحبا بك، سأساعدك الآن.",
]
HOSTILE_LABEL = "<b onclick=alert(1)>Model</b> \u202e </script>"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> MadeUpStudy:
    labels = {"models": {"model-0": HOSTILE_LABEL, "model-1": "A very long name of a model " * 4}}
    study = MadeUpStudy(
        tmp_path_factory.mktemp("hostile"),
        models=2,
        judges=2,
        answer=lambda number, refused: HOSTILE[number % len(HOSTILE)],
        labels=labels,
    ).make()
    study.write(show="full")
    return study


@pytest.mark.parametrize("options", [{"viewport": {"width": 1280, "height": 900}}, PHONE], ids=["desktop", "phone"])
def test_hostile_texts_are_displayed_as_text(browser, hostile, options):
    with browser.context(**options) as context:
        reader = Reader(context, hostile.page)
        for section in ("changes", "matrix", "judges", "judge_validity", "controls", "responses-section"):
            reader.show(section)
        while reader.page.get_by_role("button", name="Show more").is_visible():
            reader.page.get_by_role("button", name="Show more").click()
        texts = reader.page.locator(".answer .text").evaluate_all("boxes => boxes.map((box) => box.textContent)")
        assert HOSTILE[0] in texts and HOSTILE[1] in texts and HOSTILE[5] in texts
        assert "[empty]" in texts
        assert any("[NUL ×50000]" in text for text in texts)
        assert any("[RLO]" in text for text in texts)
        assert reader.page.locator("main img, main iframe, main script, main style, main input[autofocus]").count() == 0
        assert reader.page.title() == "Steadfast: does safety training survive abliteration?"
        assert HOSTILE_LABEL in reader.column("robustness", 1)
        width = reader.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1], "nothing sticks out of the window"
        reader.assert_quiet(hostile.page)
