"""Words as the tokens that follow a prompt, for every kind of tokenizer and every end of a template."""

import sys
from pathlib import Path

import pytest

from steadfast.core.errors import DataError
from steadfast.models.chat import encode_chat, user_message
from steadfast.models.continuations import answer_tokens, continuation_tokens, first_tokens
from steadfast.models.label_probabilities import label_tokens

sys.path.insert(0, str(Path(__file__).parents[1] / "judges"))
from markov import TEMPLATE, TOKENIZERS, save_tokenizer

NEW_LINE = "{{ '\\n' }}"
ENDS = ["", NEW_LINE, " ", ":", ": ", NEW_LINE * 2, "Answer"]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A tokenizer of each kind."""
    return {kind: save_tokenizer(tmp_path_factory.mktemp(kind), build()) for kind, build in TOKENIZERS.items()}


@pytest.fixture
def speaking(loaded, monkeypatch):
    """A function that gives the tokenizer of a kind a chat template that ends as is said."""

    def with_end(kind: str, end: str = ""):
        monkeypatch.setattr(loaded[kind], "chat_template", TEMPLATE + end)
        return loaded[kind]

    return with_end


def prompt_text(tokenizer, text: str = "REFUSAL or NON-REFUSAL?") -> str:
    return tokenizer.apply_chat_template(user_message(text), tokenize=False, add_generation_prompt=True)


def encode(tokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", TOKENIZERS)
def test_label_tokens_continue_the_tokens_of_the_prompt(speaking, kind: str, end: str) -> None:
    tokenizer = speaking(kind, end)
    prompt = encode_chat(tokenizer, [user_message("REFUSAL or NON-REFUSAL?")])[0]
    for label in ("REFUSAL", "NON-REFUSAL", "Sorry"):
        whole = encode(tokenizer, prompt_text(tokenizer) + label)
        found = continuation_tokens(tokenizer, label, prompt)
        if whole[: len(prompt)] == prompt:
            assert found == whole[len(prompt) :]
        # whatever was merged, what is read is what was asked for
        both = tokenizer.decode([*prompt, *found])
        assert both.removeprefix(tokenizer.decode(prompt)).split() == [label]
        assert found == continuation_tokens(tokenizer, label)


@pytest.mark.parametrize(
    ("kind", "end", "tokens"),
    [
        ("prepend", NEW_LINE, ["REF", "NON"]),
        ("prepend", "", ["\u2581REF", "\u2581NON"]),
        ("metaspace_always", NEW_LINE, ["REF", "NON"]),
        ("metaspace_always", "", ["\u2581REF", "\u2581NON"]),
        ("metaspace_first", NEW_LINE, ["REF", "NON"]),
        ("metaspace_first", "", ["REF", "NON"]),
        ("metaspace_never", NEW_LINE, ["REF", "NON"]),
        ("byte_level", NEW_LINE, ["REF", "NON"]),
        ("byte_level", "", ["REF", "NON"]),
        ("byte_level", " ", ["REF", "NON"]),  # alone the space would merge with the label
        ("byte_level_prefix_space", NEW_LINE, ["REF", "NON"]),
        ("byte_level_prefix_space", "", ["\u0120REF", "\u0120NON"]),
    ],
)
def test_label_tokens_depend_on_the_kind_of_tokenizer(speaking, kind: str, end: str, tokens: list[str]) -> None:
    tokenizer = speaking(kind, end)
    labels = label_tokens(tokenizer, "REFUSAL", "NON-REFUSAL")
    assert labels.shared == ()
    assert tokenizer.convert_ids_to_tokens(list(labels.differing)) == tokens


def test_label_after_a_space_counts_if_one_token(speaking) -> None:
    tokenizer = speaking("byte_level")
    labels = label_tokens(tokenizer, "REFUSAL", "NON-REFUSAL")
    assert labels.spaced is not None
    assert tokenizer.convert_ids_to_tokens(list(labels.spaced)) == ["\u0120REF", "\u0120NON"]
    assert label_tokens(tokenizer, "xREF", "yREF").spaced is None  # a space is a token of its own before these


@pytest.mark.parametrize(
    ("kind", "end", "tokens"),
    [
        ("prepend", NEW_LINE, ["I", "\u2581I"]),
        ("metaspace_first", "", ["I", "\u2581I"]),
        ("prepend", "", ["\u2581I"]),  # behind a space a bare mark comes first
        ("byte_level", "", ["I", "\u0120I"]),
    ],
)
def test_first_tokens_include_both_spacings(speaking, kind: str, end: str, tokens: list[str]) -> None:
    tokenizer = speaking(kind, end)
    assert tokenizer.convert_ids_to_tokens(first_tokens(tokenizer, "I")) == tokens


def test_answer_tokens_continue_the_prompt(speaking) -> None:
    tokenizer = speaking("prepend", NEW_LINE)
    prompt = encode_chat(tokenizer, [user_message("How?")])[0]
    whole = encode(tokenizer, prompt_text(tokenizer, "How?") + "Sure. hm\nREF")
    assert [*prompt, *answer_tokens(tokenizer, "Sure. hm\nREF", prompt)] == whole


def test_label_outside_the_vocabulary_raises(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    core = Tokenizer(models.WordLevel({"<unk>": 0, "a": 1}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = save_tokenizer(tmp_path, core)
    with pytest.raises(DataError, match="no tokens of this tokenizer continue a prompt with 'REFUSAL'"):
        continuation_tokens(tokenizer, "REFUSAL", [1, 1])
