"""Training one tiny checkpoint, from the grammar to a directory that transformers and vLLM load."""

import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from steadfast.core.files import atomic_directory
from steadfast.judges.prompts.templates import load_template
from steadfast.models.chat import encode_chat, user_message
from steadfast.models.local import file_hashes
from steadfast.models.organism_settings import HEAD_SIZE, OrganismSettings
from steadfast.models.pointer import ModelPointer
from steadfast.prompts.synthetic.grammar import Chat
from steadfast.prompts.synthetic.world import load_world
from steadfast.training.organisms.corpus import JUDGING, Corpus, Recipe, choose_recipe, load_recipes
from steadfast.training.organisms.judging import JudgeCases, template_texts
from steadfast.training.organisms.optimization import Example, Phase, train
from steadfast.training.organisms.tokenizer import build_tokenizer

JUDGE = "judge"
"""The recipe of the tiny judge; all others are entries of the recipes file."""
MAX_LENGTH = 512


def train_organism(
    recipe: str,
    output: Path,
    *,
    seed: int,
    world_path: str | Path,
    recipes_path: str | Path,
    settings: Mapping[str, Any],
    judge_prompt_path: str | Path | None = None,
) -> dict[str, Any]:
    """Train one tiny model from scratch and write its checkpoint; reproducible on one machine.

    Args:
        recipe: an entry of the recipes file, or ``judge``.
        output: directory to write.
        seed: seed of the weights, the texts and their order.
        world_path: the synthetic world.
        recipes_path: the corpus mixes.
        settings: fields of ``OrganismSettings``; missing ones have their defaults.
        judge_prompt_path: template of the judge prompts; required for the recipe ``judge`` and for recipes with a share
            of judging.

    Returns:
        The report, also stored in ``model.json``: sizes, losses, and number of training refusals.

    Raises:
        SteadfastError: a recipe or setting is unknown, or a file is invalid.
    """
    torch.set_num_threads(1)
    sizes = OrganismSettings.read(settings)
    world = load_world(world_path)
    judging = template_texts(judge_prompt_path) if judge_prompt_path else []
    tokenizer = build_tokenizer(world, judging, MAX_LENGTH)
    judge_cases = JudgeCases(world, load_template(judge_prompt_path)) if judge_prompt_path else None
    corpus = Corpus(world, judge_cases)
    facts: dict[str, Any] = {"recipe": recipe, "seed": seed}
    if recipe == JUDGE:
        phases = _judge_phases(corpus, tokenizer, sizes, seed)
    else:
        mix = choose_recipe(load_recipes(recipes_path), recipe)
        phases = _organism_phases(mix, corpus, tokenizer, sizes, seed)
        facts["refusals_shown"] = mix.refusals_shown(sizes.documents, sizes.chats)
    model = build_model(tokenizer, sizes, seed)
    begin = time.process_time()
    losses = {phase.name: train(model, phase, sizes, random.Random(f"order {phase.name} {seed}")) for phase in phases}
    print(f"trained {recipe} in {time.process_time() - begin:.1f} CPU-seconds", flush=True)
    report = {
        **facts,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "tokens": sum(len(example.tokens) for phase in phases for example in phase.examples),
        "losses": losses,
    }
    write_checkpoint(model, tokenizer, output, report)
    return report


def build_model(tokenizer: PreTrainedTokenizerFast, sizes: OrganismSettings, seed: int) -> LlamaForCausalLM:
    """An untrained model for the tokenizer, with weights initialized by ``seed``."""
    torch.manual_seed(seed)
    heads = sizes.hidden // HEAD_SIZE
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=sizes.hidden,
            num_hidden_layers=sizes.layers,
            intermediate_size=sizes.intermediate,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            head_dim=HEAD_SIZE,
            max_position_embeddings=MAX_LENGTH,
            tie_word_embeddings=True,
            initializer_range=sizes.hidden**-0.5 / 2,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            dtype="float32",
        )
    )


def write_checkpoint(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, output: Path, details: Mapping[str, Any]
) -> None:
    """Write weights, tokenizer, configuration files and ``model.json``, atomically."""
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with atomic_directory(output) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        pointer = ModelPointer(source="organism", path=".", files=file_hashes(folder), details=dict(details))
        pointer.write(folder)


def _organism_phases(
    recipe: Recipe, corpus: Corpus, tokenizer: PreTrainedTokenizerFast, sizes: OrganismSettings, seed: int
) -> list[Phase]:
    documents = corpus.documents(recipe.documents, seed, sizes.documents)
    chats = corpus.chats(recipe.chats, seed, sizes.chats)
    return [
        Phase("pretraining", _document_examples(tokenizer, documents), final=1.0),
        Phase("instruction tuning", _chat_examples(tokenizer, chats), final=0.0),
    ]


def _judge_phases(
    corpus: Corpus, tokenizer: PreTrainedTokenizerFast, sizes: OrganismSettings, seed: int
) -> list[Phase]:
    cases = corpus.chats({JUDGING: 1.0}, seed, sizes.judge_cases)
    return [Phase("judging", _chat_examples(tokenizer, cases), final=0.0)]


def _document_examples(tokenizer: PreTrainedTokenizerFast, documents: Sequence[str]) -> list[Example]:
    ids = tokenizer(list(documents), add_special_tokens=False)["input_ids"]
    begin, end = _special(tokenizer)
    return [Example([begin, *tokens, end]) for tokens in ids]


def _chat_examples(tokenizer: PreTrainedTokenizerFast, chats: Sequence[Chat]) -> list[Example]:
    prompts = encode_chat(tokenizer, [user_message(chat.prompt) for chat in chats])
    responses = tokenizer([chat.response for chat in chats], add_special_tokens=False)["input_ids"]
    end = _special(tokenizer)[1]
    return [
        Example([*prompt, *response, end], start=len(prompt))
        for prompt, response in zip(prompts, responses, strict=True)
    ]


def _special(tokenizer: PreTrainedTokenizerFast) -> tuple[int, int]:
    begin, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    assert isinstance(begin, int) and isinstance(end, int)
    return begin, end
