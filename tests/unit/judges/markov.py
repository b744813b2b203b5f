"""Checkpoints that write a given text: a real Llama whose next token depends on the last one alone.

Attention and MLP write nothing, so that the stream holds the embedding of the last token, and the head maps every token
to the one that is to follow.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers import models as tokenizer_models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase, PreTrainedTokenizerFast

MARK = "\u2581"
CERTAIN = 40.0
SPECIAL = ["<s>", "</s>", "<|user|>", "<|assistant|>"]
TEMPLATE = "<s>{% for m in messages %}<|user|>\n{{ m['content'] }}</s>{% endfor %}<|assistant|>"
WORDS = ("REF", "NON", "I", "Sorry", "hm", "Sure")


def sentence_piece(prepend: str) -> Tokenizer:
    """A tokenizer of the Llama 2 kind, whose words occur with a word-start mark and without.

    Args:
        prepend: ``normalizer`` (Llama 2), or the ``prepend_scheme`` of a Metaspace pre-tokenizer.
    """
    letters = sorted(set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?>'\"-{}()[]/<|_"))
    names = ["<unk>", *[f"<0x{byte:02X}>" for byte in range(256)], MARK, *letters]
    vocabulary = {name: index for index, name in enumerate(names)}
    merges = []

    def merge(left: str, right: str) -> str:
        vocabulary.setdefault(left + right, len(vocabulary))
        if (left, right) not in merges:
            merges.append((left, right))
        return left + right

    for word in WORDS:
        piece = word[0]
        for letter in word[1:]:
            piece = merge(piece, letter)
        merge(MARK, piece)
    core = Tokenizer(
        tokenizer_models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    if prepend == "normalizer":
        core.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    else:
        core.pre_tokenizer = pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme=prepend, split=False)
    core.decoder = decoders.Sequence(
        [
            decoders.Replace(MARK, " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return core


def byte_level(add_prefix_space: bool = False) -> Tokenizer:
    """A tokenizer of the GPT-2 kind, whose words occur with a leading space and without."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {name: index for index, name in enumerate(alphabet)}
    merges = []
    for word in WORDS:
        piece = word[0]
        for letter in word[1:]:
            merges.append((piece, letter))
            piece += letter
            vocabulary.setdefault(piece, len(vocabulary))
        merges.append(("\u0120", piece))
        vocabulary.setdefault(f"\u0120{piece}", len(vocabulary))
    core = Tokenizer(tokenizer_models.BPE(vocab=vocabulary, merges=merges))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    core.decoder = decoders.ByteLevel()
    return core


TOKENIZERS = {
    "prepend": lambda: sentence_piece("normalizer"),
    "metaspace_always": lambda: sentence_piece("always"),
    "metaspace_first": lambda: sentence_piece("first"),
    "metaspace_never": lambda: sentence_piece("never"),
    "byte_level": byte_level,
    "byte_level_prefix_space": lambda: byte_level(add_prefix_space=True),
}


def save_tokenizer(
    directory: Path, core: Tokenizer, end: str = "", special: tuple[str, ...] = ()
) -> PreTrainedTokenizerBase:
    """Save a tokenizer whose chat template ends in ``end``, and load it as the workflow does."""
    from steadfast.models.loading import load_tokenizer

    core.add_special_tokens([AddedToken(name, special=True) for name in (*SPECIAL, *special)])
    fast = PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>", pad_token="</s>")
    fast.chat_template = TEMPLATE + end
    fast.save_pretrained(directory)
    (directory / "config.json").write_text('{"model_type": "llama"}')
    return load_tokenizer(directory)


def save_model(
    directory: Path, tokenizer: PreTrainedTokenizerBase, following: Mapping[int, Mapping[int, float]]
) -> None:
    """Save a model that writes, behind each token, others with the given probabilities.

    Args:
        directory: where its tokenizer is.
        tokenizer: that tokenizer.
        following: probabilities of next tokens, by token; tokens that are not named may be followed by any.
    """
    size = len(tokenizer)  # type: ignore[arg-type]
    width = 16 * -(-size // 16)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=width,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=1024,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.model.norm.weight.fill_(1.0)
        for norm in (model.model.layers[0].input_layernorm, model.model.layers[0].post_attention_layernorm):
            norm.weight.fill_(1.0)
        model.model.embed_tokens.weight[:, :size] = torch.eye(size)
        # the norm makes the one entry of an embedding the square root of the width
        for last, probabilities in following.items():
            for token, probability in probabilities.items():
                logit = CERTAIN + float(torch.tensor(probability).log())
                model.lm_head.weight[token, last] = logit / width**0.5
    model.save_pretrained(directory)
