"""The report in a real browser: what a reader does, and what hostile text must not do."""

import csv
import io
import itertools
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.browser import Watch, chromium, violations
from tests.studies import MadeUpStudy

from steadfast.report.wording import percent, signed

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
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


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> MadeUpStudy:
    study = MadeUpStudy(tmp_path_factory.mktemp("study")).make()
    study.draw()
    study.write()
    return study


@pytest.fixture
def context(browser):
    with browser.context(viewport={"width": 1280, "height": 900}, accept_downloads=True) as context:
        yield context


@pytest.fixture
def reader(context, study):
    reader = Reader(context, study.page)
    yield reader
    reader.assert_quiet(study.page)


def test_page_states_the_finding_and_has_every_section(reader):
    assert re.fullmatch(
        r"Abliteration removed \d+ points of refusals; .*safety training.*\.",
        reader.page.locator("#title").text_content(),
    )
    assert reader.page.locator("#table-models tbody tr").count() == 4
    assert reader.page.locator("#remarks").text_content().count("By judge-0, ") == 1
    assert reader.page.locator("#banner").is_visible()
    assert "judge-0" in reader.page.locator("#facts").text_content()
    assert reader.page.locator("#study-link").get_attribute("href") == "https://arxiv.org/abs/2510.02768"
    titles = reader.page.locator("#contents a").all_text_contents()
    assert titles[0] == "Answer" and titles[-3:] == ["Method", "Warnings", "Configuration and provenance"]
    for link in reader.page.locator("#contents a").all():
        assert reader.page.locator(link.get_attribute("href")).count() == 1


def everything(reader) -> None:
    """All rows of the table of rates."""
    reader.page.get_by_label("Controls and baselines", exact=True).check()
    for name in ("Variant", "Judge", "Prompts"):
        reader.choose(name, "All", "#table-robustness")


def test_table_is_sorted_by_its_headings(reader):
    reader.show("changes")
    everything(reader)
    before = reader.column("robustness", 5)
    heading = reader.table("robustness").get_by_role("button", name="Rate", exact=True)
    heading.click()
    rates = [float(re.match(r"\d+", text)[0]) for text in reader.column("robustness", 5)]
    assert rates == sorted(rates, reverse=True)
    assert reader.table("robustness").locator("th[aria-sort=descending] button").text_content() == "Rate"
    heading.press("Enter")
    rates = [float(re.match(r"\d+", text)[0]) for text in reader.column("robustness", 5)]
    assert rates == sorted(rates)
    heading.press("Enter")
    assert reader.column("robustness", 5) == before


def test_table_is_filtered_expanded_and_saved_as_shown(reader, study):
    reader.show("changes")
    table = reader.table("robustness")
    everything(reader)
    rows = 4 * 3 * 5 * 2
    assert len(reader.column("robustness", 1)) == rows
    assert table.get_by_role("button", name="more").count() == 0
    reader.choose("Judge", "judge-2", "#table-robustness")
    reader.choose("Prompts", "Harmful", "#table-robustness")
    assert set(reader.column("robustness", 3)) == {"judge-2"}
    assert table.locator(".status").text_content() == f"12 of {rows} rows"
    text = reader.saved(table.get_by_role("button", name="CSV")).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 12 and {row["judge"] for row in rows} == {"judge-2"}
    # numbers stay numbers, negative ones as well
    assert all(-1 <= float(row["change"]) <= 1 for row in rows if row["change"])
    assert any(row["change"].startswith("-") for row in rows)


def test_chart_shows_values_on_hover_and_with_arrow_keys(reader):
    reader.show("changes")
    marks = reader.page.locator("#figure-refusal_counts [data-mark]")
    assert marks.count() == 2 * 4 * 2
    marks.first.hover()
    assert re.match(r"Harmful prompts · model-\d · original: \d+%", reader.page.locator("#tip").text_content())
    drawing = reader.page.locator("#figure-refusal_counts svg")
    drawing.focus()
    drawing.press("ArrowRight")
    first = reader.page.locator("#tip").text_content()
    drawing.press("ArrowDown")
    assert reader.page.locator("#tip").text_content() != first
    reader.page.locator("#announcer").filter(has_text="model-").wait_for()
    drawing.press("Escape")
    assert reader.page.locator("#tip").is_hidden()


