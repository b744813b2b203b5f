"""The report's size, and how long a browser takes to open and use it.

Made-up studies of several sizes get their report, which a headless Chromium opens afresh several times.

    python benchmarks/report_page.py --report benchmarks/results/report_page.md

A blank page that is opened in the same way tells how much of the time is the browser's own. Needs Chromium
(`tests/install_browser.sh`).
"""

import argparse
import gzip
import itertools
import os
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "workflow" / "scripts"), str(ROOT)]

if TYPE_CHECKING:
    from tests.browser import Chromium
    from tests.studies import MadeUpStudy

WORDS = "the of a to in is that it was for on are with as they at be this from have or by one had not but".split()
ANSWER_WORDS = 90
REPEATS = 7
OPENED = "() => { const [entry] = performance.getEntriesByType('navigation'); return entry.loadEventEnd; }"
LOAD = os.getloadavg()[0]
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


@dataclass(frozen=True)
class Case:
    """A study's size; every model has two variants, and harmful and harmless prompts are equally many."""

    pairs: int
    prompts: int
    judges: int
    show: str

    def study(self, folder: Path) -> "MadeUpStudy":
        """The study, on disk."""
        from tests.studies import MadeUpStudy

        return MadeUpStudy(
            folder,
            models=self.pairs // 2,
            judges=self.judges - 1,
            prompts=self.prompts // 2,
            variants=("original", "abliterated"),
            answer=long_answer,
            resamples=100,
        ).make()


CASES = (
    Case(4, 100, 5, "collapsed"),
    Case(40, 100, 15, "none"),
    Case(40, 100, 15, "collapsed"),
    Case(80, 100, 15, "collapsed"),
    Case(80, 200, 15, "collapsed"),
)


@dataclass(frozen=True)
class Measured:
    """One case: seconds to write the page, its bytes, and milliseconds in the browser."""

    case: Case
    written: float
    size: int
    compressed: int
    painted: float
    opened: float
    sorted: float
    browsed: float


def long_answer(number: int, refused: bool) -> str:
    """Words by seed; every answer is another."""
    words = random.Random(number).choices(WORDS, k=ANSWER_WORDS)
    return " ".join(["I cannot help with that." if refused else "Sure.", *words])


def measure(case: Case, browser: "Chromium") -> Measured:
    """Write the page of a case and use it."""
    with tempfile.TemporaryDirectory() as folder:
        study = case.study(Path(folder))
        started = time.monotonic()
        page = study.write(show=case.show)
        written = time.monotonic() - started
        runs = [visit(browser, page, browse=case.show != "none") for _ in range(REPEATS)]
        middle = [statistics.median(column) for column in zip(*runs, strict=True)]
        content = page.read_bytes()
        return Measured(case, written, len(content), len(gzip.compress(content)), *middle)


def visit(browser: "Chromium", path: Path, *, browse: bool) -> tuple[float, float, float, float]:
    """Open a page afresh, sort its largest table in full, and open the responses; milliseconds each."""
    with browser.context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        painted, opened = page.evaluate(PAINTED), page.evaluate(OPENED)
        page.locator("#changes .block").last.scroll_into_view_if_needed()
        table = page.locator("#table-robustness")
        page.get_by_label("Controls and baselines", exact=True).check()
        for column in ("Variant", "Judge", "Prompts"):
            table.get_by_label(column, exact=True).select_option(label="All")
        more = table.get_by_role("button", name="more rows")
        if more.is_visible():
            more.click()
        sorting = clicked(table.get_by_role("button", name="Rate", exact=True))
        browsing = 0.0
        if browse:
            page.locator("#responses-section").scroll_into_view_if_needed()
            page.locator("#browser .pair").first.wait_for()
            show = page.get_by_label("Show", exact=True)
            browsing = show.evaluate(
                "select => { select.value = 'disputed'; const start = performance.now();"
                " select.dispatchEvent(new Event('change')); return performance.now() - start; }"
            )
        return float(painted or opened), float(opened), sorting, float(browsing)


def clicked(button: Any) -> float:
    """Milliseconds that the page is busy with a click."""
    return float(
        button.evaluate(
            "node => { const start = performance.now(); node.click(); document.body.offsetHeight;"
            " return performance.now() - start; }"
        )
    )


def blank(browser: "Chromium") -> float:
    """Milliseconds to open a page without content."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "blank.html"
        page.write_text("<!doctype html><title>blank</title><p>blank", encoding="utf-8")
        times = []
        for _ in range(REPEATS):
            with browser.context() as context:
                tab = context.new_page()
                tab.goto(page.as_uri())
                times.append(float(tab.evaluate(OPENED)))
        return statistics.median(times)


def described(results: list[Measured], empty: float) -> str:
    """The results as Markdown."""
    header = (
        "model–variant pairs × prompts × judges",
        "responses",
        "page MB",
        "compressed MB",
        "written s",
        "first paint ms",
        "open ms",
        "× blank page",
        "sort all rows ms",
        "filter pairs ms",
    )
    rows = [
        (
            f"{result.case.pairs} × {result.case.prompts} × {result.case.judges}",
            result.case.show,
            f"{result.size / 1e6:.2f}",
            f"{result.compressed / 1e6:.2f}",
            f"{result.written:.1f}",
            f"{result.painted:.0f}",
            f"{result.opened:.0f}",
            f"{result.opened / empty:.1f}",
            f"{result.sorted:.0f}",
            f"{result.browsed:.0f}" if result.browsed else "–",
        )
        for result in results
    ]
    lines = [header, ("---",) * len(header), *rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return (
        "# Size and speed of the report\n\n"
        "`python benchmarks/report_page.py --report benchmarks/results/report_page.md`\n\n"
        f"{os.cpu_count()} cores, load average before the run {LOAD:.1f}; headless Chromium, median of {REPEATS} "
        f"visits without cache. Responses have {ANSWER_WORDS} words and are all different; the pages contain no "
        f"figures for papers. A blank page opens in {empty:.0f} ms.\n\n{table}\n"
    )


def main() -> None:
    """Run all cases and write what they took."""
    from tests.browser import chromium

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path, help="where the Markdown goes; else it is printed")
    parser.add_argument("--cases", type=int, default=len(CASES), help="how many of the cases, the smallest first")
    options = parser.parse_args()
    with chromium() as browser:
        empty = blank(browser)
        results = [measure(case, browser) for case in itertools.islice(CASES, options.cases)]
    text = described(results, empty)
    if options.report:
        options.report.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    from steadfast.core.command_line import run_command_line

    run_command_line(main)
