"""A tiny random checkpoint with a tokenizer and a chat template."""

import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WORDS = [f"w{index}" for index in range(40)] + ["a", "b", "c", "7", "8", "9?"]
TEMPLATE = (
    "{{ '<bos> ' }}{% for message in messages %}{{ '<user> ' + message['content'] + ' <end> ' }}{% endfor %}"
    "{{ '<assistant>' }}"
)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tiny-llama")
    special = ["<pad>", "<unk>", "<bos>", "<user>", "<end>", "<assistant>"]
    vocabulary = {word: index for index, word in enumerate([*special, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", bos_token="<bos>", eos_token="<end>"
    )
    fast.chat_template = TEMPLATE
    fast.save_pretrained(directory)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    return directory


@pytest.fixture(scope="session")
def prompts():
    rows = []
    for index in range(12):
        text = " ".join(WORDS[(index * 7 + step) % 40] for step in range(1 + index % 5))
        label = "harmful" if index % 2 else "harmless"
        rows.append({"prompt_id": f"p{index}", "text": text, "label": label, "category": f"c{index % 3}"})
    return pd.DataFrame(rows)
