"""Generation of responses: from prompts to a table of responses."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.attacks.decoding import Steering, steering
from steadfast.core.code_digest import code_digest
from steadfast.core.errors import ConfigError, DataError
from steadfast.core.files import read_json, require_columns
from steadfast.core.integrity import content_hash
from steadfast.core.progress import Progress
from steadfast.core.registry import load
from steadfast.core.result_cache import ResultCache, request_key
from steadfast.generation.engine_choice import AUTO, choose_engine, in_process_engine
from steadfast.generation.interface import Engine, Generation, GenerationRequest, Runtime, Sampling, request_seed
from steadfast.generation.response_decoder import ResponseDecoder
from steadfast.generation.thinking import configured_formats
from steadfast.models.chat import encode_chat, end_of_turn, user_message
from steadfast.models.loading import load_tokenizer
from steadfast.models.pointer import checkpoint_path

COLUMNS = [
    "prompt_id",
    "sample",
    "response",
    "n_tokens",
    "finish_reason",
    "degenerate",
    "thinking",
    "unfinished_thinking",
    "control_tokens",
]


def generate_responses(
    model_dir: str | Path,
    prompts: pd.DataFrame,
    *,
    settings: Mapping[str, Any],
    decoding: Mapping[str, Any] | None = None,
    engine: str | Engine | None = None,
    dtype: str = "auto",
    system_prompt: str | None = None,
    template_arguments: Mapping[str, Any] | None = None,
    thinking_markers: Sequence[Sequence[str]] | None = None,
    cache: str | Path | None = None,
    identity: Mapping[str, Any] | None = None,
    prepared: Mapping[str, Engine] | None = None,
    **runtime: Any,
) -> pd.DataFrame:
    """Generate responses to prompts.

    Args:
        model_dir: a model directory of the workflow, or a plain checkpoint directory.
        prompts: table with ``prompt_id`` and ``text``.
        settings: fields of ``steadfast.generation.interface.Sampling``.
        decoding: a ``decoding`` entry (decoding rule), or None.
        engine: name of an engine, ``auto`` (the one that is expected to finish first), or an engine; None takes the
            in-process engine.
        dtype: ``auto`` (see ``steadfast.models.number_format``) or a torch number format; for engines given by name.
        system_prompt: system turn before every prompt.
        template_arguments: further variables of the chat template.
        thinking_markers: pairs of opening and closing markers of thinking blocks, instead of ``thinking.FORMATS``.
        cache: directory of a result cache, in which each response is stored as soon as it is generated; cached
            responses are not generated again. None disables it.
        identity: what determines the responses in addition to the arguments (code, hooks of an engine object); part of
            the cache's keys.
        prepared: existing engines to use, by name.
        runtime: fields of ``steadfast.generation.interface.Runtime``, for engines given by name.

    Returns:
        One row per prompt and sample, in the prompts' order: ``prompt_id``, ``sample``, ``response`` (without
        thinking and special tokens), ``n_tokens`` (new tokens, thinking included), ``finish_reason``,
        ``degenerate`` (see ``steadfast.generation.degeneration``), ``thinking``, ``unfinished_thinking`` (it ended
        within a block of thinking) and ``control_tokens`` (special tokens and markers found inside the answer).

    Raises:
        ConfigError: the sampling settings contradict each other, or the engine is unknown.
        DataError: a prompt exceeds the model's context.
    """
    machine = Runtime(**runtime)
    formats = configured_formats(thinking_markers)
    tokenizer: Any = load_tokenizer(model_dir)
    rule = steering(decoding, tokenizer)
    sampling = replace(_sampling(settings), suppressed=rule.suppressed)
    keys, requests = _requests(model_dir, tokenizer, prompts, sampling, rule, system_prompt, template_arguments)
    engine = in_process_engine() if engine is None else engine
    runner = _engine(engine, model_dir, requests, dtype, machine, prepared or {}) if isinstance(engine, str) else engine
    stop_tokens = stop_token_ids(model_dir, tokenizer)
    shared = {
        "engine": runner.name,
        "code": code_digest(f"steadfast.generation.engines.{runner.name}"),
        "sampling": [sampling.temperature, sampling.top_p, *sampling.suppressed],
        "stop": sorted(stop_tokens),
        "identity": dict(identity or {}),
    }
    generations = _generate(runner, model_dir, requests, sampling, stop_tokens, cache, shared)
    decode = ResponseDecoder(tokenizer, formats)
    rows = [
        {"prompt_id": prompt_id, "sample": sample, **decode(request, generation)}
        for (prompt_id, sample), request, generation in zip(keys, requests, generations, strict=True)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({"sample": "int64", "n_tokens": "int64", "degenerate": "bool", "unfinished_thinking": "bool"})


def stop_token_ids(model_dir: str | Path, tokenizer: Any) -> frozenset[int]:
    """Tokens that end a response.

    They are those of the tokenizer, ``generation_config.json`` and ``config.json``, and the chat template's end-of-turn
    token.
    """
    root = checkpoint_path(model_dir)
    found: set[int] = set()
    for name in ("generation_config.json", "config.json"):
        value = read_json(root / name).get("eos_token_id") if (root / name).is_file() else None
        found.update(value if isinstance(value, list) else [value] if value is not None else [])
    if tokenizer.eos_token_id is not None:
        found.add(tokenizer.eos_token_id)
    end = end_of_turn(tokenizer)
    if end is not None:
        found.add(end)
    return frozenset(found)


def context_length(model_dir: str | Path) -> int | None:
    """Longest sequence that the checkpoint's configuration allows, in tokens; None if unknown."""
    config = read_json(checkpoint_path(model_dir) / "config.json")
    for part in (config, config.get("text_config") or {}):
        for key in ("max_position_embeddings", "n_positions", "max_sequence_length"):
            if isinstance(part.get(key), int):
                return int(part[key])
    return None


