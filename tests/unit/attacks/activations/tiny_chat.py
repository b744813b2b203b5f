"""A tiny random checkpoint with a tokenizer and a chat template."""

import pandas as pd
import pytest
from tests.tiny_models import save_random, tiny_llama, word_tokenizer

WORDS = [f"w{index}" for index in range(40)] + ["a", "b", "c", "7", "8", "9?"]
TEMPLATE = (
    "{{ '<bos> ' }}{% for message in messages %}{{ '<user> ' + message['content'] + ' <end> ' }}{% endfor %}"
    "{{ '<assistant>' }}"
)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    special = ["<pad>", "<unk>", "<bos>", "<user>", "<end>", "<assistant>"]
    names = {"pad_token": "<pad>", "bos_token": "<bos>", "eos_token": "<end>"}
    tokenizer = word_tokenizer([*special, *WORDS], **names, chat_template=TEMPLATE)
    config = tiny_llama(len(tokenizer), tie_word_embeddings=True)
    return save_random(config, tmp_path_factory.mktemp("tiny-llama"), tokenizer)


@pytest.fixture(scope="session")
def prompts():
    rows = []
    for index in range(12):
        text = " ".join(WORDS[(index * 7 + step) % 40] for step in range(1 + index % 5))
        label = "harmful" if index % 2 else "harmless"
        rows.append({"prompt_id": f"p{index}", "text": text, "label": label, "category": f"c{index % 3}"})
    return pd.DataFrame(rows)
