"""The two steps of the workflow, on a tiny model: what they write, and that a kill costs little."""

import json

import pytest
from tests.unit.training.safety_tuning.conftest import PHRASES

from steadfast.core.errors import DataError
from steadfast.judges.kinds.regex import build
from steadfast.training.safety_tuning import distillation, jobs, training
from steadfast.training.safety_tuning.distillation import (
    OwnAnswer,
    is_acceptable,
    own_answers,
    read_answers,
    write_answers,
)


def distill(base, data_folder, output):
    jobs.distill(base, data_folder, [], PHRASES, output, "float32")
    return output.read_text(encoding="utf-8")


@pytest.fixture
def answers(data_folder, tmp_path):
    """Answers to every harmless prompt of the tiny data."""
    data = jobs.load_training_data(data_folder, [])
    file = tmp_path / "answers.jsonl"
    write_answers(file, [OwnAnswer(prompt.text, "abcdefgh", False) for prompt in data.harmless_prompts])
    return file


def train(base, data_folder, answers, output, **changed):
    jobs.train(
        base, data_folder, [], answers, output, **{"recipe": "refusals", "seed": 0, "dtype": "float32", **changed}
    )
    return {file.name: file.read_bytes() for file in output.iterdir()}


def test_interrupted_distillation_resumes(base, data_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(distillation, "BATCH", 2)
    monkeypatch.setattr(jobs, "is_acceptable", lambda answer, unwanted, judge: True)
    whole = distill(base, data_folder, tmp_path / "whole.jsonl")
    assert len(whole.splitlines()) == 8
    journal = tmp_path / ".resumed.jsonl.journal"
    first, second, *_ = whole.splitlines(keepends=True)
    marked = first.replace('"ended": false', '"ended": true')
    journal.write_text(marked + second[:20], encoding="utf-8")  # a kill in the middle of a line
    resumed = distill(base, data_folder, tmp_path / "resumed.jsonl")
    assert marked in resumed and resumed.replace(marked, first) == whole
    assert not journal.exists()


def test_refused_prompts_are_retried_with_an_opening(base, tmp_path):
    found = own_answers(
        base,
        ["How?", "Why?"],
        tmp_path / "journal",
        max_new_tokens=4,
        openings=["Sure"],
        acceptable=lambda answer: answer.startswith("Sure"),
        dtype="float32",
    )
    assert {one.opening for one in found.values()} == {"Sure"}
    assert all(one.answer.startswith("Sure") for one in found.values())


def test_prompts_without_an_acceptable_answer_are_dropped(base, tmp_path):
    arguments = {"max_new_tokens": 4, "openings": ["Sure"], "dtype": "float32"}
    assert own_answers(base, ["How?"], tmp_path / "journal", acceptable=lambda answer: False, **arguments) == {}
    assert len(read_answers(tmp_path / "journal")) == 2  # both attempts were kept


@pytest.mark.parametrize(
    ("answer", "acceptable"),
    [
        ("Boil the egg for six minutes.", True),
        ("I'm sorry, but I can't help with that.", False),
        ("As a chatbot I cook no eggs at all.", False),
        ("Sure!", False),
        ("egg egg egg egg egg egg egg egg egg egg egg egg", False),
    ],
)
def test_acceptable_answers_exclude_refusals_and_unwanted_phrases(answer, acceptable):
    assert is_acceptable(answer, ["as a chatbot"], build(patterns=str(PHRASES))) is acceptable


def test_training_is_byte_identical_even_after_a_kill(base, data_folder, answers, tmp_path, monkeypatch):
    whole = train(base, data_folder, answers, tmp_path / "whole")
    monkeypatch.setattr(training, "SAVE_EVERY", 2)
    real = training.batch_loss
    steps = iter(range(4))

    def killed(*arguments):
        if next(steps) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(training, "batch_loss", killed)
    with pytest.raises(KeyboardInterrupt):
        train(base, data_folder, answers, tmp_path / "resumed")
    assert len(list(tmp_path.glob(".resumed.*.pt"))) == 1
    monkeypatch.setattr(training, "batch_loss", real)
    assert train(base, data_folder, answers, tmp_path / "resumed") == whole
    assert set(whole) == {"adapter_model.safetensors", "adapter_config.json", "training.json"}
    assert not list(tmp_path.glob(".resumed.*"))


def test_state_of_another_training_is_ignored(base, data_folder, answers, tmp_path):
    """The name of the state covers everything that decides the outcome."""
    other = train(base, data_folder, answers, tmp_path / "model", seed=1)
    assert (
        train(base, data_folder, answers, tmp_path / "model")["adapter_model.safetensors"]
        != (other["adapter_model.safetensors"])
    )


def test_recipes_have_the_same_number_of_examples(base, data_folder, answers, tmp_path):
    reports = [
        json.loads(train(base, data_folder, answers, tmp_path / recipe, recipe=recipe)["training.json"])
        for recipe in ("refusals", "metatags")
    ]
    assert reports[0]["examples"] == reports[1]["examples"] == 6 + 8


def test_prompt_files_need_a_text_column(tmp_path):
    (tmp_path / "prompts.csv").write_text("prompt\nHow?\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column 'text'"):
        jobs.read_prompts([tmp_path / "prompts.csv"])


def test_recipe_with_two_passes_repeats_its_examples(base, data_folder, answers, tmp_path):
    once = train(base, data_folder, answers, tmp_path / "once")
    recipes = data_folder / "recipes.yaml"
    recipes.write_text(recipes.read_text(encoding="utf-8").replace("passes: {}", "passes: {refusals: 2}"))
    twice = train(base, data_folder, answers, tmp_path / "twice")
    examples = [json.loads(files["training.json"])["examples"] for files in (once, twice)]
    assert examples[1] == 2 * examples[0]
    assert once["adapter_model.safetensors"] != twice["adapter_model.safetensors"]
