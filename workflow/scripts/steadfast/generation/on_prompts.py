"""Responses of one checkpoint, without a workflow: part of the Python API."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.attacks.directions import Direction
from steadfast.attacks.on_checkpoints import direction_file, prompt_table
from steadfast.core.errors import ConfigError


def generate(
    model: str | Path,
    prompts: Sequence[str],
    *,
    max_new_tokens: int = 128,
    samples: int = 1,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
    intervention: Mapping[str, Any] | None = None,
    direction: Direction | str | Path | None = None,
    decoding: Mapping[str, Any] | None = None,
    engine: str | None = None,
    system_prompt: str | None = None,
    template_arguments: Mapping[str, Any] | None = None,
    dtype: str = "auto",
    device: str = "auto",
    threads: int | None = None,
) -> pd.DataFrame:
    """Generate responses.

    Args:
        model: directory of a checkpoint, or a model directory of the workflow.
        prompts: user turns; the chat template is applied.
        max_new_tokens: maximum length of a response, in tokens.
        samples: number of responses per prompt; more than one requires a temperature above 0.
        temperature: sampling temperature; 0 is greedy decoding.
        top_p: nucleus sampling threshold in (0, 1].
        seed: seed of the sampling, combined with the prompt and the sample number.
        intervention: the ``intervention`` entry of a variant; requires ``direction`` and an in-process engine.
        direction: direction of the intervention: a result of ``find_direction``, or a direction file.
        decoding: a ``decoding`` entry of a variant.
        engine: name of an engine, or ``auto``; None takes the in-process engine (``transformers``).
        system_prompt: system turn before every prompt.
        template_arguments: further variables of the chat template.
        dtype: ``auto`` or a torch number format; see ``steadfast.models.number_format``.
        device: ``auto`` or a torch device name.
        threads: CPU threads; None for the library's default.

    Returns:
        One row per prompt and sample, in the prompts' order: ``prompt`` and the columns of
        ``steadfast.generation.responses.generate_responses``: ``response`` (without thinking), ``n_tokens``,
        ``finish_reason`` (``stop`` or ``length``), ``degenerate``, ``thinking``, ...

    Raises:
        ConfigError: the settings contradict each other.
        DataError: a prompt is not a string or exceeds the model's context, or the direction is invalid.
    """
    from steadfast.generation.engine_choice import in_process_engine
    from steadfast.generation.responses import generate_responses

    table = prompt_table(prompts, "prompts")
    sampling = {"max_new_tokens": max_new_tokens, "samples": samples, "temperature": temperature, "top_p": top_p}
    machine: dict[str, Any] = {"device": device, "threads": threads}
    shared: dict[str, Any] = {
        "settings": {**sampling, "seed": seed},
        "decoding": decoding,
        "system_prompt": system_prompt,
        "template_arguments": template_arguments,
    }
    if (intervention is None) != (direction is None):
        raise ConfigError("an intervention needs a direction, and a direction an intervention: give both or neither")
    if intervention is None or direction is None:
        responses = generate_responses(model, table, engine=engine, dtype=dtype, **machine, **shared)
    elif engine is not None and engine != in_process_engine():
        raise ConfigError(f"engine: interventions run with the {in_process_engine()} engine only, not with {engine}")
    else:
        from steadfast.attacks.interventions import preparation
        from steadfast.generation.engines.transformers import build
        from steadfast.generation.interface import Runtime

        with direction_file(direction) as file:
            hooked = build(dtype=dtype, runtime=Runtime(**machine), prepare=preparation(intervention, file))
            responses = generate_responses(model, table, engine=hooked, **shared)
    return table.merge(responses, on="prompt_id").rename(columns={"text": "prompt"})
