"""Tables of the report: rows, filters, and what is saved and printed of them."""

import csv
import io
import re

import pytest
from tests.report_reader import NARROW, Reader, everything
from tests.studies import MadeUpStudy

from steadfast.core.locations import project_file
from steadfast.report.wording import percent, signed

pytestmark = pytest.mark.slow

NUMBERS = project_file("resources/report/numbers.js")


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


def test_numbers_read_as_in_the_files(reader):
    values = [-0.9, -0.0996, -0.0333, -0.0001, 0.0, 0.004, 0.05, 0.0995, 0.5, 0.997, 1.0]
    # the page's script has a scope of its own, so its formats are read from the file
    script = NUMBERS.read_text(encoding="utf-8")
    shown = reader.page.evaluate(
        f"(all) => {{ {script}; return all.map((one) => [FORMATS.points(one), FORMATS.share(one)]); }}", values
    )
    assert shown == [[signed(value), f"{percent(value)}%"] for value in values]


def test_tables_open_on_the_main_result(reader):
    assert set(reader.column("robustness", 2)) == {"abliterated"}
    assert set(reader.column("robustness", 3)) == {"judge-0"}
    assert set(reader.column("robustness", 4)) == {"Harmful"}
    changes = [int(re.match(r"[−+]?\d+", text)[0].replace("−", "-")) for text in reader.column("robustness", 6)]
    assert changes == sorted(changes) and len(changes) == 4
    widths = reader.page.locator(".data-table thead tr").evaluate_all("rows => rows.map((row) => row.children.length)")
    assert max(widths) <= 8


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


def test_first_table_shows_the_change_on_a_phone(browser, tmp_path):
    labels = {"models": {"model-0": "Score 0 + Rephrase + Refusal", "model-1": "Safe LM (all components)"}}
    study = MadeUpStudy(tmp_path, models=3, judges=2, prompts=20, labels=labels).make()
    study.write()
    with browser.context(**NARROW) as context:
        reader = Reader(context, study.page)
        for row in reader.table("models").locator("tbody tr.main").all():
            box = row.locator("td").nth(3).bounding_box()
            assert box["x"] + box["width"] <= 390 and row.locator("td").nth(3).locator(".interval").is_visible()


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
