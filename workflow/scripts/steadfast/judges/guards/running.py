"""A guard that runs in the process of the job."""

from collections.abc import Mapping, Sequence
from typing import Any

from steadfast.core.registry import load
from steadfast.generation.engine_choice import in_process_engine
from steadfast.generation.interface import GenerationRequest, Runtime, Sampling
from steadfast.judges.prompts.templates import Message


def answers_of(
    checkpoint: str,
    conversations: Sequence[Sequence[Message]],
    *,
    max_tokens: int,
    template_arguments: Mapping[str, Any],
    dtype: str,
) -> list[tuple[str, bool]]:
    """A guard's greedy answer to each conversation, and whether it was cut off; equal conversations are run once.

    Args:
        checkpoint: model directory.
        conversations: turns, formatted with the model's chat template.
        max_tokens: maximum length of an answer.
        template_arguments: variables of the chat template.
        dtype: number format, or ``auto``.
    """
    from steadfast.generation.responses import stop_token_ids
    from steadfast.models.chat import encode_chat
    from steadfast.models.loading import load_tokenizer

    tokenizer: Any = load_tokenizer(checkpoint)
    encoded = [tuple(ids) for ids in encode_chat(tokenizer, conversations, template_arguments)]
    distinct = list(dict.fromkeys(encoded))
    engine = load("steadfast.generation.engines", in_process_engine()).build(dtype=dtype, runtime=Runtime())
    requests = [GenerationRequest(ids, max_tokens, 0) for ids in distinct]
    stop = stop_token_ids(checkpoint, tokenizer)
    sampling = Sampling(max_new_tokens=max_tokens)
    found: dict[tuple[int, ...], tuple[str, bool]] = {}
    for index, generation in engine.generate(checkpoint, requests, sampling=sampling, stop_tokens=stop):
        text = tokenizer.decode(list(generation.tokens), skip_special_tokens=True)
        found[distinct[index]] = (text, generation.finish_reason == "length")
    return [found[ids] for ids in encoded]
