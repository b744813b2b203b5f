"""A random Llama checkpoint of a few kilobytes with a byte-level tokenizer, for tests of engines."""

import json
from pathlib import Path

TEMPLATE = (
    "<|bos|>{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|bos|>", "<|end|>", "<|pad|>", "<|user|>", "<|assistant|>", "<|system|>", "<|stop|>"]


def save_tokenizer(directory: Path, template: str | None = TEMPLATE) -> None:
    """Write a tokenizer that has one token for each byte, and the special tokens."""
    from tests.tiny_models import byte_tokenizer

    names = {"bos_token": "<|bos|>", "eos_token": "<|end|>", "pad_token": "<|pad|>"}
    byte_tokenizer(SPECIAL, **names, chat_template=template).save_pretrained(directory)


def save_checkpoint(directory: Path, *, seed: int = 0, context: int = 256) -> Path:
    """Write a random checkpoint (float32, head size 32, which vLLM runs on a CPU)."""
    from tests.tiny_models import save_random, tiny_llama

    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_key_value_heads": 2}
    ends = {"bos_token_id": 256, "eos_token_id": 257}
    settings = {"max_position_embeddings": context, "tie_word_embeddings": True, "initializer_range": 0.4}
    save_random(tiny_llama(256 + len(SPECIAL), **sizes, **ends, **settings), directory, seed=seed)
    # a recommendation of the checkpoint that must not be followed, and a second end-of-sequence token
    (directory / "generation_config.json").write_text(
        json.dumps({"eos_token_id": [257, 262], "repetition_penalty": 3.0, "temperature": 0.7, "do_sample": True})
    )
    save_tokenizer(directory)
    return directory
