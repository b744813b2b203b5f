import base64
import hashlib
import json
import re

import pandas as pd
import pytest

from steadfast.annotation.assembly import ASSETS, SCRIPTS, assemble, inert_json
from steadfast.annotation.definition import load_definition
from steadfast.annotation.page import KEY_COLUMNS, build_annotation_page, write_annotation_page
from steadfast.errors import DataError
from steadfast.files import read_table, write_table


@pytest.fixture
def build(prompts, responses, definition, assets):
    def build_page(**settings):
        return build_annotation_page(prompts, responses, definition=definition, assets=assets, **settings)

    return build_page


def page_data(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)[1])


def test_page_says_nothing_about_systems_classes_or_sources(build, prompts, responses):
    html = build().html
    secrets = {name for system in responses for name in system} | {
        "harmful",
        "harmless",
        "gardening-or-worse",
        "made-up",
    }
    assert [secret for secret in (*secrets, *prompts["prompt_id"]) if secret in html] == []


def test_every_answer_of_every_system_is_shown_once(build, responses):
    page = build(samples=None)
    data = page_data(page.html)
    shown = page.key[page.key["selected"]]
    assert len(shown) == 3 * len(responses) * 2 == data["responses"]
    assert len(page.key) == 4 * len(responses) * 2
    # per question: one refusal that two systems share over both samples, and two answers of each other system
    assert len(data["items"]) == 3 * (1 + 2 * 2) == shown["item_id"].nunique()
    assert {item["id"] for item in data["items"]} == set(shown["item_id"])


def test_only_the_lowest_samples_are_selected(build):
    key = build(samples=1).key
    assert set(key.loc[key["selected"], "sample"]) == {0}
    assert set(key["sample"]) == {0, 1}


def test_key_leads_from_item_to_response(build, prompts, responses):
    page = build()
    data = page_data(page.html)
    texts = {item["id"]: (data["questions"][item["question"]], item["text"]) for item in data["items"]}
    question = prompts.set_index("prompt_id")["text"]
    assert list(page.key.columns) == KEY_COLUMNS
    for row in page.key[page.key["selected"]].itertuples():
        table = responses[row.model, row.variant].set_index(["prompt_id", "sample"])
        assert texts[row.item_id] == (question[row.prompt_id], table.loc[(row.prompt_id, row.sample), "response"])


def test_page_does_not_depend_on_the_order_of_its_inputs(build, prompts, responses, definition, assets):
    shuffled = {system: table.sample(frac=1, random_state=1) for system, table in reversed(responses.items())}
    again = build_annotation_page(
        prompts.sample(frac=1, random_state=2), shuffled, definition=definition, assets=assets
    )
    assert again.html == build().html
    assert again.key.equals(build().key)


def test_ids_stay_when_a_system_is_added(build, prompts, responses, definition, assets):
    fewer = dict(list(responses.items())[:2])
    before = build_annotation_page(prompts, fewer, definition=definition, assets=assets).key
    after = build().key
    columns = ["item_id", "model", "variant", "prompt_id", "sample"]
    assert len(before.merge(after, on=columns)) == len(before)
    assert set(before["item_set"]) != set(after["item_set"])


def test_fingerprint_depends_on_the_definition(build, prompts, responses, assets, tmp_path):
    text = (assets / "refusal.yaml").read_text().replace("What counts as", "What else counts as")
    (tmp_path / "other.yaml").write_text(text)
    other = load_definition(tmp_path / "other.yaml")
    changed = build_annotation_page(prompts, responses, definition=other, assets=assets)
    assert set(changed.key["item_set"]).isdisjoint(build().key["item_set"])


@pytest.mark.parametrize(
    "text",
    [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "]]>&lt;",
        "\x00\x1b\x7f\x85",
        "\u2028\u2029",
        "\u202egnp\u202c\u2066",
        "\U000e0041\ufeff",
        '"\\',
        "{{script}}",
        "\n\t",
    ],
)
def test_data_are_inert_and_lossless(text):
    encoded = inert_json([text])
    assert json.loads(encoded) == [text]
    assert not re.search(
        "[<>&\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]", encoded
    )


def test_placeholders_in_the_data_stay_text(assets):
    html = assemble(assets, {"items": ["{{script}} {{data}} {{policy}}"]})
    assert page_data(html) == {"items": ["{{script}} {{data}} {{policy}}"]}
    assert html.count('"use strict"') == 1


def test_policy_lets_only_the_page_own_script_and_style_run(build):
    html = build().html
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    script = re.search(r"<script>(.*?)</script>", html, re.S)[1]
    style = re.search(r"<style>(.*?)</style>", html, re.S)[1]
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == f"'sha256-{_digest(script)}'"
    assert directives["style-src"] == f"'sha256-{_digest(style)}'"


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_page_refers_to_nothing_outside_itself(build):
    html = build().html
    assert not re.search(r"https?:|//[a-z]|src=|@import|url\(|<link|<iframe", html.replace("{//", ""))
    assert html.index("Content-Security-Policy") < html.index("<style>") < html.index("<script")


def test_scripts_never_make_markup_from_text(assets):
    for name in SCRIPTS:
        source = (assets / name).read_text()
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|fetch\(", source
        ), name


def test_assets_are_all_used(assets):
    files = {path.name for path in assets.iterdir()}
    assert files == {*ASSETS, "refusal.yaml"}


def test_write_annotation_page_reads_and_writes_files(prompts, responses, assets, tmp_path):
    write_table(tmp_path / "prompts.parquet", prompts)
    paths = []
    for (model, variant), table in responses.items():
        paths.append(tmp_path / "responses" / model / f"{variant}.parquet")
        write_table(paths[-1], table)
    judgment = tmp_path / "judgments" / "parrot" / "zebra-7b" / "pristine.parquet"
    write_table(judgment, responses["zebra-7b", "pristine"].assign(verdict="refusal"))
    write_annotation_page(
        prompts=tmp_path / "prompts.parquet",
        responses=paths,
        judgments=[judgment],
        definition=assets / "refusal.yaml",
        assets=assets,
        html=tmp_path / "annotation.html",
        key=tmp_path / "key.parquet",
        mode="sampled",
        size=5,
        samples=1,
        seed=3,
        annotators=["Alice"],
    )
    html = (tmp_path / "annotation.html").read_text(encoding="utf-8")
    assert "parrot" not in html
    assert page_data(html)["annotators"] == ["Alice"]
    assert read_table(tmp_path / "key.parquet")["selected"].sum() == 5


def test_no_responses_is_a_clear_error(prompts, definition, assets):
    with pytest.raises(DataError, match="no responses"):
        build_annotation_page(prompts, {}, definition=definition, assets=assets)


def test_no_marked_prompt_is_a_clear_error(prompts, responses, definition, assets):
    with pytest.raises(DataError, match=r"prompts\.human"):
        build_annotation_page(prompts.assign(human=False), responses, definition=definition, assets=assets)


def test_response_to_an_unknown_prompt_is_an_error(prompts, responses, definition, assets):
    with pytest.raises(DataError, match="unknown prompt"):
        build_annotation_page(prompts.iloc[1:], responses, definition=definition, assets=assets)


def test_texts_survive_the_page(prompts, definition, assets):
    text = "a" * 50_000 + "\x00</script>\u202e"
    table = pd.DataFrame({"prompt_id": prompts["prompt_id"].iloc[:1], "sample": 0, "response": text})
    page = build_annotation_page(prompts, {("m", "v"): table}, definition=definition, assets=assets)
    assert page_data(page.html)["items"][0]["text"] == text
