"""Near-duplicates among thousands of short texts, found exactly and without comparing all pairs."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

# tolerance for comparing ratios with a threshold that has no exact binary form, such as 0.8
_TOLERANCE = 1e-9


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Size of the intersection over the size of the union; 0 for two empty sets."""
    shared = len(first & second)
    union = len(first) + len(second) - shared
    return shared / union if union else 0.0


class NearDuplicateIndex:
    """Index of texts as sets of words, for finding near-duplicates of further texts.

    Sets whose Jaccard similarity reaches a threshold t share at least ⌈t·n⌉ of the n words of either. With all
    words in one order, two such sets therefore have a word in common among the first n − ⌈t·n⌉ + 1 of each
    (prefix filtering: Chaudhuri et al. 2006; Bayardo et al. 2007). Only these words are indexed, rare words
    first, so that few candidates are left to compare.
    """

    def __init__(self, texts: Iterable[frozenset[str]], threshold: float) -> None:
        """Prepare an empty index.

        Args:
            texts: all texts that will be looked up or added, for the frequency of words.
            threshold: similarity in (0, 1] at which two texts count as near-duplicates.
        """
        self._threshold = threshold
        self._frequency = Counter(word for text in texts for word in text)
        self._postings: defaultdict[str, list[frozenset[str]]] = defaultdict(list)

    def find(self, text: frozenset[str]) -> frozenset[str] | None:
        """The first added text that is a near-duplicate of ``text``, or None."""
        # a set outside these sizes cannot reach the threshold
        smallest = self._threshold * len(text) - _TOLERANCE
        largest = len(text) / self._threshold + _TOLERANCE
        for word in self._prefix(text):
            for other in self._postings.get(word, ()):
                if smallest <= len(other) <= largest and jaccard(text, other) >= self._threshold - _TOLERANCE:
                    return other
        return None

    def add(self, text: frozenset[str]) -> None:
        """Add a text."""
        for word in self._prefix(text):
            self._postings[word].append(text)

    def _prefix(self, text: frozenset[str]) -> list[str]:
        ordered = sorted(text, key=lambda word: (self._frequency[word], word))
        shared = math.ceil(self._threshold * len(ordered) - _TOLERANCE)
        return ordered[: len(ordered) - shared + 1]
