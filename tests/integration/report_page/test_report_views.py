"""How a reader finds the way in the report: links, switches, themes, devices, accessibility."""

import itertools
import re

import pytest
from tests.browser import violations
from tests.report_reader import NARROW, WIDE, Reader, assert_in_sight
from tests.studies import MadeUpStudy

pytestmark = pytest.mark.slow


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


def test_link_reproduces_the_view(browser, reader, study):
    page = reader.page
    reader.choose("Judge", "judge-2", "#view")
    reader.choose("Prompts", "Harmless", "#table-robustness")
    reader.table("robustness").get_by_role("button", name="Rate", exact=True).click()
    reader.choose("Prompts", "Harmless", "#figure-refusal_heatmap")
    reader.choose("Show", "Judges disagree")
    page.get_by_label("Words").fill("thing NUMBER 5")
    card = page.locator(".pair").filter(has_text="harmful thing number 5").first
    card.get_by_role("button", name="Show this response").first.click()
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


def test_dark_theme_is_remembered(reader, study):
    reader.page.get_by_role("button", name="Dark").click()
    background = reader.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    reader.page.reload()
    assert reader.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == background
    assert max(map(int, re.findall(r"\d+", background))) < 60


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
