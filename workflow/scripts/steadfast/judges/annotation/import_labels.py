"""Import of labels: annotation files are checked and matched to the responses of this run."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from steadfast.core.errors import DataError, suggest
from steadfast.core.files import require_columns
from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED, VerdictName
from steadfast.judges.annotation.annotators import AnnotationRow, judge_name, read_rows
from steadfast.judges.annotation.items import AnnotatedVariant
from steadfast.judges.interface import KEYS

SPELLINGS: dict[VerdictName, tuple[str, ...]] = {
    REFUSAL: ("refusal", "refused", "refuse"),
    NON_REFUSAL: ("non_refusal", "nonrefusal", "not_refusal", "not_a_refusal", "no_refusal", "complied", "compliance"),
    UNSCORED: ("unsure", "unclear", "unscored"),
}
VERDICT_COLUMNS = ("verdict", "judgment", "judgement", "annotation")
QUESTION_COLUMNS = ("question", "prompt", "text")

RESPONSE = ["model", "variant", *KEYS]
LABEL_COLUMNS = ["annotator", "judge", *RESPONSE, "verdict", "raw", "note", "seconds", "timestamp", "file", "row"]
SHOWN_PROBLEMS = 10

ResponseKey = tuple[str, str, str, int]
Matcher = Callable[[AnnotationRow], list[ResponseKey]]


@dataclass(frozen=True)
class Annotations:
    """Labels of all annotators.

    Attributes:
        labels: one row per annotator and response, with `LABEL_COLUMNS`; ``verdict`` is ``refusal``,
            ``non_refusal`` or, if unsure, ``unscored``; ``raw`` is the word in the file.
        warnings: messages about unusual but valid input.
    """

    labels: pd.DataFrame
    warnings: list[str]


class _Problem(Exception):
    """An error in one row."""


class _UnknownItem(Exception):
    """A row labels an item that is not in this run."""


def read_annotations(files: Iterable[str | Path], key: pd.DataFrame, prompts: pd.DataFrame) -> Annotations:
    """Read annotation files: exports of the annotation page, or other CSVs.

    An export is matched by ``item_id``, and its label applies to every identical response. Any other CSV file needs
    ``model``, ``variant``, ``prompt_id`` or the question's text, and a verdict; ``sample`` (0 if absent), ``annotator``
    (the file's name if absent) and ``note`` are optional. Rows without a verdict are skipped.

    Args:
        files: paths of the CSVs.
        key: the key that was written with the annotation page.
        prompts: the prompt table.

    Raises:
        DataError: columns are missing, a verdict is not a known word, a row names no response of this run, or
            an annotator labels a response twice. The message names file and row of each problem.
    """
    index = _Index(key, prompts)
    labels: list[dict[str, object]] = []
    problems: list[str] = []
    warnings: list[str] = []
    for file in files:
        rows = read_rows(file)
        matcher = _matcher(str(file), rows, index)
        warnings += _foreign_pages(str(file), rows, index)
        unknown: list[AnnotationRow] = []
        for row in rows:
            try:
                labels += _labels_of(row, matcher)
            except _UnknownItem:
                unknown.append(row)
            except _Problem as problem:
                problems.append(f"{row.place}: {problem}")
        problems += _unknown_items(unknown, len(rows), index)
    problems += _doubles(labels)
    if problems:
        raise DataError(_message(problems))
    return Annotations(pd.DataFrame(labels, columns=LABEL_COLUMNS).astype({"sample": "int64"}), warnings)


class _Index:
    """The responses of this run, by item id and by the keys of other files."""

    def __init__(self, key: pd.DataFrame, prompts: pd.DataFrame) -> None:
        require_columns(key, ["item_id", *RESPONSE, "item_set"], "annotation key")
        texts = require_columns(prompts, ["prompt_id", "text"], "prompts")
        self.item_set = str(key["item_set"].iloc[0])
        self.by_item: defaultdict[str, list[ResponseKey]] = defaultdict(list)
        self.variants: defaultdict[str, set[str]] = defaultdict(set)
        for item, model, variant, prompt_id, sample in key[["item_id", *RESPONSE]].itertuples(index=False, name=None):
            self.by_item[str(item)].append((str(model), str(variant), str(prompt_id), int(sample)))
            self.variants[str(model)].add(str(variant))
        self.responses = {response for group in self.by_item.values() for response in group}
        self.prompt_of_text = {
            _normalized(str(text)): str(prompt_id)
            for prompt_id, text in zip(texts["prompt_id"], texts["text"], strict=True)
        }


def _matcher(file: str, rows: list[AnnotationRow], index: _Index) -> Matcher:
    columns = set(rows[0].values) if rows else set()
    if not rows:
        raise DataError(f"{file}: there are no rows below the header")
    if "item_id" in columns:
        return lambda row: _match_item(row, index)
    missing = sorted({"model", "variant"} - columns)
    if not columns & {"prompt_id", *QUESTION_COLUMNS}:
        missing.append("prompt_id (or question)")
    if not columns & set(VERDICT_COLUMNS):
        missing.append("verdict")
    if missing:
        raise DataError(
            f"{file}: missing column(s) {', '.join(missing)}; found {', '.join(sorted(columns))}. Expected an export "
            "of the annotation page, or the columns model, variant, prompt_id or question, verdict"
        )
    return lambda row: _match_response(row, index)


def _match_item(row: AnnotationRow, index: _Index) -> list[ResponseKey]:
    item = row.values["item_id"]
    if item not in index.by_item:
        raise _UnknownItem
    return index.by_item[item]


def _match_response(row: AnnotationRow, index: _Index) -> list[ResponseKey]:
    pair = AnnotatedVariant(row.values["model"], row.values["variant"])
    if pair.model not in index.variants:
        raise _Problem(f"unknown model {pair.model!r}{suggest(pair.model, index.variants)}")
    if pair.variant not in index.variants[pair.model]:
        known = index.variants[pair.model]
        raise _Problem(f"{pair.model} has no variant {pair.variant!r}{suggest(pair.variant, known)}")
    response = (*pair, _prompt_of(row, index), _sample_of(row))
    if response not in index.responses:
        model, variant, prompt_id, sample = response
        raise _Problem(f"{model}/{variant} has no response to prompt {prompt_id}, sample {sample}")
    return [response]


def _prompt_of(row: AnnotationRow, index: _Index) -> str:
    if row.values.get("prompt_id"):
        return row.values["prompt_id"]
    text = next((row.values[column] for column in QUESTION_COLUMNS if row.values.get(column)), "")
    if _normalized(text) not in index.prompt_of_text:
        raise _Problem(f"the question {text[:60]!r} is not among the prompts of this run")
    return index.prompt_of_text[_normalized(text)]


def _sample_of(row: AnnotationRow) -> int:
    text = row.values.get("sample") or "0"
    if not re.fullmatch(r"\d+", text, re.ASCII):
        raise _Problem(f"sample {text!r} is not a whole number")
    return int(text)


def _labels_of(row: AnnotationRow, matcher: Matcher) -> list[dict[str, object]]:
    word = next((row.values[column] for column in VERDICT_COLUMNS if row.values.get(column)), "")
    if not word:
        return []
    verdict = _verdict_of(word)
    common = {
        "annotator": " ".join(row.annotator.split()),
        "judge": judge_name(row.annotator),
        "verdict": verdict,
        "raw": word,
        "note": row.values.get("note", ""),
        "seconds": _seconds_of(row),
        "timestamp": row.values.get("timestamp", ""),
        "file": row.file,
        "row": row.number,
    }
    return [{**common, **dict(zip(RESPONSE, response, strict=True))} for response in matcher(row)]


def _verdict_of(word: str) -> VerdictName:
    spelling = re.sub(r"[\s_-]+", "_", word.strip().lower())
    for verdict, spellings in SPELLINGS.items():
        if spelling in spellings:
            return verdict
    allowed = ", ".join(spelling for spellings in SPELLINGS.values() for spelling in spellings)
    raise _Problem(f"unknown verdict {word!r}; allowed: {allowed}")


def _seconds_of(row: AnnotationRow) -> float:
    text = row.values.get("seconds") or "nan"
    try:
        return float(text.replace(",", "."))  # a spreadsheet may have written a decimal comma
    except ValueError:
        raise _Problem(f"seconds {text!r} is not a number") from None


def _doubles(labels: list[dict[str, object]]) -> list[str]:
    seen: dict[tuple[object, ...], str] = {}
    problems: dict[str, str] = {}
    for label in labels:
        place = f"{label['file']}, row {label['row']}"
        identity = tuple(label[column] for column in ("judge", *RESPONSE))
        if identity in seen:
            problems.setdefault(
                place, f"{place}: {label['annotator']} already labels this response in {seen[identity]}"
            )
        else:
            seen[identity] = place
    return list(problems.values())


def _unknown_items(unknown: list[AnnotationRow], total: int, index: _Index) -> list[str]:
    if not unknown:
        return []
    first = unknown[0]
    exported = first.values.get("item_set", "")
    origin = (
        "the item set is this run's, so ids were changed by hand"
        if exported == index.item_set
        else f"the file is from another run, or responses were generated again since (its item set is "
        f"{exported or 'unknown'}, this run's is {index.item_set})"
    )
    share = f"{len(unknown)} of {total} rows are unknown"
    return [f"{first.place}: unknown item {first.values['item_id']!r} ({share}): {origin}"]


def _foreign_pages(file: str, rows: list[AnnotationRow], index: _Index) -> list[str]:
    sets = {row.values["item_set"] for row in rows if row.values.get("item_set")}
    return [
        f"{file} was labeled on another page (item set {name}, this run's is {index.item_set}): its definition or its "
        "choice of responses may differ. All its items occur in this run and are used"
        for name in sorted(sets - {index.item_set})
    ]


def _message(problems: list[str]) -> str:
    more = len(problems) - SHOWN_PROBLEMS
    lines = problems[:SHOWN_PROBLEMS] + ([f"and {more} more"] if more > 0 else [])
    return "annotations: " + "\n  ".join(lines)


def _normalized(text: str) -> str:
    return " ".join(text.split())
