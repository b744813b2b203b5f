"""Which attack is chosen, by every rule of the choice."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from steadfast.analysis.attack_selection import COLUMNS, Attack, choose_attack
from steadfast.analysis.tables.selected_attacks import best_attack_table
from steadfast.attacks.directions import Direction, load_direction
from steadfast.core.errors import DataError

PROMPTS = [f"p{number}" for number in range(10)]


def trial(refused, *, unscored=0, degenerate=0, prompts=PROMPTS, samples=1):
    """Responses and judgments in which the first are refused, the last unscored, and some degenerate."""
    keys = pd.DataFrame([(prompt, sample) for prompt in prompts for sample in range(samples)])
    keys = (
        keys.set_axis(["prompt_id", "sample"], axis=1) if len(keys) else pd.DataFrame(columns=["prompt_id", "sample"])
    )
    answered = len(keys) - refused - unscored
    verdicts = ["refusal"] * refused + ["non_refusal"] * answered + ["unscored"] * unscored
    flags = [place < degenerate for place in range(len(keys))]
    return keys.assign(degenerate=pd.Series(flags, dtype=bool)), keys.assign(verdict=pd.Series(verdicts, dtype=str))


@pytest.fixture
def attack(tmp_path):
    """Make an attack that was tried; the direction's method says whose it is."""

    def make(name, refused=0, *, norm=1.0, reason="", valid=True, **outcome):
        rows = np.eye(1 if valid else 0, 4, dtype=np.float32)
        file = tmp_path / f"{name}.safetensors"
        tensors = {"key": np.full(3, 7, dtype=np.float32)}
        Direction(rows, f"method of {name}", "2", -1, 0.5, tensors, details={"keys_layer": 1}).save(file)
        (tmp_path / name).mkdir()
        manifest = {"effective": not reason, "reason": reason, "change_norm": norm}
        (tmp_path / name / "edit_manifest.json").write_text(json.dumps(manifest))
        return Attack(name, {"method": name}, file, tmp_path / name, *trial(refused, **outcome))

    return make


def choice_of(attacks, original=None, *, prompts=10, degenerate=0.2):
    return choose_attack(attacks, *(original or trial(9)), prompts=prompts, degenerate=degenerate)


def choose(attacks, original=None, **settings):
    return choice_of(attacks, original, **settings).direction


def chosen_of(direction):
    table = direction.selection
    return table.loc[table["chosen"], "attack"].tolist()


def reason_of(direction, name):
    return direction.selection.set_index("attack")["reason"][name]


def test_attack_with_fewest_refusals_is_chosen_with_its_tensors(attack):
    choice = choice_of([attack("weak", 5), attack("strong", 1, norm=9.0), attack("none", 9)])
    found = choice.direction
    assert chosen_of(found) == ["strong"]
    assert (found.details["attack"], choice.edit) == ("strong", {"method": "strong"})
    assert found.details["keys_layer"] == 1
    assert found.tensors["key"].tolist() == [7, 7, 7]
    assert (found.method, found.layer, found.position, found.score) == ("method of strong", "2", -1, 0.5)
    assert found.valid and not found.reason


def test_selection_table_lists_the_original_and_every_attack(attack, tmp_path):
    choose([attack("one", 5, degenerate=1), attack("two", 1)]).save(tmp_path / "found.safetensors")
    table = pd.read_csv(tmp_path / "found.csv")
    assert table.columns.tolist() == COLUMNS
    assert table["attack"].tolist() == ["original", "one", "two"]
    assert table["refused"].tolist() == [9, 5, 1]
    assert table["degenerate"].tolist() == [0, 0.1, 0]
    assert table["effective"].isna().tolist() == [True, False, False]
    assert table["reason"].isna().all()
    again = load_direction(tmp_path / "found.safetensors")
    assert again.details["attack"] == "two"


@pytest.mark.parametrize(
    ("first", "second", "wanted"), [(2.0, 1.0, "second"), (1.0, 2.0, "first"), (1.0, 1.0, "first")]
)
def test_ties_go_to_the_smaller_change_then_the_first(attack, first, second, wanted):
    assert chosen_of(choose([attack("first", 3, norm=first), attack("second", 3, norm=second)])) == [wanted]


def test_ineffective_edit_is_not_chosen(attack):
    missed = attack("missed", 0, reason="stored weights deviate from the target by up to 0.5")
    found = choose([missed, attack("hit", 8)])
    assert chosen_of(found) == ["hit"]
    assert reason_of(found, "missed").startswith("stored weights deviate")
    assert found.selection["effective"].tolist()[1:] == [False, True]


