"""A guard that is a sequence classifier: it classifies the conversation, inside the job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from steadfast.core.errors import ConfigError, DataError
from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED
from steadfast.judges.interface import Verdict
from steadfast.judges.prompts.templates import Message

BATCH = 16
"""Conversations in a forward pass."""


@dataclass(frozen=True)
class ClassReader:
    """Reads the probabilities of classes.

    Attributes:
        counted: indices of the classes of the counted verdict: refusal, or compliance.
        other: indices of the classes of the opposite verdict.
    """

    counted: tuple[int, ...]
    other: tuple[int, ...]

    def read(self, probabilities: Sequence[float], names: Sequence[str]) -> Verdict:
        """The verdict of the most probable class; its score is normalized over both verdicts.

        Args:
            probabilities: of all classes.
            names: names of the classes in the model's configuration.
        """
        best = max(range(len(probabilities)), key=probabilities.__getitem__)
        counted, other = (sum(probabilities[index] for index in side) for side in (self.counted, self.other))
        raw = ", ".join(f"{name} {value:.4f}" for name, value in zip(names, probabilities, strict=True))
        score = counted / (counted + other) if counted + other > 0 else None
        if best not in (*self.counted, *self.other):
            return Verdict(UNSCORED, score, raw, f"the class {names[best]} says neither")
        return Verdict(REFUSAL if best in self.counted else NON_REFUSAL, score, raw, names[best])


@dataclass(frozen=True)
class Classifier:
    """A sequence classifier.

    Attributes:
        checkpoint: model directory.
        template_arguments: variables of its chat template, if it has one.
        dtype: number format; ``auto`` is float32.
    """

    checkpoint: str
    template_arguments: Mapping[str, Any]
    dtype: str

    def probabilities(self, conversations: Sequence[Sequence[Message]]) -> list[list[float]]:
        """Probabilities of all classes for each conversation; equal ones are run once.

        A conversation is formatted with the model's chat template, or as a text pair if there is none.

        Raises:
            DataError: transformers cannot load it as a classifier.
        """
        import torch

        texts = [self._text(conversation) for conversation in conversations]
        distinct = list(dict.fromkeys(texts))
        found: dict[Any, list[float]] = {}
        for start in range(0, len(distinct), BATCH):
            batch = distinct[start : start + BATCH]
            inputs = self._tokenized(batch).to(self._model.device)
            with torch.inference_mode():
                shares = torch.softmax(self._model(**inputs).logits.float(), dim=-1).tolist()
            found |= dict(zip(batch, shares, strict=True))
        return [found[text] for text in texts]

    @property
    def names(self) -> list[str]:
        """Names of the classes in the model's configuration."""
        known = self._model.config.id2label
        return [str(known.get(index, index)) for index in range(int(self._model.config.num_labels))]

    def check(self, reader: ClassReader) -> None:
        """Check that the model has the classes.

        Raises:
            ConfigError: it has not.
        """
        for index in (*reader.counted, *reader.other):
            if index >= len(self.names):
                known = ", ".join(f"{number}: {name}" for number, name in enumerate(self.names))
                raise ConfigError(f"classes: the model has no class {index}; allowed: {known}")

    def _text(self, conversation: Sequence[Message]) -> tuple[str, ...]:
        if not self._tokenizer.chat_template:
            return tuple(message["content"] for message in conversation)
        text = self._tokenizer.apply_chat_template(
            [dict(message) for message in conversation], tokenize=False, **self.template_arguments
        )
        return (str(text),)

    def _tokenized(self, texts: Sequence[tuple[str, ...]]) -> Any:
        single = len(texts[0]) == 1
        columns = [[text[0] for text in texts]] if single else list(map(list, zip(*texts, strict=True)))
        limit = getattr(self._model.config, "max_position_embeddings", None)
        # the chat template has already added the special tokens
        how = {"add_special_tokens": not single, "truncation": limit is not None, "max_length": limit}
        return self._tokenizer(*columns, return_tensors="pt", padding=True, **how)

    @cached_property
    def _tokenizer(self) -> Any:
        from steadfast.models.loading import load_tokenizer

        return load_tokenizer(self.checkpoint)

    @cached_property
    def _model(self) -> Any:
        import torch
        from transformers import AutoModelForSequenceClassification

        from steadfast.models.pointer import checkpoint_path, trusts_remote_code

        dtype = torch.float32 if self.dtype == "auto" else getattr(torch, self.dtype)
        try:
            model: Any = AutoModelForSequenceClassification.from_pretrained(
                checkpoint_path(self.checkpoint),
                dtype=dtype,
                use_safetensors=True,
                trust_remote_code=trusts_remote_code(self.checkpoint),
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise DataError(f"{self.checkpoint}: cannot be loaded as a sequence classifier: {error}") from error
        if model.config.pad_token_id is None:
            model.config.pad_token_id = self._tokenizer.pad_token_id
        return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")
