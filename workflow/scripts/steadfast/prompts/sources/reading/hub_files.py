"""Which files of a Hugging Face data set hold one of its splits.

The hub's own conventions, as its documentation of data files describes them: the data set's card may map subsets and
splits to folders and file patterns; else file and folder names tell the split. Where the hub would read files of
different names as one table, none is chosen here: they may be different subsets, and are distinguished by ``subset``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, TypeVar

from steadfast.core.errors import DataError, suggest
from steadfast.core.text_files import PACKED, suffix_of
from steadfast.prompts.sources.reading.formats import SUFFIXES

Choice = TypeVar("Choice")

# of several formats of the same data, the first is taken
PREFERENCE = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt")
# names that files go by instead of the split's
SYNONYMS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
NO_DATA = frozenset({"dataset_infos.json", "dataset_info.json", "state.json", "config.json", "requirements.txt"})
MOST_NAMES = 12
# as a subset: all of them
ALL = "*"
_SHARD = re.compile(r"(?P<stem>.+?)-(?P<number>\d{1,6})-of-(?P<count>\d{1,6})(?P<rest>\b.*)")
# what tells the parts of one table apart: numbers, alone or out of how many, and the hashes behind them
_PART = re.compile(r"\d+|of|[0-9a-f]{16,}")


def split_files(
    names: Iterable[str], configs: Sequence[Mapping[str, Any]], subset: str | None, split: str
) -> list[str]:
    """Files of one split, sorted; all of one format and of one subset.

    Args:
        names: all files of the data set.
        configs: the ``configs`` of the data set's card; may be empty.
        subset: which of the card's configurations, or of the file names; None takes the card's default one, or the
            only one that there is, and ``*`` reads files of all names as one.
        split: name of the split.

    Returns:
        An empty list if the repository holds no file of a known format.

    Raises:
        DataError: the subset or the split is not there, or there are several; the message names those that are.
    """
    data = sorted(name for name in names if _is_data(name))
    config = _chosen_config(configs, subset)
    if config is None:
        return _whole(_by_name(data, subset, split))
    folder = PurePosixPath(str(config.get("data_dir") or "")).as_posix().strip("/").removeprefix(".")
    inside = {name.removeprefix(f"{folder}/"): name for name in data if not folder or name.startswith(f"{folder}/")}
    if folder and not inside:
        raise DataError(
            f"the card's data_dir {folder!r} holds no file of a known format; allowed: {', '.join(SUFFIXES)}"
        )
    patterns = _splits_of(config["data_files"]) if config.get("data_files") else None
    found = _by_pattern(list(inside), patterns, split) if patterns else _by_name(list(inside), None, split)
    return _whole([inside[name] for name in found])


def _whole(names: list[str]) -> list[str]:
    """The same files, of which none is missing where their names say how many there are.

    Raises:
        DataError: some are.
    """
    numbers: dict[tuple[str, str, str], set[int]] = {}
    for name in names:
        shard = _SHARD.fullmatch(name)
        if shard:
            numbers.setdefault((shard["stem"], shard["count"], shard["rest"]), set()).add(int(shard["number"]))
    for (stem, count, rest), found in numbers.items():
        first_number = 1 if int(count) in found else 0  # some count from one
        missing = sorted(set(range(first_number, int(count) + first_number)) - found)
        if missing:
            first = f"{stem}-{missing[0]:0{len(count)}d}-of-{count}{rest}"
            raise DataError(f"{len(missing)} of {int(count)} files of a table are missing, for example {first}")
    return names


def converted_files(names: Iterable[str], subset: str | None, split: str) -> list[str]:
    """Files of one split in the hub's own conversion, whose paths are ``<subset>/<split>/<number>.parquet``.

    Raises:
        DataError: the subset or the split is not there; the message names those that are.
    """
    layout: dict[str, dict[str, list[str]]] = {}
    for name in sorted(names):
        parts = PurePosixPath(name).parts
        if len(parts) == 3 and name.endswith(".parquet"):
            layout.setdefault(parts[0], {}).setdefault(parts[1], []).append(name)
    chosen = subset or ("default" if "default" in layout else next(iter(layout), ""))
    if subset is None and len(layout) > 1:
        raise DataError(_several(layout))
    splits = _pick(layout, chosen, "subset")
    return _pick(splits, split, "split")


def _chosen_config(configs: Sequence[Mapping[str, Any]], subset: str | None) -> Mapping[str, Any] | None:
    """The configuration of the card that a subset names; None if the card has none that says anything about files."""
    if not any(config.get("data_files") or config.get("data_dir") for config in configs):
        return None
    by_name = {str(config.get("config_name", "default")): config for config in configs}
    if subset is not None:
        return _pick(by_name, subset, "subset")
    marked = [config for config in configs if config.get("default")]
    if marked:
        return marked[0]
    if len(by_name) > 1 and "default" not in by_name:
        raise DataError(_several(by_name))
    return by_name.get("default") or next(iter(by_name.values()))


def _splits_of(data_files: Any) -> dict[str, list[str]]:
    """File patterns by split: a pattern or a list of them is the split ``train``."""
    if isinstance(data_files, Mapping):
        return {str(split): [path] if isinstance(path, str) else list(path) for split, path in data_files.items()}
    patterns: dict[str, list[str]] = {}
    for entry in [data_files] if isinstance(data_files, str) else data_files:
        split, path = (str(entry["split"]), entry["path"]) if isinstance(entry, Mapping) else ("train", entry)
        patterns.setdefault(split, []).extend([path] if isinstance(path, str) else path)
    return patterns


def _by_pattern(data: Sequence[str], patterns: Mapping[str, Sequence[str]], split: str) -> list[str]:
    wanted = [pattern.removeprefix("./") for pattern in _pick(patterns, split, "split")]
    expressions = [re.compile(_expression(pattern)) for pattern in wanted]
    found = [name for name in data if any(expression.fullmatch(name) for expression in expressions)]
    if not found:
        raise DataError(f"no file of a known format matches {', '.join(wanted)}; allowed: {', '.join(SUFFIXES)}")
    return _one_format(found, split)


def _expression(pattern: str) -> str:
    """A regular expression of a pattern of files: ``*`` stays within a folder, ``**`` does not."""
    rules = {r"\*\*/": "(?:.*/)?", r"\*\*": ".*", r"\*": "[^/]*", r"\?": "[^/]"}
    tokens = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]/]+\])", pattern)
    return "".join(
        rules.get(re.escape(token)) or (token.replace("[!", "[^", 1) if token.startswith("[") else re.escape(token))
        for token in tokens
    )


def _by_name(data: Sequence[str], subset: str | None, split: str) -> list[str]:
    if subset is not None and subset != ALL:
        data = _of_subset(data, subset, split)
    by_split: dict[str, list[str]] = {}
    for name in data:
        by_split.setdefault(_split_in(name, split), []).append(name)
    # files that name no split belong to one split, called train
    if set(by_split) == {""}:
        by_split["train"] = by_split.pop("")
    by_split.pop("", None)
    found = _one_format(_pick(by_split, split, "split"), split) if data else []
    groups = {_group(name, split) for name in found}
    if len(groups) > 1 and subset != ALL:
        raise DataError(f"{_several(groups)}; or to '{ALL}' to read them as one")
    return found


def _of_subset(data: Sequence[str], subset: str, split: str) -> list[str]:
    groups = {name: _group(name, split) for name in data}
    found = [name for name in data if groups[name] == subset]
    found = found or [name for name in data if subset in PurePosixPath(name).parts[:-1]]
    if not found:
        known = sorted(set(groups.values()) - {""})[:MOST_NAMES]
        raise DataError(
            f"no subset {subset!r}: neither its card nor the name of a file or folder has it"
            f"{suggest(subset, known) if known else ''}"
        )
    return found


def _split_in(name: str, wanted: str) -> str:
    """The split that a path names as a separate word; empty if none."""
    tokens = _words(name)
    for split, synonyms in {wanted: SYNONYMS.get(wanted, (wanted.lower(),)), **SYNONYMS}.items():
        if any(synonym in tokens for synonym in synonyms):
            return split
    return ""


def _group(name: str, split: str) -> str:
    """What a path says in addition to the split, the part of it and the format: empty, or the name of a subset."""
    path = PurePosixPath(name[: -len(PACKED)] if name.lower().endswith(PACKED) else name)
    splits = {synonym for synonyms in SYNONYMS.values() for synonym in synonyms} | {split.lower()}
    folders = [part for part in path.parts[:-1] if part.lower() not in splits | {"data"}]
    stem = "-".join(word for word in _words(path.stem) if word not in splits and not _PART.fullmatch(word))
    return "/".join([*folders, *([stem] if stem else [])])


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", name.lower())


def _is_data(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "_")) for part in path.parts)
    return suffix_of(name) in SUFFIXES and not hidden and path.name not in NO_DATA


def _one_format(names: Sequence[str], split: str) -> list[str]:
    """The files of the preferred format, where the others hold the same; a text file may be a license."""
    for suffix in PREFERENCE:
        chosen = [name for name in names if suffix_of(name) == suffix]
        if not chosen:
            continue
        groups = {_group(name, split) for name in chosen}
        others = [name for name in names if name not in chosen and suffix_of(name) != ".txt"]
        different = [name for name in others if _group(name, split) not in groups]
        if different:
            raise DataError(_several({_group(name, split) for name in (*chosen, *different)}))
        return chosen
    return []


def _several(subsets: Iterable[str]) -> str:
    names = sorted(subsets)
    more = f", and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    shown = ", ".join(name or "''" for name in names[:MOST_NAMES])
    return f"it has several subsets; set `subset` to one of: {shown}{more}"


def _pick(choices: Mapping[str, Choice], name: str, what: str) -> Choice:
    if name not in choices:
        raise DataError(f"no {what} {name!r}{suggest(name, choices)}")
    return choices[name]
