"""Perplexity on a held-out text: exp of the mean negative log-likelihood per token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.subject import Subject
from steadfast.analysis.side_effects.weights._text import held_out_texts
from steadfast.attacks.activations.logits import teacher_forced_log_probabilities

ABOUT = About("perplexity on held-out text", "perplexity", damage="higher", summary="exponential_of_mean")


@dataclass(frozen=True)
class Reference:
    """The documents, and what the original makes of them.

    Attributes:
        texts: the documents.
        likelihoods: mean negative log-likelihood per token and number of tokens, by the document's number.
    """

    texts: list[str]
    likelihoods: dict[int, tuple[float, int]]


@dataclass(frozen=True)
class Perplexity:
    """Perplexity on ``documents`` documents of a text, of at most ``max_tokens`` tokens each."""

    text: Mapping[str, Any]
    documents: int
    max_tokens: int

    def reference(self, original: Subject, variants: object) -> Reference:
        """The documents and the original's likelihoods."""
        del variants
        texts = held_out_texts(self.text, self.documents)
        return Reference(texts, self._likelihoods(original, texts))

    def score(self, subject: Subject, reference: Reference) -> list[Score]:
        """Mean negative log-likelihood per token of every document."""
        before = reference.likelihoods
        own = before if subject.variant == "original" else self._likelihoods(subject, reference.texts)
        return [
            Score(str(document), own[document][0], likelihood, weight=tokens, scope="held-out text")
            for document, (likelihood, tokens) in before.items()
        ]

    def _likelihoods(self, subject: Subject, texts: list[str]) -> dict[int, tuple[float, int]]:
        tokenizer: Any = subject.access.tokenizer
        encoded = [ids[: self.max_tokens] for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
        begin = tokenizer.bos_token_id
        # the first token is only predicted if another one precedes it
        prefixes = [ids[:1] if begin is None else [begin] for ids in encoded]
        rest = [ids[1:] if begin is None else ids for ids in encoded]
        rows = [row for row, ids in enumerate(rest) if ids]
        access = subject.access
        chosen = [prefixes[row] for row in rows], [rest[row] for row in rows]
        found = {}
        for index, values in teacher_forced_log_probabilities(
            access.model, *chosen, access.batch_tokens, subject.pad_token
        ):
            tokens = rest[rows[index]]
            likelihood = values[range(len(tokens)), tokens].double().mean()
            found[rows[index]] = (-float(likelihood), len(tokens))
        return {row: found[row] for row in sorted(found)}


def build(text: Mapping[str, Any], documents: int = 200, max_tokens: int = 512) -> Perplexity:
    """The measure.

    Args:
        text: where the text comes from: a prompt source's entry, whose prompts are the documents.
        documents: how many are read, from the first on.
        max_tokens: tokens of each document.
    """
    return Perplexity(text, documents, max_tokens)
