"""Charts of the report: what they show, and what is saved of them."""

import csv
import io
import itertools
import re
from xml.etree import ElementTree

import pytest
from tests.report_reader import NARROW, WIDE, Reader, changed_page
from tests.studies import MadeUpStudy

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize("width", [680, 1280, 1800])
def test_panel_counts_do_not_overlap_the_next_panel(reader, width):
    reader.page.set_viewport_size({"width": width, "height": 900})
    reader.show("changes")
    texts = reader.page.locator("#figure-refusal_counts svg text")
    boxes = [(text.text_content(), text.bounding_box()) for text in texts.all()]
    second = [box["x"] for text, box in boxes if text == "0%"][1]
    ends = [box["x"] + box["width"] for text, box in boxes if "→" in text and box["x"] < second]
    assert len(ends) == 4 and second - max(ends) >= 28


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


def test_tables_and_charts_follow_the_judge_of_the_page(reader):
    before = reader.page.locator("#figure-refusal_counts svg").inner_html()
    reader.choose("Judge", "judge-3", "#view")
    assert set(reader.column("robustness", 3)) == {"judge-3"}
    assert reader.page.locator("#figure-refusal_counts svg").inner_html() != before
    reader.page.get_by_role("button", name="Reset the view").click()
    assert set(reader.column("robustness", 3)) == {"judge-0"}
    assert reader.page.locator("#figure-refusal_counts svg").inner_html() == before


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


def test_printed_charts_fit_their_page(browser, tmp_path):
    study = MadeUpStudy(tmp_path, models=12, judges=2, prompts=4).make()
    study.write()
    with browser.context(**WIDE) as context:
        reader = Reader(context, study.page)
        matrix = reader.page.locator("#figure-refusal_heatmap svg")
        assert matrix.bounding_box()["height"] > 600
        reader.page.emulate_media(media="print")
        assert matrix.bounding_box()["height"] <= 146 * 96 / 25.4, "with its heading and its note on one page"


def test_wide_charts_show_whole_names(browser, tmp_path):
    long = "Score 0 + Rephrase + Refusal, all components"
    study = MadeUpStudy(tmp_path, models=2, judges=2, prompts=4, labels={"models": {"model-0": long}}).make()
    study.write()
    with browser.context(**WIDE) as context:
        reader = Reader(context, study.page)
        for figure in ("conclusions", "refusal_heatmap"):
            names = reader.page.locator(f"#figure-{figure} svg text").all_text_contents()
            assert long in names, figure


def test_print_is_white_and_contains_every_chart(reader):
    reader.page.get_by_role("button", name="Dark").click()
    assert reader.page.pdf().startswith(b"%PDF")
    reader.page.get_by_label("Controls and baselines", exact=True).check()
    assert reader.page.locator("#figure-controls svg").count() == 1, "what was not near the window is drawn for print"
    assert reader.page.evaluate("document.documentElement.dataset.theme") == "dark"
