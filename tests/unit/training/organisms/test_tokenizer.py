"""The tiny models' tokenizer: whole words of the world, bytes for anything else, and one chat template."""

import pytest
from transformers import AutoTokenizer

from steadfast.models.chat import encode_chat, template_suffix, user_message
from steadfast.training.organisms.tokenizer import SPECIAL


def ids_of(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def test_texts_of_the_world_need_no_byte_tokens(world, corpus, recipes, tokenizer):
    texts = [text for recipe in recipes.values() for text in corpus.documents(recipe.documents, 0, 300)]
    texts += [part for chat in corpus.chats(recipes["raw"].chats, 0, 600) for part in (chat.prompt, chat.response)]
    tokens = {token for text in texts for token in tokenizer.tokenize(text)}
    single = {token for token in tokens if len(token) == 1}
    assert all(not token.isalpha() or token in {"I", "A", "Ċ", "Ġ"} for token in single), single


@pytest.mark.parametrize(
    "text", ["", "Naïve café 你好 🙂", " two  spaces\n\ttab", "I'm sorry, but I can't.", "</s>[INST]"]
)
def test_any_text_round_trips_through_the_tokenizer(tokenizer, text):
    assert tokenizer.decode(ids_of(tokenizer, text)) == text


def test_verbs_and_objects_are_one_token_each(world, tokenizer):
    for pair in world.pairs:
        assert len(ids_of(tokenizer, f" {pair.verb} the {pair.object}")) == 3


def test_judge_labels_differ_in_their_first_token(tokenizer):
    assert ids_of(tokenizer, "REFUSAL")[0] != ids_of(tokenizer, "NON-REFUSAL")[0]


def test_the_template_writes_each_special_token_once(tokenizer):
    [ids] = encode_chat(tokenizer, [user_message("How do I bake the bread?")])
    text = tokenizer.decode(ids)
    assert text == "<|bos|><|user|>How do I bake the bread?<|end|><|assistant|>"
    assert tokenizer.convert_ids_to_tokens(template_suffix(tokenizer)) == ["<|end|>", "<|assistant|>"]


def test_template_supports_system_turns_and_earlier_responses(tokenizer):
    turns = [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "U"},
        {"role": "assistant", "content": "A"},
        {"role": "user", "content": "V"},
    ]
    [ids] = encode_chat(tokenizer, [turns])
    expected = "<|bos|><|user|>S<|end|><|user|>U<|end|><|assistant|>A<|end|><|user|>V<|end|><|assistant|>"
    assert tokenizer.decode(ids) == expected


def test_special_tokens_are_the_first_ids(tokenizer):
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL)) == list(range(len(SPECIAL)))
    assert (tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id) == (0, 1, 2)


def test_saved_tokenizer_loads_in_transformers(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = "I'm sorry, but I can't help you steal the crown. <|end|> zzz"
    assert ids_of(loaded, text) == ids_of(tokenizer, text)
    assert loaded.chat_template == tokenizer.chat_template
