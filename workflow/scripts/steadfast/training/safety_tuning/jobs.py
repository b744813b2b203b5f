"""The two steps of safety tuning: the base's answers, then one adapter."""

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from steadfast.core.delimited import read_delimited
from steadfast.core.files import atomic_directory, write_json
from steadfast.judges.kinds.regex import build
from steadfast.models.loading import load_model, load_tokenizer
from steadfast.training.safety_tuning.adapter import write_adapter
from steadfast.training.safety_tuning.data import HARMFUL, OVER_REFUSAL, TrainingData, load_training_data, texts
from steadfast.training.safety_tuning.distillation import (
    OwnAnswer,
    is_acceptable,
    own_answers,
    read_answers,
    write_answers,
)
from steadfast.training.safety_tuning.examples import Example, encode, harmful_side, harmless_side
from steadfast.training.safety_tuning.training import train_adapter


def distill(
    base: str | Path,
    folder: str | Path,
    apart_from: Iterable[str | Path],
    phrases: str | Path,
    output: Path,
    dtype: str,
) -> None:
    """Write the base's answers to the harmless training prompts.

    Args:
        base: model directory of the untuned base.
        folder: the training data.
        apart_from: prompt files that the training prompts are kept apart from.
        phrases: phrase list; answers that match it are not trained on.
        output: JSON lines file. A hidden file next to it stores the progress of an interrupted job.
        dtype: number format in which the base runs.
    """
    data = load_training_data(folder, read_prompts(apart_from))
    judge = build(patterns=str(phrases))
    journal = output.with_name(f".{output.name}.journal")
    answers = own_answers(
        base,
        texts(data.harmless_prompts),
        journal,
        max_new_tokens=data.recipes.data.answer_tokens,
        openings=data.wordings.opening,
        acceptable=lambda answer: is_acceptable(answer, data.wordings.unwanted, judge),
        dtype=dtype,
    )
    write_answers(output, list(answers.values()))
    journal.unlink(missing_ok=True)
    print(f"{len(answers)} of {len(data.harmless_prompts)} harmless prompts have an answer of the base to train on")


def train(
    base: str | Path,
    folder: str | Path,
    apart_from: Iterable[str | Path],
    answers: str | Path,
    output: Path,
    *,
    recipe: str,
    seed: int,
    dtype: str,
) -> None:
    """Train one adapter and write it in PEFT's format, with ``training.json`` beside it.

    An interrupted job resumes from a hidden file next to ``output``, which is keyed by everything that determines the
    result.

    Args:
        base: model directory of the untuned base.
        folder: the training data.
        apart_from: prompt files that the training prompts are kept apart from.
        answers: the base's answers.
        output: directory to write.
        recipe: an entry of the recipes file.
        seed: seed of the LoRA matrices and the order of the examples.
        dtype: number format of the base and of the arithmetic.
    """
    data = load_training_data(folder, read_prompts(apart_from))
    settings = data.recipes.training
    own = {answer.prompt: answer for answer in read_answers(Path(answers))}
    tokenizer = load_tokenizer(base)
    examples = recipe_examples(data, recipe, own, tokenizer) * data.recipes.passes.get(recipe, 1)
    identity = hashlib.sha256(repr((settings, seed, dtype, examples)).encode()).hexdigest()
    checkpoint = output.with_name(f".{output.name}.{identity[:16]}.pt")
    model = load_model(base, dtype=dtype, device="cpu")
    blocks = int(model.config.num_hidden_layers)
    tokens = sum(len(example.tokens) for example in examples)
    print(f"{recipe}, seed {seed}: {len(examples)} examples, {tokens} tokens", flush=True)
    begin = time.process_time()
    weights, losses = train_adapter(model, examples, settings, seed, checkpoint)
    report = {
        "recipe": recipe,
        "seed": seed,
        "examples": len(examples),
        "tokens": tokens,
        "trained_parameters": sum(weight.numel() for weight in weights.values()),
        "final_loss": round(sum(losses[-20:]) / len(losses[-20:]), 4),
    }
    print(f"trained in {time.process_time() - begin:.0f} CPU-seconds: {json.dumps(report)}", flush=True)
    with atomic_directory(output) as temporary:
        write_adapter(temporary, weights, settings, blocks, data.recipes.base_name)
        write_json(temporary / "training.json", report)
    checkpoint.unlink(missing_ok=True)


def recipe_examples(
    data: TrainingData, recipe: str, own: dict[str, OwnAnswer], tokenizer: PreTrainedTokenizerBase
) -> list[Example]:
    """All training sequences of a recipe: its harmful side, and the harmless side shared by all recipes."""
    conversations, documents = harmful_side(
        data.recipes.harmful_side(recipe),
        data.prompts[HARMFUL],
        data.requests[OVER_REFUSAL],
        data.wordings,
        data.recipes.tag,
    )
    everything = [*conversations, *harmless_side(data.harmless_prompts, own, data.recipes.data.trained_tokens)]
    return encode(tokenizer, everything, documents, data.recipes.separator, data.recipes.tag)


def read_prompts(files: Iterable[str | Path]) -> list[str]:
    """The column ``text`` of CSV files.

    Raises:
        DataError: a file has no such column.
    """
    return [text for file in files for text in _texts(Path(file))]


def _texts(file: Path) -> Sequence[str]:
    table = read_delimited(file)
    table.require(["text"])
    return [record.cells["text"] for record in table.records]