def test_numbers_read_as_in_the_files(reader):
    values = [-0.9, -0.0996, -0.0333, -0.0001, 0.0, 0.004, 0.05, 0.0995, 0.5, 0.997, 1.0]
    code = (ROOT / "resources" / "report" / "numbers.js").read_text(encoding="utf-8")
    shown = reader.page.evaluate(
        f"(() => {{ {code}\nreturn {values}.map((one) => [FORMATS.points(one), FORMATS.share(one)]); }})()"
    )
    assert shown == [[signed(value), f"{percent(value)}%"] for value in values]


@pytest.mark.parametrize("width", [680, 1280, 1800])
def test_panel_counts_do_not_overlap_the_next_panel(reader, width):
    reader.page.set_viewport_size({"width": width, "height": 900})
    reader.show("changes")
    texts = reader.page.locator("#figure-refusal_counts svg text")
    boxes = [(text.text_content(), text.bounding_box()) for text in texts.all()]
    second = [box["x"] for text, box in boxes if text == "0%"][1]
    ends = [box["x"] + box["width"] for text, box in boxes if "→" in text and box["x"] < second]
    assert len(ends) == 4 and second - max(ends) >= 28


def changed_page(study, folder: Path, change) -> Path:
    """The study's page with its data changed in place."""
    text = study.page.read_text(encoding="utf-8")
    stored = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1]
    data = json.loads(stored)
    change(data)
    page = folder / "report.html"
    page.write_text(text.replace(stored, json.dumps(data).replace("<", "\\u003c")), encoding="utf-8")
    return page


def test_legend_names_only_what_is_drawn(context, study, tmp_path):
    def change(data):
        blocks = itertools.chain.from_iterable(part["blocks"] for part in data["sections"])
        block = next(block for block in blocks if block.get("id") == "refusal_counts")
        for row in itertools.chain.from_iterable(itertools.chain.from_iterable(block["values"].values())):
            row[block["series"].index("abliterated")] = None

    page = changed_page(study, tmp_path, change)
    reader = Reader(context, page)
    names = reader.page.locator("#figure-refusal_counts svg text").all_text_contents()
    assert "original" in names and "abliterated" not in names
    reader.assert_quiet(page)


def test_button_counts_the_rows_that_are_hidden(context, study, tmp_path):
    def change(data):
        block = data["closing"]["blocks"][0]
        block["rows"] *= 201
        for column in block["columns"]:
            column.update({key: 201 * column[key] for key in ("codes", "values") if key in column})

    reader = Reader(context, changed_page(study, tmp_path, change))
    table = reader.table("stages")
    assert len(reader.column("stages", 1)) == 200
    table.get_by_role("button", name="Show 1 more row", exact=True).click()
    assert len(reader.column("stages", 1)) == 201


def test_chart_shows_the_chosen_judge(reader):
    reader.show("changes")
    before = reader.page.locator("#figure-refusal_counts svg").inner_html()
    reader.page.get_by_label("Controls and baselines", exact=True).check()
    reader.choose("Judge", "label-only", "#view")
    assert reader.page.locator("#figure-refusal_counts svg").inner_html() != before
    assert reader.page.locator("#figure-refusal_counts").get_by_role("button", name="PDF").is_hidden()


@pytest.mark.parametrize("figure", ["refusal_counts", "refusal_heatmap", "agreement", "scale_curves"])
def test_chart_is_saved_in_every_format(reader, study, figure):
    sections = {"refusal_counts": "changes", "refusal_heatmap": "matrix", "agreement": "judges"}
    reader.show(sections.get(figure, "scales"))
    chart = reader.page.locator(f"#figure-{figure}")
    drawing = ElementTree.parse(reader.saved(chart.get_by_role("button", name="SVG"))).getroot()
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg" and len(list(drawing.iter())) > 50
    said = " ".join(drawing.itertext())
    assert chart.locator("h3").text_content() in said
    assert "Judge: judge-0." in said or figure != "refusal_counts"
    assert "n\u00a0=\u00a0" in said
    assert ("Cohen’s κ" if figure == "agreement" else "Responses refused") in said, "the axis has a title"
    picture = reader.saved(chart.get_by_role("button", name="PNG")).read_bytes()
    assert picture.startswith(b"\x89PNG") and int.from_bytes(picture[16:20], "big") > 900
    rows = list(csv.reader(io.StringIO(reader.saved(chart.get_by_role("button", name="CSV")).read_text("utf-8-sig"))))
    assert rows[0][-3:] in (["value", "low", "high"], ["high", "count", "total"]) and len(rows) > 10
    if figure not in ("agreement", "scale_curves"):
        printed = {"refusal_heatmap": "refusal_heatmap_harmful"}.get(figure, figure)
        saved = reader.saved(chart.get_by_role("button", name="PDF")).read_bytes()
        assert saved == (study.folder / "figures" / f"{printed}.pdf").read_bytes()


