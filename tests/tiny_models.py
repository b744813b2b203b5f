"""Random models of a few kilobytes and their tokenizers, which need no training.

`tests.tiny_checkpoint` makes the files of one without torch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaConfig, PretrainedConfig, PreTrainedTokenizerFast


def tiny_llama(vocabulary: int, **changes: Any) -> LlamaConfig:
    """A Llama of three blocks with heads in groups."""
    sizes = {
        "vocab_size": vocabulary,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
    }
    return LlamaConfig(**{**sizes, **changes})


def word_tokenizer(words: Sequence[str], **settings: Any) -> PreTrainedTokenizerFast:
    """One token for each word between spaces; ``<unk>`` is among the words."""
    inner = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", **settings)


def byte_tokenizer(
    special: Sequence[str],
    *,
    special_first: bool = False,
    merges: Sequence[tuple[str, str]] = (),
    **settings: Any,
) -> PreTrainedTokenizerFast:
    """One token for each byte and each merged pair, and the special ones, which come last unless they are to be first.

    Args:
        special: the special tokens.
        special_first: whether their ids are the lowest.
        merges: pairs of tokens that are joined, in order.
        settings: of the tokenizer: names of special tokens, the chat template.
    """
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*(special if special_first else ()), *alphabet, *(left + right for left, right in merges)]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=list(merges)))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens([AddedToken(token, special=True) for token in special])
    return PreTrainedTokenizerFast(tokenizer_object=inner, **settings)


def save_random(
    config: PretrainedConfig,
    directory: Path,
    tokenizer: PreTrainedTokenizerFast | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    spread: float | None = None,
    shard_size: str = "5GB",
) -> Path:
    """Write a random model of any architecture.

    Args:
        config: its sizes.
        directory: where it is written.
        tokenizer: is written beside it.
        dtype: in which it is stored.
        seed: seed of the weights.
        spread: standard deviation of every parameter, biases and norms among them; None leaves what the architecture
            begins with.
        shard_size: size from which the weights go into several files.
    """
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config).to(dtype)
    if spread is not None:
        for parameter in model.parameters():
            parameter.data.normal_(std=spread)
    model.save_pretrained(directory, max_shard_size=shard_size)
    if tokenizer is not None:
        tokenizer.save_pretrained(directory)
    return directory
