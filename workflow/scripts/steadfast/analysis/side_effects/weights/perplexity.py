"""Perplexity on a held-out text: exp of the mean negative log-likelihood per token."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.settings import Criterion, MeasureSettings, Sources
from steadfast.core.errors import ConfigError
from steadfast.core.names import ORIGINAL
from steadfast.core.plug_ins import PromptSourceEntry

if TYPE_CHECKING:
    from steadfast.analysis.side_effects.model_under_test import ModelUnderTest

ABOUT = About("perplexity on held-out text", "perplexity", worse="higher", summary="exponential_of_mean")


class Settings(MeasureSettings):
    """Perplexity on a held-out text."""

    criterion: ClassVar[Criterion] = Criterion(
        "perplexity_ratio",
        ("held-out text",),
        "ratio",
        heading="Perplexity",
        help="After the edit divided by before.",
        bound=2.0,
        least=1,
        most=1000000,
        description="Largest ratio of the perplexities after and before.",
        text="{:.1f} times the perplexity",
        brief="perplexity × {ratio:.2f}",
    )

    text: PromptSourceEntry | None = Field(
        None,
        description=(
            "Held-out text for `perplexity`: a source as for prompts, whose entries are the documents. null takes "
            "the held-out documents of the synthetic world if all prompts are synthetic, and no text otherwise."
        ),
    )
    documents: int = Field(200, ge=1, le=1000000, description="Number of documents that are used.")
    document_tokens: int = Field(
        512, ge=2, le=1000000, description=("Number of tokens of each document that are used.")
    )

    def for_prompts(self, sources: Sources, world: Mapping[str, Any] | None) -> Self:
        """The settings with the world's held-out documents, unless the configuration gives a text."""
        del sources
        return self.model_validate({**self.as_dict(), "text": world}) if world and self.text is None else self

    def lacking(self) -> str:
        """A text."""
        return "" if self.text else "needs a held-out text: a file or a data set (side_effects.text)"

    def problems(self, *, taken: bool) -> Iterator[str]:
        """A text that cannot be used."""
        from steadfast.prompts.sources import check_source

        del taken
        try:
            if self.text:
                check_source(self.as_dict()["text"])
        except ConfigError as error:
            yield f"text: {error}"

    def files(self) -> list[str]:
        """Files of the text."""
        from steadfast.prompts.sources import source_files

        return source_files(self.as_dict()["text"]) if self.text else []

    def tokens(self, prompts: float, prompt_tokens: float) -> tuple[float, float]:
        """Half of the longest documents."""
        del prompts, prompt_tokens
        return self.documents * self.document_tokens / 2, 0.0


@dataclass(frozen=True)
class Reference:
    """The documents, with the likelihoods of the original.

    Attributes:
        texts: the documents.
        likelihoods: mean negative log-likelihood per token and number of tokens, by the document's number.
    """

    texts: list[str]
    likelihoods: dict[int, tuple[float, int]]


@dataclass(frozen=True)
class Perplexity:
    """Perplexity on some documents of a text."""

    settings: Settings

    def reference(self, original: "ModelUnderTest", variants: object) -> Reference:
        """The documents and the original's likelihoods."""
        from steadfast.analysis.side_effects.weights._text import held_out_texts

        del variants
        texts = held_out_texts(self.settings.as_dict()["text"], self.settings.documents)
        return Reference(texts, self._likelihoods(original, texts))

    def score(self, model: "ModelUnderTest", reference: Reference) -> list[Score]:
        """Mean negative log-likelihood per token of every document."""
        before = reference.likelihoods
        own = before if model.variant == ORIGINAL else self._likelihoods(model, reference.texts)
        return [
            Score(str(document), own[document][0], likelihood, weight=tokens, scope="held-out text")
            for document, (likelihood, tokens) in before.items()
        ]

    def _likelihoods(self, model: "ModelUnderTest", texts: list[str]) -> dict[int, tuple[float, int]]:
        from steadfast.attacks.activations.logits import teacher_forced_log_probabilities

        tokenizer: Any = model.access.tokenizer
        encoded = [
            ids[: self.settings.document_tokens] for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]
        ]
        begin = tokenizer.bos_token_id
        # the first token is predicted only if another token precedes it
        prefixes = [ids[:1] if begin is None else [begin] for ids in encoded]
        rest = [ids[1:] if begin is None else ids for ids in encoded]
        rows = [row for row, ids in enumerate(rest) if ids]
        access = model.access
        chosen = [prefixes[row] for row in rows], [rest[row] for row in rows]
        found = {}
        for index, values in teacher_forced_log_probabilities(
            access.model, *chosen, access.batch_tokens, model.pad_token
        ):
            tokens = rest[rows[index]]
            likelihood = values[range(len(tokens)), tokens].double().mean()
            found[rows[index]] = (-float(likelihood), len(tokens))
        return {row: found[row] for row in sorted(found)}


def build(settings: Settings) -> Perplexity:
    """The measure."""
    return Perplexity(settings)
