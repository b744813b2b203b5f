"""Somebody who reads the report in a real browser."""

import json
import re
from pathlib import Path

from tests.browser import Watch

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
WIDE, NARROW = {"viewport": {"width": 1440, "height": 900}}, {"viewport": {"width": 390, "height": 844}}
OFFSET = """(id) => {
  const root = document.documentElement;
  const place = document.getElementById(id).getBoundingClientRect().top;
  const end = root.scrollHeight - window.innerHeight - window.scrollY;
  return [place, end, parseFloat(getComputedStyle(root).scrollPaddingTop)];
}"""


class Reader:
    """Somebody in front of the page."""

    def __init__(self, context, page: Path) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(8_000)
        self.watch = Watch()
        self.watch.attach(self.page)
        self.page.goto(page.as_uri())

    def show(self, section: str) -> None:
        """Go to a section."""
        self.page.locator(f"#{section}").scroll_into_view_if_needed()
        if section == "responses-section":
            self.page.locator("#browser .pair").first.wait_for()

    def table(self, name: str):
        return self.page.locator(f"#table-{name}")

    def column(self, name: str, number: int) -> list[str]:
        return self.table(name).locator(f"tbody tr.main > :nth-child({number})").all_text_contents()

    def saved(self, button) -> Path:
        with self.page.expect_download() as download:
            button.click()
        return Path(download.value.path())

    def choose(self, name: str, option: str, inside: str = "#browser") -> None:
        self.page.locator(inside).get_by_label(name, exact=True).select_option(label=option)

    def pairs(self) -> int:
        return int(re.sub(r"\D", "", self.page.locator("#browser .status").text_content()))

    def assert_quiet(self, page: Path) -> None:
        assert self.watch.errors == []
        assert self.watch.dialogs == []
        outside = [url for url in self.watch.requests if not url.startswith(("blob:", page.as_uri()))]
        assert outside == []


def everything(reader) -> None:
    """All rows of the table of rates."""
    reader.page.get_by_label("Controls and baselines", exact=True).check()
    for name in ("Variant", "Judge", "Prompts"):
        reader.choose(name, "All", "#table-robustness")


def changed_page(study, folder: Path, change) -> Path:
    """The study's page with its data changed in place."""
    text = study.page.read_text(encoding="utf-8")
    stored = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1]
    data = json.loads(stored)
    change(data)
    page = folder / "report.html"
    page.write_text(text.replace(stored, json.dumps(data).replace("<", "\\u003c")), encoding="utf-8")
    return page


def assert_in_sight(page, identity):
    """The element is at the top of the window, below the contents, or as far up as the end of the page allows."""
    place, end, padding = page.evaluate(OFFSET, identity)
    assert abs(place - padding) < 3 or (end < 2 and place > 0), (identity, place, end)