def test_responses_to_harmful_prompts_are_covered_until_shown(reader):
    reader.show("responses-section")
    reader.choose("Prompts", "Harmful")
    assert reader.pairs() == 4 * 8
    card = reader.page.locator(".pair").first
    assert card.locator(".veil").count() == 2
    assert card.locator(".veil .text").first.get_attribute("aria-hidden") == "true"
    card.get_by_role("button", name="Show this answer").first.click()
    assert card.locator(".veil").count() == 1
    reader.page.get_by_role("button", name="Show responses to harmful prompts").click()
    assert reader.page.locator(".veil").count() == 0


def test_responses_to_harmless_prompts_are_visible(reader):
    reader.show("responses-section")
    reader.choose("Prompts", "Harmless")
    assert reader.page.locator(".veil").count() == 0
    assert reader.page.locator(".pair .answer .text").count() == 24


def test_response_pairs_are_filtered_by_verdicts(reader, study):
    reader.show("responses-section")
    everything = reader.pairs()
    found = {}
    for option in ("Refusal became an answer", "Answer became a refusal", "Judges disagree", "All pairs"):
        reader.choose("Show", option)
        found[option] = reader.pairs()
    assert everything == found["All pairs"] == 4 * 16
    assert 0 < found["Refusal became an answer"] < everything
    assert 0 < found["Judges disagree"] < everything
    reader.choose("Show", "Refusal became an answer")
    verdicts = reader.page.locator(".pair .reference .badge").all_text_contents()
    assert set(verdicts[::2]) == {"refusal"} and set(verdicts[1::2]) == {"answer"}
    reader.page.get_by_label("Words").fill("no such words anywhere")
    assert reader.pairs() == 0


def test_every_judge_is_listed_under_a_pair_with_its_score(reader):
    reader.show("responses-section")
    card = reader.page.locator(".pair").first
    assert card.locator(".verdicts .judge").all_text_contents() == [f"judge-{n}" for n in range(4)]
    titles = card.locator(".verdicts li:nth-child(2) .badge").evaluate_all(
        "badges => badges.map((badge) => badge.title)"
    )
    assert all(re.fullmatch(r"Probability of refusal: (90|20)%", title) for title in titles)


def test_more_pairs_are_shown_on_request(reader):
    reader.show("responses-section")
    assert reader.page.locator(".pair").count() == 12
    reader.page.get_by_role("button", name="Show more").click()
    assert reader.page.locator(".pair").count() == 24


def test_page_shows_warnings_and_provenance(reader):
    warnings = reader.page.locator("#cautions").text_content()
    assert "No evidence about real models" in warnings
    assert "Unscored verdicts: judge-2" in warnings
    assert "Unpinned models" in warnings
    reader.show("provenance")
    assert reader.column("stages", 1) == ["Responses"]
    reader.page.get_by_text("Configuration", exact=True).click()
    reader.page.locator("#configuration-text").filter(has_text='"seed": 0').wait_for()


