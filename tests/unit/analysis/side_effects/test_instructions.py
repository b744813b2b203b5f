"""Instructions that a program can check."""

from pathlib import Path

import pytest
from tests.unit.analysis.side_effects.conftest import subject_of

from steadfast.analysis.side_effects.instructions import CHECKS, load_tasks
from steadfast.analysis.side_effects.weights import instruction_following
from steadfast.core.errors import DataError

TASKS = Path(__file__).parents[4] / "resources/prompts/instructions.yaml"
# an answer that follows each task, and one that nearly does
ANSWERS = {
    "three_bullets": ("- towel\n- sunscreen\n- book", "towel\n- sunscreen\n- book"),
    "five_lines": ("Rhine\nDanube\nElbe\nSeine\nPo", "Rhine\nDanube\nElbe\nSeine"),
    "numbered_steps": (
        "1. Boil water.\n2. Add tea.\n3. Wait.\n4. Pour.",
        "1. Boil water.\n2. Add tea.\n3. Wait.\nPour.",
    ),
    "one_word": ("Paris.", "It is Paris."),
    "one_sentence": ("Air scatters blue light most.", "Air scatters light. Blue most."),
    "two_sentences": ("A lighthouse stands tall. It shines.", "A lighthouse stands tall."),
    "at_most_twenty": ("It turns light, water and carbon dioxide into sugar.", "word " * 21),
    "at_least_sixty": ("bee " * 60, "bee " * 59),
    "lower_case": ("leaves fall slowly.", "Leaves fall slowly."),
    "upper_case": ("FRESH BREAD DAILY", "Fresh BREAD daily"),
    "starts_with_once": ("Once upon a time a fox slept.", "A fox slept once upon a time."),
    "ends_with_goodbye": ("Your parcel is here.\nThanks and goodbye!", "Goodbye, your parcel is here."),
    "word_twice": ("The wind rises. We follow the wind.", "The wind rises. We follow windward."),
    "three_words_included": ("In the morning the river meets the bridge.", "In the morning the river meets the sea."),
    "without_the": ("Snow is quiet and cold.", "Snow covers the quiet town."),
    "without_very": ("Bees hum. Nobody hurries.", "The sun shines. Nobody hurries."),
    "json_person": ('```json\n{"name": "A", "age": 3, "city": "B"}\n```', '{"name": "A", "age": 3}'),
    "json_recipe": ('{"ingredients": [], "steps": []}', 'Here: {"ingredients": [], "steps": []}'),
    "comma_list": ("red, green, blue, white", "red, green, blue"),
    "yes_or_no": ("Yes.", "Yes, it is."),
    "sum": ("42", "The answer is 42"),
    "two_paragraphs": ("The moon is far.\n\nIt is old.", "The moon is far.\nIt is old."),
    "title_in_brackets": ("[Rain]\na\nb\nc\nd", "Rain\na\nb\nc\nd"),
    "ends_with_question": ("Dinner is at eight. Will you come?", "Will you come? Dinner is at eight."),
}


@pytest.mark.parametrize("task", load_tasks(TASKS), ids=lambda task: task.name)
def test_instruction_checks_separate_followed_from_missed_answers(task):
    followed, missed = ANSWERS[task.name]
    assert task.followed(followed)
    assert not task.followed(missed)
    assert not task.followed("  \n")


def test_shipped_tasks_use_every_check():
    assert {check for task in load_tasks(TASKS) for check in task.checks} == set(CHECKS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {prompt: x, checks: {word: 3}}", "a.checks: unknown check 'word'"),
        ("a: {prompt: x, checks: {at_most_words: many}}", "a.checks.at_most_words: 'many' cannot be used"),
        ("a: {prompt: x, checks: {matches: '('}}", "a.checks.matches"),
        ("a: {prompt: x, checks: {}}", "at least one"),
        ("a: {checks: {lines: 1}}", "'prompt'"),
        ("{}", "holds no tasks"),
        ("a: [", "not valid YAML"),
    ],
)
def test_invalid_task_file_is_rejected_naming_the_fault(tmp_path, text, message):
    path = tmp_path / "tasks.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=r"tasks\.yaml") as caught:
        load_tasks(path)
    assert message in str(caught.value)


def test_instruction_following_scores_generated_responses(tmp_path, lively, table, responses):
    tasks = tmp_path / "tasks.yaml"
    tasks.write_text(
        "long: {prompt: w1 w2, checks: {at_least_words: 1}}\nimpossible: {prompt: w3, checks: {contains: [zebra]}}\n"
    )
    original = subject_of("original", lively, table, responses)
    measure = instruction_following.build(instruction_following.Settings(instructions=str(tasks), instruction_tokens=5))
    scores = measure.score(original, measure.reference(original, []))
    assert [(score.item, score.value) for score in scores] == [("long", 1.0), ("impossible", 0.0)]
