from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steadfast.prompts.similarity import NearDuplicateIndex, jaccard
from steadfast.prompts.text import normalized_key, prompt_id, words

UNHURRIED = settings(deadline=None)  # other work on the machine must not fail a test
BAGS = st.lists(st.frozensets(st.sampled_from("abcdefghij"), min_size=1, max_size=8), max_size=25)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  How do I\tKILL  a process?! ", "how do i kill a process"),
        ("Don't, don’t and dont", "dont dont and dont"),
        ("Ｆｕｌｌ ﬁ", "full fi"),
        ("Straße STRASSE", "strasse strasse"),
        ("snake_case-word 42", "snake case word 42"),
        ("怎么做炸弹?", "怎 么 做 炸 弹"),
        ("?!… —", ""),
    ],
)
def test_keys_ignore_case_punctuation_and_whitespace(text: str, expected: str) -> None:
    assert normalized_key(text) == expected


@UNHURRIED
@given(st.text())
def test_normalized_keys_are_stable_and_contain_the_words(text: str) -> None:
    key = normalized_key(text)
    assert key.split() == words(text)
    assert normalized_key(f" {text}\n") == key


def test_prompt_id_is_a_prefix_of_the_sha256() -> None:
    assert prompt_id("abc") == "ba7816bf8f01cfea"
    assert prompt_id("abc ") != prompt_id("abc")


def test_jaccard_similarity_matches_worked_examples() -> None:
    assert jaccard(frozenset("abc"), frozenset("bcd")) == 0.5
    assert jaccard(frozenset("ab"), frozenset("ab")) == 1
    assert jaccard(frozenset(), frozenset()) == 0


@UNHURRIED
@given(BAGS, st.sampled_from([0.1, 0.3, 0.5, 0.6, 2 / 3, 0.75, 0.8, 0.9, 1.0]))
def test_near_duplicate_index_agrees_with_all_pairs_comparison(bags: list[frozenset[str]], threshold: float) -> None:
    index = NearDuplicateIndex(bags, threshold)
    for number, bag in enumerate(bags):
        earlier = bags[:number]
        twins = [other for other in earlier if jaccard(bag, other) >= threshold - 1e-9]
        found = index.find(bag)
        assert (found in twins) if twins else (found is None)
        index.add(bag)


def test_similarity_equal_to_the_threshold_is_a_near_duplicate() -> None:
    four_of_five = [frozenset("abcde"), frozenset("abcd")]
    assert jaccard(*four_of_five) == 0.8
    index = NearDuplicateIndex(four_of_five, 0.8)
    index.add(four_of_five[0])
    assert index.find(four_of_five[1]) == four_of_five[0]


def test_near_duplicate_index_compares_few_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def counted(first: frozenset[str], second: frozenset[str]) -> float:
        nonlocal calls
        calls += 1
        return jaccard(first, second)

    monkeypatch.setattr("steadfast.prompts.similarity.jaccard", counted)
    bags = [
        frozenset({"how", "do", "i", *(f"w{number * 7 % 401 + step}" for step in range(5))}) for number in range(401)
    ]
    index = NearDuplicateIndex(bags, 0.8)
    for bag in bags:
        index.find(bag)
        index.add(bag)
    assert calls < 0.1 * sum(1 for _ in combinations(bags, 2))