def test_every_control_has_a_name_and_every_table_a_caption(reader):
    for section in ("changes", "matrix", "judges", "judge_validity", "controls", "responses-section", "provenance"):
        reader.show(section)
    nameless = reader.page.evaluate(
        "[...document.querySelectorAll('button, select, input, summary')]"
        ".filter((node) => !(node.textContent.trim() || node.labels?.length || node.ariaLabel)).length"
    )
    assert nameless == 0
    ids = reader.page.evaluate("[...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))
    assert reader.page.evaluate("[...document.querySelectorAll('table')].every((table) => table.caption)")
    assert reader.page.evaluate("[...document.querySelectorAll('.stage svg')].every((svg) => svg.ariaLabel)")
    levels = [
        int(tag[1])
        for tag in reader.page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((h) => h.tagName)")
    ]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_tables_open_on_the_main_result(reader):
    assert set(reader.column("robustness", 2)) == {"abliterated"}
    assert set(reader.column("robustness", 3)) == {"judge-0"}
    assert set(reader.column("robustness", 4)) == {"Harmful"}
    changes = [int(re.match(r"[−+]?\d+", text)[0].replace("−", "-")) for text in reader.column("robustness", 6)]
    assert changes == sorted(changes) and len(changes) == 4
    widths = reader.page.locator(".data-table thead tr").evaluate_all("rows => rows.map((row) => row.children.length)")
    assert max(widths) <= 8


def test_one_switch_shows_controls_and_baselines_everywhere(reader):
    page = reader.page
    heat = page.locator("#figure-refusal_heatmap svg")
    verdicts = page.locator(".pair").first.locator(".verdicts")
    assert page.locator("#figure-controls svg").count() == 0
    assert "random" not in heat.text_content() and "label-only" not in heat.text_content()
    assert set(reader.column("edits", 2)) == {"abliterated"}
    assert "label-only" not in verdicts.text_content()
    page.locator("#figure-controls").get_by_role("button", name="Show controls and baselines").click()
    assert page.get_by_label("Controls and baselines", exact=True).is_checked()
    assert page.locator("#figure-controls svg").count() == 1
    assert "random" in heat.text_content() and "label-only" in heat.text_content()
    assert set(reader.column("edits", 2)) == {"abliterated", "random"}
    assert "label-only" in page.locator(".pair").first.locator(".verdicts").text_content()
    assert page.url.endswith("#controls=shown")


def test_tables_and_charts_follow_the_judge_of_the_page(reader):
    before = reader.page.locator("#figure-refusal_counts svg").inner_html()
    reader.choose("Judge", "judge-3", "#view")
    assert set(reader.column("robustness", 3)) == {"judge-3"}
    assert reader.page.locator("#figure-refusal_counts svg").inner_html() != before
    reader.page.get_by_role("button", name="Reset the view").click()
    assert set(reader.column("robustness", 3)) == {"judge-0"}
    assert reader.page.locator("#figure-refusal_counts svg").inner_html() == before


def test_row_details_open_and_are_searchable_while_closed(reader):
    table = reader.table("edits")
    box = table.locator(".details").first
    assert not box.locator("dl").is_visible() and "Median cosine" in box.inner_html()
    opener = table.get_by_role("button", name="Details: model-0").first
    opener.press("Enter")
    assert opener.get_attribute("aria-expanded") == "true"
    assert box.locator("dl").is_visible() and "Stability0.98" in box.inner_text()
    opener.click()
    assert box.get_attribute("hidden") == "until-found"
    box.dispatch_event("beforematch")
    assert opener.get_attribute("aria-expanded") == "true"


def test_link_reproduces_the_view(browser, reader, study):
    page = reader.page
    reader.choose("Judge", "judge-2", "#view")
    reader.choose("Prompts", "Harmless", "#table-robustness")
    reader.table("robustness").get_by_role("button", name="Rate", exact=True).click()
    reader.choose("Prompts", "Harmless", "#figure-refusal_heatmap")
    reader.choose("Show", "Judges disagree")
    page.get_by_label("Words").fill("thing NUMBER 5")
    card = page.locator(".pair").filter(has_text="harmful thing number 5").first
    card.get_by_role("button", name="Show this answer").first.click()
    page.locator("#contents a[href='#matrix']").click()
    seen = [reader.column("robustness", 5), reader.pairs(), page.locator("#figure-refusal_heatmap svg").text_content()]
    address = page.url
    assert "#matrix&" in address and "pair=" in address and "robustness.order-by=-rate" in address
    with browser.context() as context:
        other = Reader(context, study.page)
        other.page.goto("about:blank")
        other.page.goto(address)
        assert_in_sight(other.page, "matrix")
        chart = other.page.locator("#figure-refusal_heatmap svg").text_content()
        assert [other.column("robustness", 5), other.pairs(), chart] == seen
        opened = other.page.locator(".pair.opened")
        assert "harmful thing number 5" in opened.text_content() and opened.locator(".veil").count() == 0
        assert other.page.locator("#view select").first.input_value() == "judge-2"
        assert set(opened.locator("mark").all_text_contents()) == {"thing number 5"}
        wrong = "#pair=%E0%A4%A&judge=nobody&model=<b>&robustness.order-by=--&=&responses.show=x"
        other.page.evaluate("(hash) => { window.location.hash = hash; }", wrong)
        assert set(other.column("robustness", 3)) == {"judge-0"}
        other.assert_quiet(study.page)


def test_model_page_shows_only_that_model(reader):
    page = reader.page
    page.locator("#table-models").get_by_role("link", name="model-2").click()
    page.locator("#back").wait_for()
    assert page.url.endswith("#model=model-2")
    assert page.locator("#title").text_content().startswith("model-2, abliterated: refusals of harmful prompts went")
    assert reader.column("robustness", 1) == ["model-2"] == reader.column("edits", 1)
    chart = page.locator("#figure-refusal_counts svg").text_content()
    assert "model-2" in chart and "model-1" not in chart
    assert reader.table("judge_validity").is_hidden()
    assert page.locator("#method").is_hidden() and page.locator("#contents a[href='#method']").is_hidden()
    assert reader.pairs() == 16
    page.go_back()
    assert len(reader.column("robustness", 1)) == 4 and reader.table("judge_validity").is_visible()


def test_empty_filters_say_so_and_can_be_cleared(reader):
    reader.page.get_by_label("Words").fill("no such words anywhere")
    assert reader.pairs() == 0
    reader.page.get_by_role("button", name="Clear the filters").click()
    assert reader.pairs() == 64
    reader.choose("Variant", "original", "#table-robustness")
    reader.choose("Conclusion", "inconclusive", "#table-robustness")
    assert reader.column("robustness", 1) == []
    reader.table("robustness").get_by_role("button", name="Show all rows").click()
    assert len(reader.column("robustness", 1)) == 4 * 2 * 4 * 2


def test_nearly_identical_responses_share_a_card(browser, tmp_path):
    texts = "To begin with, gather what you need and keep it at hand. Then do it step by step, and look at the result"
    study = MadeUpStudy(
        tmp_path, models=3, judges=2, prompts=2, answer=lambda number, _: f"{texts} {number % 2}."
    ).make()
    study.write(show="full")
    with browser.context() as context:
        reader = Reader(context, study.page)
        assert reader.pairs() == 12 and reader.page.locator("#browser > div > .pairs > .pair").count() == 4
        alike = reader.page.locator(".alike").first
        assert alike.locator("summary").text_content().endswith("of 2 more: model-1, model-2")
        alike.locator("summary").click()
        alike.locator(".pair").nth(1).wait_for()
        reader.assert_quiet(study.page)


def test_dark_theme_is_remembered(reader, study):
    reader.page.get_by_role("button", name="Dark").click()
    background = reader.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    reader.page.reload()
    assert reader.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == background
    assert max(map(int, re.findall(r"\d+", background))) < 60


WIDE, NARROW = {"viewport": {"width": 1440, "height": 900}}, {"viewport": {"width": 390, "height": 844}}
OFFSET = """(id) => {
  const root = document.documentElement;
  const place = document.getElementById(id).getBoundingClientRect().top;
  const end = root.scrollHeight - window.innerHeight - window.scrollY;
  return [place, end, parseFloat(getComputedStyle(root).scrollPaddingTop)];
}"""


def assert_in_sight(page, identity):
    """The element is at the top of the window, below the contents, or as far up as the end of the page allows."""
    place, end, padding = page.evaluate(OFFSET, identity)
    assert abs(place - padding) < 3 or (end < 2 and place > 0), (identity, place, end)


@pytest.mark.parametrize("options", [WIDE, NARROW], ids=["wide", "narrow"])
def test_links_and_addresses_lead_to_their_section(browser, study, options):
    with browser.context(**options) as context:
        reader = Reader(context, study.page)
        links = [link.get_attribute("href") for link in reader.page.locator("#contents a, a[href^='#']").all()]
        targets = list(dict.fromkeys(link.removeprefix("#") for link in links if "=" not in link))
        assert len(targets) > 10
        for identity in reversed(targets):
            reader.page.locator(f"a[href='#{identity}']").last.evaluate("(link) => link.click()")
            assert_in_sight(reader.page, identity)
        for identity in [*targets[1::3], "figure-agreement", "table-edits"]:
            page = context.new_page()
            page.goto(f"{study.page.as_uri()}#{identity}")
            assert_in_sight(page, identity)
            page.close()
        reader.assert_quiet(study.page)


@pytest.mark.parametrize("people", [[], ["judge-3"]], ids=["judges", "human labels"])
def test_page_has_no_axe_violations(browser, tmp_path, people):
    study = MadeUpStudy(tmp_path, models=2, judges=4, prompts=4).make()
    study.write(human_judges=people)
    with browser.context(**WIDE) as context:
        reader = Reader(context, study.page)
        reader.page.get_by_label("Controls and baselines", exact=True).check()
        reader.page.evaluate("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
        reader.page.locator("button.open").first.click()
        for width, name in itertools.product((1440, 390), ("Dark", "Light")):
            reader.page.set_viewport_size({"width": width, "height": 900})
            reader.page.get_by_role("button", name=name, exact=True).click()
            assert violations(reader.page) == [], (width, name)


def test_whole_page_is_searchable_and_linkable(reader):
    """The browser's own search finds what is in the page, without anything having been scrolled to."""
    for identity in ("figure-controls", "table-confusion", "table-stages"):
        assert reader.page.locator(f"#{identity}").count() == 1
    assert reader.page.locator("#browser .pair").count() == 12
    texts = reader.page.locator("#figure-agreement svg").text_content()
    assert "judge-3" in texts
    assert reader.page.evaluate("window.find('Edits and controls')")


def test_print_repeats_headings_and_states_omitted_rows(reader):
    table = reader.table("robustness")
    said = table.locator("p.on-paper")
    assert said.text_content() == "4 of 120 rows are printed; the page and its file hold all.", (
        "filters are not printed"
    )
    everything(reader)
    reader.page.emulate_media(media="print")
    assert table.locator("thead .on-paper").first.is_visible() and table.locator("thead button").first.is_hidden()
    assert table.locator("tbody tr.main:visible").count() == 25
    assert said.text_content() == "25 of 120 rows are printed; the page and its file hold all."
    assert reader.table("stages").locator("p.on-paper").is_hidden()
    badge = reader.page.locator(".verdict-r").first
    assert badge.evaluate("(badge) => getComputedStyle(badge).printColorAdjust") == "exact"


def test_toggle_states_its_action_with_readable_contrast(reader):
    toggle = reader.page.get_by_role("button", name="Show responses to harmful prompts")
    toggle.click()
    cover = reader.page.get_by_role("button", name="Cover responses to harmful prompts")
    assert cover.get_attribute("aria-pressed") is None
    contrast = cover.evaluate("(node) => [getComputedStyle(node).color, getComputedStyle(node).backgroundColor]")
    assert contrast[0] != contrast[1]
    reader.page.get_by_role("button", name="Dark").click()
    assert reader.page.get_by_role("button", name="Light").count() == 1


def test_charts_on_a_phone_keep_row_names(browser, tmp_path):
    labels = {"models": {f"model-{number}": f"Safety tuned model number {number}" for number in range(3)}}
    labels["judges"] = {"judge-1": "A large judge with a long name, second version"}
    labels["variants"] = {"abliterated": "Ablated along the mean difference"}
    study = MadeUpStudy(tmp_path, models=3, judges=9, labels=labels).make()
    study.write()
    with browser.context(**NARROW) as context:
        reader = Reader(context, study.page)
        for figure in ("refusal_counts", "refusal_heatmap"):
            texts = reader.page.locator(f"#figure-{figure} svg text").all_text_contents()
            assert "Safety tuned model number 0" in texts, figure
            assert not [text for text in texts if "…" in text], "nothing is cut"
        stage = reader.page.locator("#figure-refusal_heatmap .stage")
        stage.evaluate("(stage) => { stage.scrollLeft = 150; }")
        reader.page.wait_for_timeout(100)
        name = stage.get_by_text("original").first
        assert name.bounding_box()["x"] >= stage.bounding_box()["x"], "the names of the rows do not scroll away"
        scroller = reader.table("robustness").locator(".scroller")
        scroller.evaluate("(box) => { box.scrollLeft = 200; }")
        first = reader.table("robustness").locator("tbody th").first.bounding_box()["x"]
        assert abs(first - scroller.bounding_box()["x"]) < 2, "the first column does not scroll away"


def test_print_is_white_and_contains_every_chart(reader):
    reader.page.get_by_role("button", name="Dark").click()
    assert reader.page.pdf().startswith(b"%PDF")
    reader.page.get_by_label("Controls and baselines", exact=True).check()
    assert reader.page.locator("#figure-controls svg").count() == 1, "what was not near the window is drawn for print"
    assert reader.page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("show", ["none", "full"])
def test_responses_are_hidden_or_open_as_configured(browser, study, tmp_path, show):
    other = MadeUpStudy(study.folder)
    before = other.page.read_bytes()
    try:
        text = other.write(show=show).read_text(encoding="utf-8")
        with browser.context() as context:
            reader = Reader(context, other.page)
            if show == "none":
                assert "Here is answer" not in text and "Please explain" not in text
                assert reader.page.locator("#browser").is_hidden()
                assert "not included" in reader.page.locator("#responses-note").text_content()
            else:
                reader.show("responses-section")
                assert reader.page.locator(".veil").count() == 0
                assert reader.page.locator(".pair").count() == 12
            reader.assert_quiet(other.page)
    finally:
        other.page.write_bytes(before)


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