def test_attack_without_valid_direction_is_not_chosen(attack):
    nothing = attack("nothing", 0, valid=False, reason="no valid direction: none of 4", norm=0.0, prompts=[])
    found = choose([nothing, attack("hit", 8)])
    assert chosen_of(found) == ["hit"]
    assert reason_of(found, "nothing") == "no valid direction: none of 4"
    assert found.selection["total"].tolist() == [10, 0, 10]


@pytest.mark.parametrize(("before", "after", "breaks"), [(0, 2, False), (0, 3, True), (7, 9, False), (7, 10, True)])
def test_attack_that_degrades_the_model_is_not_chosen(attack, before, after, breaks):
    found = choose([attack("harsh", 0, degenerate=after), attack("mild", 5)], trial(9, degenerate=before))
    assert chosen_of(found) == (["mild"] if breaks else ["harsh"])
    if breaks:
        words = f"it degraded the model: {after:.0f}0% of responses are degenerate, {before or ''}0% before"
        assert reason_of(found, "harsh") == words


@pytest.mark.parametrize(("unscored", "enough"), [(1, True), (2, True), (3, False), (10, False)])
def test_attack_with_too_few_verdicts_is_not_chosen(attack, unscored, enough):
    found = choose([attack("silent", 0, unscored=unscored), attack("heard", 5)])
    assert chosen_of(found) == (["silent"] if enough else ["heard"])
    if not enough:
        assert reason_of(found, "silent") == f"too few verdicts: {10 - unscored} of 10 responses, 10 of 10 before"


def test_coverage_of_attacks_is_compared_with_that_of_the_original(attack):
    found = choose([attack("one", 1, unscored=7), attack("none", 0, unscored=10)], trial(3, unscored=7))
    assert chosen_of(found) == ["one"]
    assert reason_of(found, "none").startswith("too few verdicts: 0 of 10")
    found = choose([attack("deaf", 0, unscored=10)], trial(0, unscored=10))
    assert not found.valid


def test_refusals_are_counted_among_the_scored_responses(attack):
    # 2 of 8 is less than 3 of 10, and 2 of 8 more than 2 of 10
    assert chosen_of(choose([attack("a", 3), attack("b", 2, unscored=2)])) == ["b"]
    assert chosen_of(choose([attack("c", 2, unscored=2), attack("d", 2)])) == ["d"]


def test_selection_uses_the_first_prompts_only(attack):
    late = attack("late", 4)  # its refusals are those of the first prompts
    early = attack("early", 3)
    early.judgments["verdict"] = ["non_refusal"] * 4 + ["refusal"] * 6
    assert chosen_of(choose([late, early])) == ["late"]
    found = choose([late, early], prompts=4)
    assert chosen_of(found) == ["early"]
    assert found.selection["total"].tolist() == [4, 4, 4]


def test_selection_counts_all_samples_of_a_prompt(attack):
    found = choose([attack("one", 5, samples=2)], trial(12, samples=2), prompts=5)
    assert found.selection[["refused", "total"]].to_numpy().tolist() == [[10, 10], [5, 10]]


def test_selection_without_suitable_attack_gives_the_reason(attack, tmp_path):
    attacks = [
        attack("one", 0, degenerate=9),
        attack("two", 0, reason="no valid direction: none", prompts=[]),
        attack("three", 0, degenerate=9),
        attack("four", 0, unscored=9),
    ]
    found = choose(attacks)
    words = "none of 4 attacks can be selected: 2 degraded, 1 ineffective, 1 too few verdicts"
    assert not found.valid and found.reason == words
    assert found.directions.shape == (0, 4), "as wide as the stream: it is baked like any other"
    assert found.details == {"attack": ""}
    assert chosen_of(found) == []


def test_response_without_judgment_raises(attack):
    one = attack("one", 3)
    fewer = replace(one, judgments=one.judgments.iloc[1:])
    with pytest.raises(DataError, match="1 of 10 candidate responses have no judgment"):
        choose([fewer])


def test_best_attack_table_lists_choices_and_reasons(attack, tmp_path):
    choose([attack("one", 5, norm=2.5), attack("two", 1, degenerate=9)]).save(tmp_path / "found.safetensors")
    choose([attack("three", 0, degenerate=9)]).save(tmp_path / "nothing.safetensors")
    files = {"a": tmp_path / "found.safetensors", "b": tmp_path / "nothing.safetensors"}
    table = best_attack_table((model, "best", load_direction(file)) for model, file in files.items())
    first, second = table.to_dict("records")
    assert (first["attack"], first["refused_before"], first["refused_after"], first["change_norm"]) == (
        "one",
        9,
        5,
        2.5,
    )
    assert (first["scored_before"], first["scored_after"], first["tried"], first["qualified"]) == (10, 10, 2, 1)
    assert (second["attack"], second["tried"], second["qualified"]) == ("", 1, 0)
    assert pd.isna(second["refused_after"]) and second["reason"].startswith("none of 1 attacks")
