"""Source files of the report."""

from steadfast.core.pages import PageSource

SOURCE = PageSource(
    template="report/page.html",
    styles=("page/base.css", "report/style.css", "report/figures.css", "report/browser.css", "report/print.css"),
    scripts=(
        "page/text.js",
        "page/elements.js",
        "page/csv.js",
        "page/preferences.js",
        "report/data.js",
        "report/view.js",
        "report/viewbar.js",
        "report/numbers.js",
        "report/rows.js",
        "report/table.js",
        "report/drawing.js",
        "report/slices.js",
        "report/figure.js",
        "report/dots.js",
        "report/cells.js",
        "report/lines.js",
        "report/sections.js",
        "report/pairs.js",
        "report/highlight.js",
        "report/browser.js",
        "report/closing.js",
        "report/main.js",
    ),
    draws_images=True,
)
