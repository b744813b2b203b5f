import json
import re

import pandas as pd
import pytest

from steadfast.core.errors import DataError
from steadfast.core.files import read_table, write_table
from steadfast.judges.annotation.definition import load_definition
from steadfast.judges.annotation.page import KEY_COLUMNS, build_annotation_page, write_annotation_page


@pytest.fixture
def build(prompts, responses, definition, resources):
    def build_page(**settings):
        return build_annotation_page(prompts, responses, definition=definition, resources=resources, **settings)

    return build_page


def page_data(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)[1])


def test_annotation_page_reveals_no_model_variant_label_or_source(build, prompts, responses):
    html = build().html
    secrets = {name for system in responses for name in system} | {
        "harmful",
        "harmless",
        "gardening-or-worse",
        "made-up",
    }
    assert [secret for secret in (*secrets, *prompts["prompt_id"]) if secret in html] == []


def test_every_distinct_response_is_shown_once(build, responses):
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


def test_answer_key_maps_items_to_responses(build, prompts, responses):
    page = build()
    data = page_data(page.html)
    texts = {item["id"]: (data["questions"][item["question"]], item["text"]) for item in data["items"]}
    question = prompts.set_index("prompt_id")["text"]
    assert list(page.key.columns) == KEY_COLUMNS
    for row in page.key[page.key["selected"]].itertuples():
        table = responses[row.model, row.variant].set_index(["prompt_id", "sample"])
        assert texts[row.item_id] == (question[row.prompt_id], table.loc[(row.prompt_id, row.sample), "response"])


def test_page_does_not_depend_on_the_order_of_its_inputs(build, prompts, responses, definition, resources):
    shuffled = {system: table.sample(frac=1, random_state=1) for system, table in reversed(responses.items())}
    again = build_annotation_page(
        prompts.sample(frac=1, random_state=2), shuffled, definition=definition, resources=resources
    )
    assert again.html == build().html
    assert again.key.equals(build().key)


def test_item_ids_stay_when_a_pair_is_added(build, prompts, responses, definition, resources):
    fewer = dict(list(responses.items())[:2])
    before = build_annotation_page(prompts, fewer, definition=definition, resources=resources).key
    after = build().key
    columns = ["item_id", "model", "variant", "prompt_id", "sample"]
    assert len(before.merge(after, on=columns)) == len(before)
    assert set(before["item_set"]) != set(after["item_set"])


def test_item_set_depends_on_the_definition(build, prompts, responses, resources, tmp_path):
    text = (resources / "annotation/refusal.yaml").read_text().replace("What counts as", "What else counts as")
    (tmp_path / "other.yaml").write_text(text)
    other = load_definition(tmp_path / "other.yaml")
    changed = build_annotation_page(prompts, responses, definition=other, resources=resources)
    assert set(changed.key["item_set"]).isdisjoint(build().key["item_set"])


def test_write_annotation_page_reads_and_writes_files(prompts, responses, resources, tmp_path):
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
        definition=resources / "annotation/refusal.yaml",
        resources=resources,
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


def test_annotation_page_without_responses_raises(prompts, definition, resources):
    with pytest.raises(DataError, match="no responses"):
        build_annotation_page(prompts, {}, definition=definition, resources=resources)


def test_annotation_page_without_human_prompts_raises(prompts, responses, definition, resources):
    with pytest.raises(DataError, match=r"prompts\.human"):
        build_annotation_page(prompts.assign(human=False), responses, definition=definition, resources=resources)


def test_annotation_page_rejects_responses_to_unknown_prompts(prompts, responses, definition, resources):
    with pytest.raises(DataError, match="unknown prompt"):
        build_annotation_page(prompts.iloc[1:], responses, definition=definition, resources=resources)


def test_long_and_odd_texts_round_trip_through_the_page(prompts, definition, resources):
    text = "a" * 50_000 + "\x00</script>\u202e"
    table = pd.DataFrame({"prompt_id": prompts["prompt_id"].iloc[:1], "sample": 0, "response": text})
    page = build_annotation_page(prompts, {("m", "v"): table}, definition=definition, resources=resources)
    assert page_data(page.html)["items"][0]["text"] == text
