"""Responses in the report: pairs, verdicts, and what is covered."""

import re

import pytest
from tests.report_reader import Reader, changed_page
from tests.studies import MadeUpStudy

pytestmark = pytest.mark.slow


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


def test_responses_to_harmful_prompts_are_covered_until_shown(reader):
    reader.show("responses-section")
    reader.choose("Prompts", "Harmful")
    assert reader.pairs() == 4 * 8
    card = reader.page.locator(".pair").first
    assert card.locator(".veil").count() == 2
    assert card.locator(".veil .text").first.get_attribute("aria-hidden") == "true"
    card.get_by_role("button", name="Show this response").first.click()
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


def test_toggle_states_its_action_with_readable_contrast(reader):
    toggle = reader.page.get_by_role("button", name="Show responses to harmful prompts")
    toggle.click()
    cover = reader.page.get_by_role("button", name="Cover responses to harmful prompts")
    assert cover.get_attribute("aria-pressed") is None
    contrast = cover.evaluate("(node) => [getComputedStyle(node).color, getComputedStyle(node).backgroundColor]")
    assert contrast[0] != contrast[1]
    reader.page.get_by_role("button", name="Dark").click()
    assert reader.page.get_by_role("button", name="Light").count() == 1


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
