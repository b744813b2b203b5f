"""Source files of the annotation page."""

from steadfast.core.pages import PageSource

SOURCE = PageSource(
    template="annotation/page.html",
    styles=("page/base.css", "annotation/style.css"),
    scripts=(
        "page/text.js",
        "page/elements.js",
        "page/csv.js",
        "page/preferences.js",
        "annotation/labels.js",
        "annotation/order.js",
        "annotation/session.js",
        "annotation/stopwatch.js",
        "annotation/elements.js",
        "annotation/cards.js",
        "annotation/desk.js",
        "annotation/screens.js",
        "annotation/keys.js",
        "annotation/main.js",
    ),
)
