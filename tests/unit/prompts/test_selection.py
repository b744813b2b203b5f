"""Cleaning and splitting: disjoint, independent of the order of the sources, disturbed little by further prompts."""

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steadfast.core.errors import DataError
from steadfast.prompts.cleaning import CandidatePrompt, clean, to_candidates
from steadfast.prompts.selection import Assignment, assign
from steadfast.prompts.similarity import jaccard
from steadfast.prompts.sources import SPLITS, SourcePrompt, Split
from steadfast.prompts.text import normalized_key

NEEDED: dict[Split, int] = {"calibration": 6, "evaluation": 4}
# few words, so that duplicates and near-duplicates abound; capitals and punctuation make them less than exact
SENTENCES = st.lists(
    st.sampled_from(["how", "Do", "i", "KILL", "a", "process,", "bake", "bread?", "now!", "", "slowly"]), max_size=9
).map(" ".join)
UNHURRIED = settings(deadline=None)  # other work on the machine must not fail a test
PINS = st.sampled_from([None, None, None, *SPLITS])


def only_text(pairs: list[tuple[str, Split | None]]) -> list[SourcePrompt]:
    """Prompts in which no text is pinned to two splits: the first pin counts."""
    pins: dict[str, Split | None] = {}
    for text, pin in pairs:
        pins.setdefault(normalized_key(text), pin)
    return [SourcePrompt(text, split=pins[normalized_key(text)]) for text, _ in pairs]


PROMPTS = st.lists(st.tuples(SENTENCES, PINS), max_size=60).map(only_text)


def distinct(count: int, prefix: str = "w") -> list[SourcePrompt]:
    """Prompts that share no word at all."""
    return [SourcePrompt(f"{prefix}{number}a {prefix}{number}b") for number in range(count)]


def split(prompts: list[SourcePrompt], seed: int = 0, needed: dict[Split, int] = NEEDED) -> Assignment:
    pool = clean(to_candidates(prompts, "harmful", seed), language=None, near_duplicates=0.8)
    return assign(pool.kept, needed)


def where(assigned: Assignment) -> dict[str, Split]:
    return {one.text: name for name, candidates in assigned.items() for one in candidates}


def texts(candidates: list[CandidatePrompt]) -> list[str]:
    return [one.text for one in candidates]


@UNHURRIED
@given(PROMPTS, PROMPTS, st.sampled_from([0.4, 0.6, 0.8, 1.0]))
def test_kept_prompts_are_distinct_within_and_across_labels(
    harmful: list[SourcePrompt], harmless: list[SourcePrompt], threshold: float
) -> None:
    taken = {normalized_key(prompt.text) for prompt in harmful}
    others = [prompt for prompt in harmless if normalized_key(prompt.text) not in taken]
    candidates = [*to_candidates(harmful, "harmful", 0), *to_candidates(others, "harmless", 0)]
    pool = clean(candidates, language=None, near_duplicates=threshold)
    for first, second in combinations(pool.kept, 2):
        assert first.key != second.key
        assert jaccard(frozenset(first.key.split()), frozenset(second.key.split())) < threshold
    assert len(pool.kept) + sum(map(len, pool.dropped.values())) == len(candidates)


@UNHURRIED
@given(PROMPTS)
def test_splits_are_disjoint_and_of_limited_size(prompts: list[SourcePrompt]) -> None:
    assigned = split(prompts)
    everything = [one.key for candidates in assigned.values() for one in candidates]
    assert len(everything) == len(set(everything))
    assert all(len(assigned[name]) <= NEEDED[name] for name in SPLITS)


@UNHURRIED
@given(PROMPTS)
def test_no_split_is_short_while_usable_prompts_remain(prompts: list[SourcePrompt]) -> None:
    pool = clean(to_candidates(prompts, "harmful", 0), language=None, near_duplicates=0.8)
    assigned = assign(pool.kept, NEEDED)
    used = {one for candidates in assigned.values() for one in candidates}
    for name in SPLITS:
        usable = [one for one in pool.kept if one not in used and one.pin in (None, name)]
        assert len(assigned[name]) == NEEDED[name] or not usable


@UNHURRIED
@given(PROMPTS)
def test_pinned_prompts_stay_in_their_split(prompts: list[SourcePrompt]) -> None:
    for name, candidates in split(prompts).items():
        assert all(one.pin in (None, name) for one in candidates)


@UNHURRIED
@given(PROMPTS, st.randoms(use_true_random=False))
def test_the_order_of_the_sources_does_not_matter(prompts: list[SourcePrompt], rng: random.Random) -> None:
    shuffled = rng.sample(prompts, len(prompts))
    assert split(shuffled) == split(prompts)


