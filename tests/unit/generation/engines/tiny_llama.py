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
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={character: i for i, character in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|bos|>", eos_token="<|end|>", pad_token="<|pad|>"
    )
    fast.chat_template = template
    fast.save_pretrained(directory)


def save_checkpoint(directory: Path, *, seed: int = 0, context: int = 256) -> Path:
    """Write a random checkpoint (float32, head size 32, which vLLM runs on a CPU)."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=256 + len(SPECIAL),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        initializer_range=0.4,
        bos_token_id=256,
        eos_token_id=257,
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    # a recommendation of the checkpoint that must not be followed, and a second end-of-sequence token
    (directory / "generation_config.json").write_text(
        json.dumps({"eos_token_id": [257, 262], "repetition_penalty": 3.0, "temperature": 0.7, "do_sample": True})
    )
    save_tokenizer(directory)
    return directory
