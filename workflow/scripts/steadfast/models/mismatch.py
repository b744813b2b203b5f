"""Differences between stored tensors and those of an architecture, with the likely cause and the remedy."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from steadfast.core.errors import DataError
from steadfast.models.weights import SINGLE

NAMED = 3
# parts of a multimodal checkpoint that text generation does not use
OTHER_MODALITIES = re.compile(
    r"(^|\.)(vision|visual|image|audio|multi_modal|mm|speech|embed_vision|embed_audio)[\w]*\."
)
# masks and position tables stored by older releases; they are recomputed
STORED_BUFFERS = re.compile(r"\.(rotary_emb\.inv_freq|rotary_emb\.(cos|sin)_cached|masked_bias|position_ids)$")
NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")
BLOCK = re.compile(r"^(?P<blocks>.*?(?:^|\.)(?:layers|h|blocks))\.(?P<index>\d+)\.")

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Mismatch:
    """How stored tensors differ from those of the architecture.

    Attributes:
        missing: names of tensors that the architecture has and the files do not.
        unexpected: names that the files have and the architecture does not.
        misshapen: names with the stored shape and the architecture's.
    """

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    misshapen: tuple[tuple[str, Shape, Shape], ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.missing or self.unexpected or self.misshapen)


def mismatch_of(info: Mapping[str, Any], config: Mapping[str, Any]) -> Mismatch:
    """Loading report of transformers (``output_loading_info``), without harmless entries."""
    return Mismatch(
        tuple(sorted(info["missing_keys"])),
        tuple(sorted(name for name in info["unexpected_keys"] if not _is_harmless(name, config))),
        tuple(sorted((name, tuple(stored), tuple(wanted)) for name, stored, wanted in info["mismatched_keys"])),
    )


def require_match(mismatch: Mismatch, config: Mapping[str, Any], name: str) -> None:
    """Raise an error for a mismatch.

    Args:
        mismatch: from ``mismatch_of``.
        config: the checkpoint's ``config.json``.
        name: name of the checkpoint in messages.

    Raises:
        DataError: there is a mismatch.
    """
    if not mismatch:
        return
    shapes = [
        f"{name} (stored {list(stored)}, should be {list(wanted)})" for name, stored, wanted in mismatch.misshapen
    ]
    parts = {
        "missing": mismatch.missing,
        "not part of the model": mismatch.unexpected,
        "of another shape": shapes,
    }
    found = "; ".join(f"{words}: {some_of(names)}" for words, names in parts.items() if names)
    raise DataError(
        f"{name}: its files do not contain the tensors that its config.json requires. {found[0].upper()}{found[1:]}. "
        f"{_likely_cause(mismatch, config)}"
    )


def _is_harmless(name: str, config: Mapping[str, Any]) -> bool:
    """Whether a tensor that the loaded class does not know takes no part in answering text."""
    if STORED_BUFFERS.search(name):
        return True
    multimodal = any(key.endswith("_config") and key != "text_config" for key in config)
    if multimodal and OTHER_MODALITIES.search(name):
        return True
    text: Mapping[str, Any] = config.get("text_config") or config
    depth, further = text.get("num_hidden_layers"), text.get("num_nextn_predict_layers") or 0
    block = BLOCK.match(name)
    # blocks after the last are for multi-token prediction
    return bool(block and depth and int(depth) <= int(block["index"]) < int(depth) + int(further))


def _likely_cause(mismatch: Mismatch, config: Mapping[str, Any]) -> str:
    return next(cause for explain in CAUSES if (cause := explain(mismatch, config)))


def _adapter_inside(mismatch: Mismatch, _config: Mapping[str, Any]) -> str:
    if not any(re.search(r"\.(lora_\w+|base_layer|modules_to_save)\.", name) for name in mismatch.unexpected):
        return ""
    return (
        "These are tensors of a PEFT adapter that was not merged: save the model again after `merge_and_unload()`, or "
        "give the adapter as `source: adapter`"
    )


def _prefix(mismatch: Mismatch, _config: Mapping[str, Any]) -> str:
    prefix = foreign_prefix(mismatch.unexpected, mismatch.missing)
    if not prefix:
        return ""
    owner = next((owner for start, owner in WRAPPERS.items() if prefix.startswith(start)), "a wrapper")
    return (
        f"All names begin with `{prefix}`, which {owner} puts there: save the model again from inside the wrapper, or "
        f"remove `{prefix}` from the tensors' names"
    )


def foreign_prefix(unexpected: Collection[str], missing: Collection[str]) -> str:
    """The prefix without which every unexpected name is a missing one; empty if there is none."""
    if not unexpected or not missing:
        return ""
    first = min(unexpected)
    for name in sorted(missing, key=len, reverse=True):
        prefix = first.removesuffix(name)
        if prefix != first and prefix.endswith("."):
            if {name.removeprefix(prefix) for name in unexpected if name.startswith(prefix)} <= set(missing):
                return prefix if all(name.startswith(prefix) for name in unexpected) else ""
    return ""


def _head(mismatch: Mismatch, _config: Mapping[str, Any]) -> str:
    heads = [name for name in mismatch.missing if name.rpartition(".")[0].endswith(("lm_head", "embed_out", "output"))]
    if not heads or len(mismatch.missing) > len(heads):
        return ""
    return (
        f"config.json says that the head has weights of its own, and {heads[0]} is not in the files: if the head is "
        "the embedding, set `tie_word_embeddings: true` in config.json, else get the file that holds it"
    )


def _depth(mismatch: Mismatch, config: Mapping[str, Any]) -> str:
    depth = int((config.get("text_config") or config).get("num_hidden_layers") or 0)
    lost, extra = (_whole_blocks(names) for names in (mismatch.missing, mismatch.unexpected))
    if lost and not mismatch.unexpected:
        blocks = f"Nothing of block {min(lost)} is" if len(lost) == 1 else f"Nothing of {len(lost)} blocks is"
        return (
            f"{blocks} in the files, and config.json says that there are {depth} blocks: a file is missing, or "
            "`num_hidden_layers` is wrong"
        )
    if extra and not mismatch.missing and min(extra) >= depth:
        return (
            f"config.json says that there are {depth} blocks, and the files go on to block {max(extra)}: config.json "
            "is of another model, or `num_hidden_layers` is wrong"
        )
    return ""


def _whole_blocks(names: Collection[str]) -> set[int]:
    """Blocks of which everything seems to be among the names: all of them hold the same names."""
    blocks: dict[int, set[str]] = {}
    for name in names:
        match = BLOCK.match(name)
        if match is None:
            return set()
        blocks.setdefault(int(match["index"]), set()).add(name[match.end() :])
    everything = set().union(*blocks.values()) if blocks else set()
    whole = len(everything) > NAMED and all(rest == everything for rest in blocks.values())
    return set(blocks) if whole else set()


def _vocabulary(mismatch: Mismatch, _config: Mapping[str, Any]) -> str:
    if not mismatch.misshapen or mismatch.missing or mismatch.unexpected:
        return ""
    rows = {(stored[0], wanted[0]) for _, stored, wanted in mismatch.misshapen if stored[1:] == wanted[1:]}
    names = all(re.search(r"(embed|wte|head)", name) for name, _, _ in mismatch.misshapen)
    if not names or len(rows) != 1:
        return ""
    stored, _ = rows.pop()
    return f"The vocabulary was changed: set `vocab_size: {stored}` in config.json if the tokenizer is of the same size"


def _shapes(mismatch: Mismatch, _config: Mapping[str, Any]) -> str:
    return (
        "config.json is that of another size of the model: get the one that belongs to the files"
        if mismatch.misshapen
        else ""
    )


def _incomplete(mismatch: Mismatch, _config: Mapping[str, Any]) -> str:
    if mismatch.unexpected:
        return "config.json is that of another architecture, or the checkpoint was saved by other software: convert it"
    return f"The files are not complete: download or save the checkpoint again ({SINGLE}, or all its shards)"


Explain = Callable[[Mismatch, Mapping[str, Any]], str]
CAUSES: tuple[Explain, ...] = (_adapter_inside, _prefix, _head, _depth, _vocabulary, _shapes, _incomplete)
WRAPPERS = {
    "_orig_mod.": "torch.compile",
    "base_model.": "PEFT",
    "module.": "a wrapper for several devices (DataParallel, DeepSpeed)",
    "_fsdp_wrapped_module.": "FSDP",
    "language_model.": "a multimodal model",
    "model.language_model.": "a multimodal model",
}


def some_of(names: Collection[str]) -> str:
    """The first few names (one per group that differs only in a number), and their total number."""
    few = list(_distinct(names))[:NAMED]
    more = f", ... ({len(names)} in all)" if len(names) > len(few) else ""
    return ", ".join(few) + more


def _distinct(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        pattern = NUMBER.sub("*", name)
        if pattern not in seen:
            seen.add(pattern)
            yield name