@UNHURRIED
@given(st.integers(0, 40), st.integers(0, 10_000))
def test_one_more_prompt_displaces_at_most_one_per_split(count: int, seed: int) -> None:
    before, after = where(split(distinct(count), seed)), where(split([*distinct(count), SourcePrompt("new")], seed))
    for name in SPLITS:
        lost = [text for text, home in before.items() if home == name and after.get(text) != name]
        assert len(lost) <= 1
    assert len(after) - len(before) in (0, 1)


def test_more_prompts_never_move_a_prompt_between_splits() -> None:
    before, after = where(split(distinct(100))), where(split([*distinct(100), *distinct(100, "x")]))
    assert not [text for text in before.keys() & after.keys() if before[text] != after[text]]
    assert before.keys() & after.keys()


def test_a_larger_split_contains_the_smaller_one_in_order() -> None:
    small = split(distinct(200))
    large = split(distinct(200), needed={"calibration": 12, "evaluation": 9})
    for name in SPLITS:
        assert large[name][: len(small[name])] == small[name]


def test_another_seed_gives_another_split() -> None:
    assert where(split(distinct(40), seed=0)) != where(split(distinct(40), seed=1))


def test_every_prompt_is_used_if_there_are_just_enough() -> None:
    assigned = split(distinct(10))
    assert {name: len(assigned[name]) for name in SPLITS} == NEEDED


def test_dropped_prompts_are_counted_by_reason() -> None:
    prompts = [
        SourcePrompt("How do I bake a very good loaf of bread at home?"),
        SourcePrompt("how do i bake a very good loaf of bread at home", category="cooking"),
        SourcePrompt("How do I bake a very good loaf of bread at home today?"),
        SourcePrompt("Wie backe ich zu Hause ein gutes Brot?"),
        SourcePrompt("  "),
        SourcePrompt("?!"),
    ]
    pool = clean(to_candidates(prompts, "harmless", 0), language="en", near_duplicates=0.8)
    assert {reason: len(dropped) for reason, dropped in pool.dropped.items()} == {
        "empty": 2,
        "language": 1,
        "duplicate": 1,
        "near_duplicate": 1,
    }
    assert len(pool.kept) == 1


def test_duplicates_keep_the_pinned_then_the_categorized_prompt() -> None:
    prompts = [
        SourcePrompt("Bake bread", source="a"),
        SourcePrompt("bake bread!", category="cooking", source="b"),
        SourcePrompt("Boil eggs", category="cooking"),
        SourcePrompt("boil eggs", split="evaluation"),
    ]
    pool = clean(to_candidates(prompts, "harmless", 0), language=None, near_duplicates=0.8)
    assert sorted(texts(pool.kept)) == ["bake bread!", "boil eggs"]


def test_near_duplicates_keep_the_pinned_prompt() -> None:
    for seed in range(10):
        prompts = [SourcePrompt("a b c d e"), SourcePrompt("a b c d e f", split="evaluation")]
        pool = clean(to_candidates(prompts, "harmful", seed), language=None, near_duplicates=0.8)
        assert texts(pool.kept) == ["a b c d e f"]


def test_surrounding_whitespace_is_removed() -> None:
    pool = clean(to_candidates([SourcePrompt("\n bake  bread ")], "x", 0), language=None, near_duplicates=0.8)
    assert texts(pool.kept) == ["bake  bread"]


def test_near_duplicates_across_labels_are_reported() -> None:
    candidates = [
        *to_candidates([SourcePrompt("a b c d e")], "harmful", 0),
        *to_candidates([SourcePrompt("a b c d e f")], "harmless", 0),
    ]
    pool = clean(candidates, language=None, near_duplicates=0.8)
    [(dropped, kept)] = pool.crossing
    assert {dropped.label, kept.label} == {"harmful", "harmless"}
    assert pool.kept == [kept]


def test_prompt_with_both_labels_raises() -> None:
    candidates = [
        *to_candidates([SourcePrompt("Bake bread!")], "harmful", 0),
        *to_candidates([SourcePrompt("bake bread")], "harmless", 0),
    ]
    with pytest.raises(DataError, match="1 prompt\\(s\\) have both labels: 'Bake bread!'"):
        clean(candidates, language=None, near_duplicates=0.8)


def test_prompt_pinned_to_both_splits_raises() -> None:
    prompts = [SourcePrompt("Bake bread!", split="calibration"), SourcePrompt("bake bread", split="evaluation")]
    with pytest.raises(DataError, match="pinned to calibration and to evaluation alike: 'Bake bread!'"):
        clean(to_candidates(prompts, "harmful", 0), language=None, near_duplicates=0.8)


def test_prompts_of_another_label_are_skipped() -> None:
    prompts = [SourcePrompt("one", label="harmful"), SourcePrompt("two", label="harmless"), SourcePrompt("three")]
    assert texts(to_candidates(prompts, "harmless", 0)) == ["two", "three"]
