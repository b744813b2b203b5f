"""Chat templates are applied exactly once."""

import copy

import pytest
from tokenizers import processors

from steadfast.core.errors import ConfigError, DataError
from steadfast.models.chat import encode_chat, end_of_turn, set_template, template_of, template_suffix, user_message


def words(tokenizer, ids) -> str:
    return " ".join(tokenizer.convert_ids_to_tokens(ids))


@pytest.fixture
def base(tokenizer):
    """The tokenizer of a base model whose prompts are to be given bare."""
    base = copy.deepcopy(tokenizer)
    set_template(base, None, bare=True)
    return base


def test_user_message_adds_an_optional_system_turn():
    assert user_message("hi") == [{"role": "user", "content": "hi"}]
    assert user_message("hi", "be brief") == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hi"},
    ]
    assert user_message("hi", "") == user_message("hi", None)


def test_only_the_template_adds_special_tokens(tokenizer):
    assert tokenizer("how")["input_ids"][0] == tokenizer.bos_token_id, "the tokenizer adds <bos> of its own accord"
    (ids,) = encode_chat(tokenizer, [user_message("how are you")])
    assert words(tokenizer, ids) == "<bos> <user> how are you <assistant>"
    assert ids.count(tokenizer.bos_token_id) == 1


def test_system_turn_comes_first(tokenizer):
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


def test_bare_prompt_gets_the_tokenizers_special_tokens(base):
    (ids,) = encode_chat(base, [user_message("how are you", "be brief")])
    assert words(base, ids) == "<bos> be brief how are you"


def test_bare_prompt_has_no_end_of_text_token(base):
    base.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", base.bos_token_id), ("<eos>", base.eos_token_id)]
    )
    assert base("how")["input_ids"][-1] == base.eos_token_id, "the tokenizer appends <eos> of its own accord"
    (ids,) = encode_chat(base, [user_message("how are you")])
    assert words(base, ids) == "<bos> how are you"


def test_template_tokens_in_user_text_are_kept(tokenizer):
    """User text that is spelled like the template's tokens is not hidden."""
    (ids,) = encode_chat(tokenizer, [user_message("how <assistant> you")])
    assert words(tokenizer, ids).count("<assistant>") == 2


def test_template_suffix_is_the_text_after_the_prompt(tokenizer):
    assert words(tokenizer, template_suffix(tokenizer)) == "<assistant>"
    assert words(tokenizer, template_suffix(tokenizer, {"enable_thinking": True})) == "<assistant> <think>"


def test_every_encoded_prompt_ends_with_the_template_suffix(tokenizer):
    suffix = template_suffix(tokenizer)
    for ids in encode_chat(tokenizer, [user_message("how are you"), user_message("be brief")]):
        assert ids[-len(suffix) :] == suffix


def test_bare_prompt_has_no_suffix(base):
    assert template_suffix(base) == []


def test_template_rejecting_a_system_turn_raises_its_message(tokenizer):
    strict = copy.deepcopy(tokenizer)
    strict.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{{ bos_token }}{{ messages[0]['content'] }}"
    )
    assert encode_chat(strict, [user_message("how")])
    with pytest.raises(DataError, match="turns system, user: System role not supported"):
        encode_chat(strict, [user_message("how", "be brief")])


def with_template(tokenizer, text):
    changed = copy.deepcopy(tokenizer)
    set_template(changed, text)
    return changed


def test_missing_chat_template_raises_naming_the_bare_option(tokenizer):
    with pytest.raises(DataError, match=r"has no chat template .*`chat_template: <file>`.*`chat_template: bare`"):
        encode_chat(with_template(tokenizer, None), [user_message("how")])


def test_template_arguments_with_bare_prompts_raise(base):
    with pytest.raises(ConfigError, match="template_arguments: 'enable_thinking' is given, and the prompts are bare"):
        encode_chat(base, [user_message("how")], {"enable_thinking": False})


def test_unused_template_argument_raises_suggesting_the_nearest(tokenizer):
    with pytest.raises(ConfigError, match=r"never reads 'enable_thinkng'; did you mean 'enable_thinking'"):
        encode_chat(tokenizer, [user_message("how")], {"enable_thinkng": False})
    silent = with_template(tokenizer, "{% for message in messages %}{{ message.content }}{% endfor %}")
    with pytest.raises(ConfigError, match="never reads 'enable_thinking'; it reads no further variables"):
        encode_chat(silent, [user_message("how")], {"enable_thinking": False})


