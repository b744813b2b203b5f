"""Which files of a Hugging Face data set hold one of its splits.

The hub's own conventions, as its documentation of data files describes them: the data set's card may map splits to
file patterns; else file and folder names tell the split.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, TypeVar

from steadfast.errors import DataError, suggest
from steadfast.prompts.sources._rows import SUFFIXES

Choice = TypeVar("Choice")

# of several formats of the same data, the first is taken
PREFERENCE = (".parquet", ".jsonl", ".json", ".csv", ".txt")
# names that files go by instead of the split's
SYNONYMS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
NO_DATA = frozenset({"dataset_infos.json", "dataset_info.json", "state.json", "config.json", "requirements.txt"})


def split_files(
    names: Iterable[str], configs: Sequence[Mapping[str, Any]], subset: str | None, split: str
) -> list[str]:
    """Files of one split, sorted; all of one format.

    Args:
        names: all files of the data set.
        configs: the ``configs`` of the data set's card; may be empty.
        subset: which of the card's configurations; None takes the default one.
        split: name of the split.

    Returns:
        An empty list if the repository holds no file of a known format.

    Raises:
        DataError: the subset or the split is not there; the message names those that are.
    """
    data = sorted(name for name in names if _is_data(name))
    patterns = _patterns(configs, subset)
    found = _by_pattern(data, patterns, split) if patterns else _by_name(data, subset, split)
    return _one_format(found)


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
    if subset is None and len(layout) > 1 and chosen != "default":
        raise DataError(f"it has several subsets; set `subset` to one of: {', '.join(sorted(layout))}")
    splits = _pick(layout, chosen, "subset")
    return _pick(splits, split, "split")


def _patterns(configs: Sequence[Mapping[str, Any]], subset: str | None) -> dict[str, list[str]]:
    """File patterns by split that the card gives for a subset; empty if it gives none."""
    with_files = [config for config in configs if config.get("data_files")]
    if not with_files:
        return {}
    by_name = {str(config.get("config_name", "default")): config for config in with_files}
    if subset is not None:
        return _splits_of(_pick(by_name, subset, "subset")["data_files"])
    marked = [config for config in with_files if config.get("default")]
    default = marked[0] if marked else by_name.get("default")
    if default is None and len(by_name) > 1:
        raise DataError(f"it has several subsets; set `subset` to one of: {', '.join(sorted(by_name))}")
    return _splits_of((default or with_files[0])["data_files"])


def _splits_of(data_files: Any) -> dict[str, list[str]]:
    if isinstance(data_files, str):
        return {"train": [data_files]}
    patterns: dict[str, list[str]] = {}
    for entry in data_files:
        split, path = (str(entry["split"]), entry["path"]) if isinstance(entry, Mapping) else ("train", entry)
        patterns.setdefault(split, []).extend([path] if isinstance(path, str) else path)
    return patterns


def _by_pattern(data: Sequence[str], patterns: Mapping[str, Sequence[str]], split: str) -> list[str]:
    wanted = [pattern.removeprefix("./") for pattern in _pick(patterns, split, "split")]
    found = [name for name in data if any(fnmatchcase(name, pattern.replace("**/", "*")) for pattern in wanted)]
    if not found:
        raise DataError(f"no file of a known format matches {', '.join(wanted)}; allowed: {', '.join(SUFFIXES)}")
    return found


def _by_name(data: Sequence[str], subset: str | None, split: str) -> list[str]:
    if subset is not None:
        data = [name for name in data if subset in PurePosixPath(name).parts[:-1]]
        if not data:
            raise DataError(f"no subset {subset!r}: neither its card nor a folder names it")
    by_split: dict[str, list[str]] = {}
    for name in data:
        by_split.setdefault(_split_in(name, split), []).append(name)
    # files that name no split are all in one, which goes by the name of train
    if set(by_split) == {""}:
        by_split["train"] = by_split.pop("")
    by_split.pop("", None)
    return _pick(by_split, split, "split") if data else []


def _split_in(name: str, wanted: str) -> str:
    """The split that a path names as a word of its own; empty if none."""
    tokens = re.split(r"[^a-z0-9]+", name.lower())
    for split, synonyms in {wanted: SYNONYMS.get(wanted, (wanted.lower(),)), **SYNONYMS}.items():
        if any(synonym in tokens for synonym in synonyms):
            return split
    return ""


def _is_data(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "_")) for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden and path.name not in NO_DATA


def _one_format(names: Sequence[str]) -> list[str]:
    for suffix in PREFERENCE:
        chosen = [name for name in names if PurePosixPath(name).suffix.lower() == suffix]
        if chosen:
            return chosen
    return []


def _pick(choices: Mapping[str, Choice], name: str, what: str) -> Choice:
    if name not in choices:
        raise DataError(f"no {what} {name!r}{suggest(name, choices)}")
    return choices[name]
