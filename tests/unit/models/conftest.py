"""Tiny tokenizers and checkpoints that need no training."""

from pathlib import Path

import pytest
import torch
from tests.tiny_models import save_random, tiny_llama, word_tokenizer
from tokenizers import processors
from transformers import PreTrainedTokenizerFast

WORDS = [
    "<bos>",
    "<eos>",
    "<unk>",
    "<user>",
    "<assistant>",
    "<system>",
    "<think>",
    "be",
    "brief",
    "how",
    "are",
    "you",
    "c",
    "9?",
]
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<{{ message['role'] }}> {{ message['content'] }} {% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% if enable_thinking %} <think>{% endif %}{% endif %}"
)


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """A word-level tokenizer that puts ``<bos>`` before everything, as Llama's does, and has no padding token."""
    tokenizer = word_tokenizer(
        WORDS,
        bos_token="<bos>",
        eos_token="<eos>",
        additional_special_tokens=["<user>", "<assistant>", "<system>", "<think>"],
        chat_template=TEMPLATE,
    )
    before_all = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 0)])
    tokenizer.backend_tokenizer.post_processor = before_all
    return tokenizer


@pytest.fixture(scope="session")
def checkpoint(tokenizer, tmp_path_factory) -> Path:
    """A checkpoint of two blocks, stored as bfloat16."""
    config = tiny_llama(len(WORDS), intermediate_size=32, num_hidden_layers=2, num_key_value_heads=2)
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    return save_random(config, folder, tokenizer, dtype=torch.bfloat16)
