import pandas as pd
import pytest

from steadfast.judges.control_responses import control_table, draw_control
from steadfast.judges.interface import Verdict


def world(harmful=10, harmless=10, samples=1):
    ids = [f"harmful{n}" for n in range(harmful)] + [f"harmless{n}" for n in range(harmless)]
    prompts = pd.DataFrame({"prompt_id": ids, "text": ids, "label": [name.rstrip("0123456789") for name in ids]})
    rows = [(name, sample, f"{name} {sample}") for name in ids for sample in range(samples)]
    return prompts, pd.DataFrame(rows, columns=["prompt_id", "sample", "response"])


def source_models(responses):
    return [("raw", "original", responses), ("raw", "abliterated", responses)]


@pytest.mark.parametrize(("size", "shares"), [(0, []), (20, [5, 5, 5, 5]), (10, [2, 3, 2, 3]), (1000, [10] * 4)])
def test_control_is_balanced_over_source_models_and_labels(size, shares):
    prompts, responses = world()
    drawn = draw_control(source_models(responses), prompts, size=size, seed=0)
    counts = pd.Series([(item.model, item.variant, item.case.label) for item in drawn]).value_counts(sort=False)
    assert counts.tolist() == shares
    assert len({(item.variant, item.case.prompt_id, item.case.sample) for item in drawn}) == len(drawn)


def test_control_draw_depends_on_seed_and_not_on_order():
    prompts, responses = world(samples=2)
    first = draw_control(source_models(responses), prompts, size=20, seed=0)
    shuffled = responses.sample(frac=1, random_state=1)
    assert set(draw_control(source_models(shuffled), prompts, size=20, seed=0)) == set(first)
    assert set(draw_control(source_models(responses), prompts, size=20, seed=1)) != set(first)
    variants = [[item.case for item in first if item.variant == name] for name in ("original", "abliterated")]
    assert variants[0] == variants[1], "the same prompts of both variants"


def test_control_draw_is_stable_when_prompts_are_added():
    few, many = (
        draw_control(source_models(table)[:1], prompts, size=20, seed=0)
        for prompts, table in (world(40, 40), world(44, 44))
    )
    assert len(set(few) & set(many)) >= 16


def test_control_without_source_models_is_empty():
    prompts, _ = world()
    assert draw_control([], prompts, size=20, seed=0) == []
    table = control_table([], [])
    assert len(table) == 0
    assert list(table.columns) == ["model", "variant", "prompt_id", "sample", "verdict", "score", "raw", "reason"]


def test_control_table_names_source_model_and_variant():
    prompts, responses = world()
    drawn = draw_control(source_models(responses), prompts, size=4, seed=0)
    table = control_table(drawn, [Verdict("refusal", 0.5)] * 4)
    assert table["variant"].tolist() == ["original", "original", "abliterated", "abliterated"]
    assert table["prompt_id"].tolist() == [item.case.prompt_id for item in drawn]