def _engine(
    name: str,
    model_dir: str | Path,
    requests: Sequence[GenerationRequest],
    dtype: str,
    runtime: Runtime,
    prepared: Mapping[str, Engine],
) -> Engine:
    if name == AUTO:
        name, reason = choose_engine(model_dir, requests, runtime)
        print(f"engine: auto takes {name}: {reason}", flush=True)
    if name in prepared:
        return prepared[name]
    engine: Engine = load("steadfast.generation.engines", name).build(dtype=dtype, runtime=runtime)
    return engine


def _sampling(settings: Mapping[str, Any]) -> Sampling:
    try:
        return Sampling(**settings)
    except TypeError as error:
        raise ConfigError(f"generation: {error}; allowed are {', '.join(Sampling.__dataclass_fields__)}") from error


def _requests(
    model_dir: str | Path,
    tokenizer: Any,
    prompts: pd.DataFrame,
    sampling: Sampling,
    rule: Steering,
    system_prompt: str | None,
    template_arguments: Mapping[str, Any] | None,
) -> tuple[list[tuple[str, int]], list[GenerationRequest]]:
    """Keys (prompt id, sample) and requests, in the order of the response table."""
    require_columns(prompts, ["prompt_id", "text"], "prompts")
    ids = prompts["prompt_id"].tolist()
    encoded = encode_chat(
        tokenizer, [user_message(text, system_prompt) for text in prompts["text"]], template_arguments
    )
    context = context_length(model_dir)
    keys, requests = [], []
    for prompt_id, conversation in zip(ids, encoded, strict=True):
        tokens = [*conversation, *rule.prefix]
        room = sampling.max_new_tokens if context is None else context - len(tokens)
        if room < 1:
            raise DataError(
                f"prompt {prompt_id} has {len(tokens)} tokens, but the model in {model_dir} reads at most {context}, "
                "response included: shorten or drop the prompt, or use a model with a longer context"
            )
        for sample in range(sampling.samples):
            seed = request_seed(sampling.seed, prompt_id, sample)
            keys.append((prompt_id, sample))
            requests.append(GenerationRequest(tuple(tokens), min(sampling.max_new_tokens, room), seed))
    return keys, requests


def _generate(
    engine: Engine,
    model_dir: str | Path,
    requests: Sequence[GenerationRequest],
    sampling: Sampling,
    stop_tokens: frozenset[int],
    cache: str | Path | None,
    shared: Mapping[str, Any],
) -> list[Generation]:
    """Responses in the order of the requests; cached ones are not generated again."""
    with ResultCache(cache) if cache is not None else nullcontext() as kept:
        records = _records(engine, model_dir, requests, shared) if kept else []
        known = [kept.get(request_key(record)) for record in records] if kept else []
        done = {position: _generation(answer) for position, answer in enumerate(known) if answer is not None}
        missing = [position for position in range(len(requests)) if position not in done]
        wanted = [requests[position] for position in missing]
        results = engine.generate(model_dir, wanted, sampling=sampling, stop_tokens=stop_tokens) if wanted else iter(())
        with Progress("responses", len(requests), unit="tokens", resumed=len(done)) as progress:
            for index, generation in results:
                position = missing[index]
                done[position] = generation
                if kept:
                    kept.put(records[position], asdict(generation))
                progress.advance(1, len(generation.tokens))
    return [done[position] for position in range(len(requests))]


def _records(
    engine: Engine, model_dir: str | Path, requests: Sequence[GenerationRequest], shared: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Cache key of each response: shared settings, the weights, and the request."""
    model = {"checkpoint": content_hash(model_dir), "dtype": engine.number_format(model_dir)}
    return [
        {**shared, **model, "prompt": request.prompt_tokens, "limit": request.max_new_tokens, "seed": request.seed}
        for request in requests
    ]


def _generation(answer: Mapping[str, Any]) -> Generation:
    return Generation(tuple(answer["tokens"]), answer["finish_reason"])
