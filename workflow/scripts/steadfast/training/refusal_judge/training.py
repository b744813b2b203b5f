"""Training of the bundled head, from the data files to its two files."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from steadfast.core.errors import DataError
from steadfast.core.files import sha256_file
from steadfast.judges.interface import Case
from steadfast.judges.kinds.regex import load_judge
from steadfast.judges.learned.head import Calibration, Head
from steadfast.judges.learned.reading import CaseReader, build_reader
from steadfast.judges.learned.seen import Array, Seen
from steadfast.judges.learned.texts import answer_of
from steadfast.training.refusal_judge.data import FILES, LabeledResponse, load_examples
from steadfast.training.refusal_judge.fitting import Marks, fit_head, held_out_scores, with_probe
from steadfast.training.refusal_judge.held_out import SOURCES, calibration_table, folds_of

BASE = "SmolLM2-135M-Instruct"
BLOCKS = 16


@dataclass(frozen=True)
class Training:
    """A head with its training data.

    Attributes:
        head: fitted to all examples, and calibrated.
        examples: examples with content.
        refusal: their labels.
        phrase: verdicts of the phrase list.
        scores: their held-out scores.
    """

    head: Head
    examples: list[LabeledResponse]
    refusal: Marks
    phrase: Marks
    scores: Array


def train_refusal_judge(
    base: str, folder: str, requests: str, phrases: str, *, seed: int, batch_tokens: int
) -> Training:
    """Train the head, and evaluate it on held-out data.

    Args:
        base: model directory or checkpoint of the base.
        folder: the data (``resources/refusal_judge``).
        requests: the requests that composed prompts are made of (``resources/safety_tuning``).
        phrases: the phrase list.
        seed: seed of the composed examples and of the folds.
        batch_tokens: tokens per forward batch.

    Raises:
        DataError: a file does not hold what it should.
    """
    reader = build_reader(base, load_judge(phrases), BLOCKS, dtype="float32", device="cpu", batch_tokens=batch_tokens)
    examples, cases = _answered(load_examples(folder, requests, seed))
    seen = reader.read(cases)
    refusal = np.asarray([example.refusal for example in examples])
    folds = folds_of(examples, seed)
    if not all(example.source in SOURCES for example in examples):
        raise DataError(f"{folder}: an example is of none of the sources {', '.join(SOURCES)}")
    scores = held_out_scores(seen, refusal, folds, BLOCKS)
    head = _calibrated(fit(reader, seen, refusal), scores, refusal, examples)
    about = {"base": BASE, "data": _digests(folder), "examples": len(examples), "seed": seed}
    return Training(replace(head, about={**head.about, **about}), examples, refusal, seen.phrase > 0, scores)


def fit(reader: CaseReader, seen: Seen, refusal: Marks) -> Head:
    """The head fitted to all examples, not calibrated yet."""
    return with_probe(fit_head(seen, refusal, BLOCKS), reader)


def _calibrated(head: Head, scores: Array, refusal: Marks, examples: list[LabeledResponse]) -> Head:
    found, table, error = calibration_table(
        scores.astype(np.float64), refusal, [example.source for example in examples]
    )
    about: dict[str, Any] = {"calibration": {"table": table, "expected_calibration_error": round(error, 4)}}
    return replace(head, calibration=Calibration(round(found.slope, 6), round(found.offset, 6)), about=about)


def _answered(examples: list[LabeledResponse]) -> tuple[list[LabeledResponse], list[Case]]:
    """The examples whose response has an answer, with their cases."""
    answers = [answer_of(Case("", 0, example.prompt, example.response, ""))[0] for example in examples]
    kept = [(example, answer) for example, answer in zip(examples, answers, strict=True) if answer]
    return [example for example, _ in kept], [Case("", 0, example.prompt, answer, "") for example, answer in kept]


def _digests(folder: str) -> dict[str, str]:
    return {name: sha256_file(Path(folder) / name)[:16] for name in FILES}
