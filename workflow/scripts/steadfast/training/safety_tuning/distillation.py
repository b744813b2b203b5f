"""Harmless answers: those of the untuned base, so that tuning preserves its behavior (self-distillation)."""

import json
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from steadfast.core.errors import DataError
from steadfast.core.files import write_text
from steadfast.core.names import NON_REFUSAL
from steadfast.core.progress import Progress
from steadfast.generation.degeneration import is_degenerate
from steadfast.generation.interface import Generation, GenerationRequest, Sampling
from steadfast.generation.loaded_model import LoadedModel
from steadfast.judges.interface import Case, Judge
from steadfast.models.chat import encode_chat, user_message
from steadfast.models.loading import load_model, load_tokenizer

BATCH = 64
LEAST_WORDS = 4


@dataclass(frozen=True)
class OwnAnswer:
    """The base's greedy answer to a harmless prompt.

    Attributes:
        prompt: the prompt.
        answer: the text, or its beginning.
        ended: whether the base ended it; otherwise no end is trained.
        opening: its forced beginning; empty if there was none.
    """

    prompt: str
    answer: str
    ended: bool
    opening: str = ""


def own_answers(
    base: str | Path,
    prompts: Sequence[str],
    store: Path,
    *,
    max_new_tokens: int,
    openings: Sequence[str],
    acceptable: Callable[[str], bool],
    dtype: str = "auto",
) -> dict[str, OwnAnswer]:
    """The base's answers by prompt; stored answers are not generated again.

    Args:
        base: model directory.
        prompts: harmless prompts.
        store: JSON lines file, appended to after each batch, so that an interruption loses at most one batch.
        max_new_tokens: maximum length of an answer.
        openings: forced beginnings, which are tried if an answer is not acceptable.
        acceptable: whether an answer may be trained on. Prompts without an acceptable answer are dropped.
        dtype: number format in which the base runs.
    """
    known = {answer.prompt: answer for answer in (read_answers(store) if store.exists() else [])}
    if known:
        write_answers(store, list(known.values()))  # without a truncated last line
    model = _Base(base, max_new_tokens, dtype)

    def answer(begun: Mapping[str, str]) -> None:
        for batch in model.answers(begun):
            _append(store, batch)
            known.update({one.prompt: one for one in batch})

    distinct = list(dict.fromkeys(prompts))
    answer({prompt: "" for prompt in distinct if prompt not in known})
    rejected = [prompt for prompt in distinct if not acceptable(known[prompt].answer) and not known[prompt].opening]
    answer({prompt: random.Random(f"opening {prompt}").choice(openings) for prompt in rejected})
    return {prompt: known[prompt] for prompt in prompts if acceptable(known[prompt].answer)}


def is_acceptable(answer: str, unwanted: Sequence[str], judge: Judge) -> bool:
    """Whether an answer of the base may be trained on: no refusal, no unwanted phrase, no loop, and a few words.

    Args:
        answer: the base's answer to a harmless prompt.
        unwanted: phrases, matched ignoring case.
        judge: recognizes refusals.
    """
    text = answer.casefold()
    if (
        len(text.split()) < LEAST_WORDS
        or is_degenerate(answer)
        or any(phrase.casefold() in text for phrase in unwanted)
    ):
        return False
    case = Case(prompt_id="", sample=0, prompt="", response=answer, label="harmless")
    return judge.judge([case])[0].verdict == NON_REFUSAL


class _Base:
    """The base model, loaded when the first answer is missing."""

    def __init__(self, directory: str | Path, max_new_tokens: int, dtype: str) -> None:
        self._directory, self._limit, self._dtype = directory, max_new_tokens, dtype

    @cached_property
    def _loaded(self) -> tuple[PreTrainedTokenizerBase, LoadedModel]:
        torch.set_num_threads(1)
        model = load_model(self._directory, dtype=self._dtype, device="cpu")
        return load_tokenizer(self._directory), LoadedModel(model, batch_tokens=1 << 20)

    def answers(self, begun: Mapping[str, str]) -> Iterator[list[OwnAnswer]]:
        """Answers to the prompts with their openings, in batches of prompts of similar length."""
        if not begun:
            return
        tokenizer, engine = self._loaded
        prompts = list(begun)
        encoded = encode_chat(tokenizer, [user_message(prompt) for prompt in prompts])
        for ids, prompt in zip(encoded, prompts, strict=True):
            ids += tokenizer(begun[prompt], add_special_tokens=False)["input_ids"]
        order = sorted(range(len(prompts)), key=lambda index: len(encoded[index]))
        with Progress("own answers", len(order)) as progress:
            for start in range(0, len(order), BATCH):
                rows = order[start : start + BATCH]
                requests = [GenerationRequest(tuple(encoded[row]), self._limit) for row in rows]
                generated = engine.generate(
                    self._directory, requests, sampling=Sampling(self._limit), stop_tokens={tokenizer.eos_token_id}
                )
                yield [
                    _own_answer(tokenizer, prompts[rows[position]], begun[prompts[rows[position]]], generation)
                    for position, generation in generated
                ]
                progress.advance(len(rows))


def _own_answer(tokenizer: PreTrainedTokenizerBase, prompt: str, opening: str, generation: Generation) -> OwnAnswer:
    text = opening + str(tokenizer.decode(list(generation.tokens), skip_special_tokens=True))
    ended = generation.finish_reason == "stop"
    return OwnAnswer(prompt, text.strip(), ended, opening)


def read_answers(file: Path) -> list[OwnAnswer]:
    """Answers of a JSON lines file; a truncated last line is ignored.

    Raises:
        DataError: a line is not an answer.
    """
    whole, _, _ = file.read_text(encoding="utf-8").rpartition("\n")
    try:
        return [OwnAnswer(**json.loads(line)) for line in whole.splitlines()]
    except (json.JSONDecodeError, TypeError) as error:
        raise DataError(f"{file} does not hold answers: {error}") from error


def write_answers(file: Path, answers: Sequence[OwnAnswer]) -> None:
    """Write a JSON lines file, atomically."""
    write_text(file, "".join(_line(answer) for answer in answers))


def _append(journal: Path, answers: Sequence[OwnAnswer]) -> None:
    journal.parent.mkdir(parents=True, exist_ok=True)
    with journal.open("a", encoding="utf-8") as file:
        file.write("".join(_line(answer) for answer in answers))
        file.flush()
        os.fsync(file.fileno())


def _line(answer: OwnAnswer) -> str:
    return f"{json.dumps(asdict(answer))}\n"