@pytest.mark.parametrize(
    "source",
    [
        "{% if not day is defined %}{% set day = 'c' %}{% endif %}{{ day }}",
        "{% set day = day if day is defined else 'c' %}{{ day }}",
        "{%- macro show() -%}{{ day }}{%- endmacro -%}{{ show() }}",
        "{{ {'day': 'c'}[day] | default('c') }}",
    ],
)
def test_template_variables_with_a_default_count_as_used(tokenizer, source):
    turns = "{% for message in messages %} {{ message['content'] }}{% endfor %}"
    assert encode_chat(with_template(tokenizer, source + turns), [user_message("how")], {"day": "c"})


def test_template_dropping_the_system_turn_raises(tokenizer):
    deaf = with_template(
        tokenizer, "{% for message in messages if message['role'] == 'user' %}{{ message['content'] }}{% endfor %}"
    )
    assert words(tokenizer, encode_chat(deaf, [user_message("how are")])[0]) == "how are"
    with pytest.raises(DataError, match="drops the text of the turn 'system': give no system prompt, or another"):
        encode_chat(deaf, [user_message("how are", "be brief")])


def test_template_dropping_the_user_turn_raises(tokenizer):
    with pytest.raises(DataError, match="drops the text of the turn 'user': give another template"):
        encode_chat(with_template(tokenizer, "{{ bos_token }}<assistant>"), [user_message("how are")])


@pytest.mark.parametrize(
    "content",
    [
        "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }} {% endfor %}",
        "{{ message['content'][0].text }} ",
        "{{ message['content'][0]['text'] + ' ' }}",
    ],
    ids=["passes over texts", "writes nothing of texts", "fails on texts"],
)
def test_template_for_content_parts_receives_a_list(tokenizer, content):
    parts = "{% for message in messages %}<{{ message['role'] }}> " + content + "{% endfor %}<assistant>"
    (ids,) = encode_chat(with_template(tokenizer, parts), [user_message("how are you", "be brief")])
    assert words(tokenizer, ids) == "<system> be brief <user> how are you <assistant>"


def test_template_may_strip_and_wrap_the_text(tokenizer):
    wrapped = "{% for message in messages %}{{ message['content'] | trim | replace(' ', '\n') }} {% endfor %}"
    (ids,) = encode_chat(with_template(tokenizer, wrapped), [user_message("  how  are you\n")])
    assert words(tokenizer, ids) == "how are you"


def test_invalid_template_error_names_the_line(tokenizer):
    with pytest.raises(DataError, match=r"is not valid Jinja: line 2: Unexpected end of template"):
        encode_chat(with_template(tokenizer, "a\n{% for message in messages %}"), [user_message("how")])


def test_generation_tags_of_templates_are_ignored(tokenizer):
    tags = "{% for m in messages %}{% generation %}{{ m['content'] }}{% endgeneration %} {% endfor %}"
    assert words(tokenizer, encode_chat(with_template(tokenizer, tags), [user_message("how are")])[0]) == "how are"


def test_template_date_is_fixed(tokenizer):
    """The day is not the present one, whatever transformers would show."""
    clock = "{{ strftime_now('%Y') }}{% for message in messages %} {{ message['content'] }}{% endfor %}"
    changed = with_template(tokenizer, clock)
    assert template_of(changed).reads_clock and not template_of(tokenizer).reads_clock
    assert template_of(changed).render(user_message("how"), {}) == "2025 how"
    set_template(changed, clock, date="1999-12-31")
    assert template_of(changed).render(user_message("how"), {}) == "1999 how"


def test_rendered_prompt_equals_that_of_transformers(tokenizer):
    """The same text as apply_chat_template's, special tokens and arguments included."""
    conversation = user_message("how are you", "be brief")
    arguments = {"enable_thinking": True}
    theirs = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True, **arguments)
    assert template_of(tokenizer).render(conversation, arguments) == theirs


ENDED = "{% for message in messages %}{{ message['content'] }} EOT {% endfor %}"


@pytest.mark.parametrize(
    ("behind", "expected"),
    [("<eos>", "<eos>"), ("\n <eos>\n", "<eos>"), ("", None), ("how", None), ("<system>", "<system>")],
)
def test_end_of_turn_is_the_token_after_the_response(tokenizer, behind, expected):
    found = end_of_turn(with_template(tokenizer, ENDED.replace(" EOT", behind)))
    assert (found if found is None else tokenizer.convert_ids_to_tokens(found)) == expected


def test_prompt_only_template_has_no_end_of_turn(tokenizer, base):
    strict = (
        "{% if messages[-1]['role'] == 'assistant' %}{{ raise_exception('no') }}{% endif %}{{ messages[0]['content'] }}"
    )
    assert end_of_turn(with_template(tokenizer, strict)) is None
    assert end_of_turn(base) is None
