"""Chat templates are applied exactly once."""

import copy

import pytest
from tokenizers import processors

from steadfast.errors import DataError
from steadfast.models.chat import encode_chat, template_suffix, user_message


def words(tokenizer, ids) -> str:
    return " ".join(tokenizer.convert_ids_to_tokens(ids))


@pytest.fixture
def base(tokenizer):
    """The tokenizer of a base model: no chat template."""
    base = copy.deepcopy(tokenizer)
    base.chat_template = None
    return base


def test_a_user_message_may_have_a_system_turn():
    assert user_message("hi") == [{"role": "user", "content": "hi"}]
    assert user_message("hi", "be brief") == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hi"},
    ]
    assert user_message("hi", "") == user_message("hi", None)


def test_the_template_writes_the_special_tokens_and_nothing_else_does(tokenizer):
    assert tokenizer("how")["input_ids"][0] == tokenizer.bos_token_id, "the tokenizer adds <bos> of its own accord"
    (ids,) = encode_chat(tokenizer, [user_message("how are you")])
    assert words(tokenizer, ids) == "<bos> <user> how are you <assistant>"
    assert ids.count(tokenizer.bos_token_id) == 1


def test_a_system_turn_comes_first(tokenizer):
    (ids,) = encode_chat(tokenizer, [user_message("how are you", "be brief")])
    assert words(tokenizer, ids) == "<bos> <system> be brief <user> how are you <assistant>"


def test_template_arguments_reach_the_template(tokenizer):
    (ids,) = encode_chat(tokenizer, [user_message("how")], {"enable_thinking": True})
    assert words(tokenizer, ids) == "<bos> <user> how <assistant> <think>"


def test_conversations_are_not_padded_and_keep_their_order(tokenizer):
    ids = encode_chat(tokenizer, [user_message("how are you"), user_message("how")])
    assert [len(one) for one in ids] == [6, 4]
    assert all(type(token) is int for one in ids for token in one)
    assert encode_chat(tokenizer, []) == []


def test_a_base_model_gets_the_tokenizers_own_special_tokens(base):
    (ids,) = encode_chat(base, [user_message("how are you", "be brief")])
    assert words(base, ids) == "<bos> be brief how are you"


def test_a_base_model_is_not_told_that_the_text_has_ended(base):
    base.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", base.bos_token_id), ("<eos>", base.eos_token_id)]
    )
    assert base("how")["input_ids"][-1] == base.eos_token_id, "the tokenizer appends <eos> of its own accord"
    (ids,) = encode_chat(base, [user_message("how are you")])
    assert words(base, ids) == "<bos> how are you"


def test_the_template_of_an_answer_is_not_mistaken_for_text(tokenizer):
    """What a user writes cannot be told from the template's tokens if it is spelt like them: it is not hidden."""
    (ids,) = encode_chat(tokenizer, [user_message("how <assistant> you")])
    assert words(tokenizer, ids).count("<assistant>") == 2


def test_the_suffix_is_what_the_template_puts_after_the_text(tokenizer):
    assert words(tokenizer, template_suffix(tokenizer)) == "<assistant>"
    assert words(tokenizer, template_suffix(tokenizer, {"enable_thinking": True})) == "<assistant> <think>"


def test_the_suffix_of_every_prompt_is_the_suffix(tokenizer):
    suffix = template_suffix(tokenizer)
    for ids in encode_chat(tokenizer, [user_message("how are you"), user_message("be brief")]):
        assert ids[-len(suffix) :] == suffix


def test_a_base_model_has_no_suffix(base):
    assert template_suffix(base) == []


def test_a_template_that_allows_no_system_turn_says_so(tokenizer):
    strict = copy.deepcopy(tokenizer)
    strict.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{{ bos_token }}{{ messages[0]['content'] }}"
    )
    assert encode_chat(strict, [user_message("how")])
    with pytest.raises(DataError, match="turns system, user: System role not supported"):
        encode_chat(strict, [user_message("how", "be brief")])
