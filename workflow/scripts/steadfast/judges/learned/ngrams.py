"""Unigrams and bigrams of a text as a sparse vector, with feature hashing instead of a vocabulary."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from steadfast.judges.phrase_text import APOSTROPHES

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_TOKEN = re.compile(r"[\w']+|[^\w\s]")
LONGEST = 2_000
"""Maximum number of words; the middle of a longer text is dropped."""


def ngrams(text: str, longest: int) -> list[str]:
    """The n-grams of up to ``longest`` words or punctuation marks, in lower case, with a start marker."""
    words = _TOKEN.findall(text.translate(APOSTROPHES).lower())
    half = LONGEST // 2
    if len(words) > LONGEST:
        words = [*words[:half], *words[-half:]]
    marked = ["^", *words]
    starts = ((size, start) for size in range(1, longest + 1) for start in range(len(marked) - size + 1))
    return [" ".join(marked[start : start + size]) for size, start in starts]


def counts(texts: Sequence[str], longest: int, places: int) -> "csr_array":
    """Weights of the n-grams of each text: ``1 + log(count)``, of Euclidean length 1.

    Args:
        texts: the texts.
        longest: longest n-gram, in words.
        places: size of the vectors; n-grams with equal hashes share an entry.

    Returns:
        float32 [texts, places].
    """
    from scipy.sparse import csr_array

    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for row, text in enumerate(texts):
        found = Counter(crc32(ngram.encode()) % places for ngram in ngrams(text, longest))
        weights = 1 + np.log(np.fromiter(found.values(), dtype=np.float64, count=len(found)))
        rows += [row] * len(found)
        columns += list(found)
        values += (weights / np.linalg.norm(weights)).tolist()
    shape: Any = (len(texts), places)
    return csr_array((np.asarray(values, dtype=np.float32), (rows, columns)), shape=shape)
