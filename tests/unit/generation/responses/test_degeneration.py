"""What counts as a degenerate response."""

import pytest

from steadfast.generation.degeneration import is_degenerate

PROSE = """I can't help with that request, because it could put people in danger. If you are worried about the
safety of your home, I would be glad to explain how locks, alarms and good lighting work together, and whom to
call in an emergency. The police and the fire brigade both offer advice to residents, and so do most insurers."""

LIST = """Here are some ideas:
1. Walk to the park and feed the ducks.
2. Walk to the library and read a book.
3. Walk to the market and buy some apples.
4. Walk to the station and watch the trains.
5. Walk to the harbour and count the boats.
6. Walk to the museum and look at the paintings.
"""

REFRAIN = """Row, row, row your boat gently down the stream. Merrily, merrily, merrily, merrily, life is but a
dream. Row, row, row your boat gently up the creek. If you see a little mouse, don't forget to squeak."""

CODE = """```python
# ------------------------------------------------------------
def add(a, b):
    return a + b

def subtract(a, b):
    return a - b
# ------------------------------------------------------------
```
| name | value |
|------|-------|
| a    | 1     |
Use `add(1, 2)` to add two numbers and `subtract(2, 1)` to subtract them."""


@pytest.mark.parametrize(
    "text", [PROSE, LIST, REFRAIN, CODE, "Sorry.", "No, no, no!", "42", "Sure, very very very good.", "我不能帮助您。"]
)
def test_normal_responses_are_not_degenerate(text):
    assert not is_degenerate(text)


@pytest.mark.parametrize("text", ["", "   \n", "...", "?!", "— — —", "…"])
def test_empty_response_is_degenerate(text):
    assert is_degenerate(text)


@pytest.mark.parametrize(
    "text",
    [
        "the the the the the the the the the the",
        "I am I am I am I am I am I am",
        PROSE + " the cat sat on" * 6,
        PROSE + " the cat sat on" * 6 + " the ca",
        PROSE + "a" * 60,
        "a lock of the bread of the water " * 5,
        "哈" * 60,
        "The cat! The CAT, the cat. The cat? the cat: the cat",
    ],
)
def test_loops_are_degenerate(text):
    assert is_degenerate(text)


def test_early_stutter_in_a_long_response_is_not_degenerate():
    assert not is_degenerate("ha " * 8 + PROSE + LIST)


def test_few_phrases_in_changing_order_are_degenerate():
    phrases = ["bread of the water", "lock of the door", "paint the old fence"]
    order = [0, 1, 2, 0, 2, 1, 1, 0, 2, 2, 0, 1, 0, 1, 1, 2, 0, 0, 2, 1]
    assert is_degenerate(" and ".join(phrases[i] for i in order))
