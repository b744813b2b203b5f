"""Directions and edits of one checkpoint, without a workflow: part of the Python API."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from steadfast.attacks.direction_search.search import find_direction as search_direction
from steadfast.attacks.direction_search.search import read_settings
from steadfast.attacks.directions import Direction, load_direction
from steadfast.core.errors import ConfigError, DataError
from steadfast.core.names import HARMFUL, HARMLESS
from steadfast.core.plug_ins import DIRECTIONS, EDITS

if TYPE_CHECKING:
    from steadfast.attacks.activations.extraction import Positions


def find_direction(
    model: str | Path,
    harmful: Sequence[str],
    harmless: Sequence[str],
    method: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    system_prompt: str | None = None,
    template_arguments: Mapping[str, Any] | None = None,
    dtype: str = "auto",
    device: str = "auto",
) -> Direction:
    """Find a direction of the residual stream that separates two sets of prompts.

    Args:
        model: directory of a checkpoint, or a model directory of the workflow.
        harmful: prompts that should be refused.
        harmless: prompts that should be answered.
        method: a ``direction`` entry as in a variant of a configuration: ``method`` and its own keys. None takes the
            difference of means (``mean_difference``) at 60% of the depth.
        seed: seed of every random choice (held-out prompts, resamples).
        system_prompt: system turn before every prompt.
        template_arguments: further variables of the chat template.
        dtype: ``auto`` or a torch number format to run the model in; see ``steadfast.models.number_format``.
        device: ``auto`` or a torch device name.

    Returns:
        The direction: ``directions`` is float32 [k, hidden] with orthonormal rows, ``layer`` and ``position`` give its
        location, ``selection`` is a data frame with one row per candidate location. If there is no direction,
        ``valid`` is False and ``reason`` explains why. ``save(path)`` writes a file that a configuration can use.

    Raises:
        ConfigError: the method or one of its keys is unknown or not allowed, or it contrasts behavior, which needs a
            judge's verdicts and therefore a run of the workflow.
        DataError: no prompts, or the directory holds no checkpoint.
    """
    from steadfast.attacks.activations.extraction import extract_activations

    prompts = _calibration_prompts(harmful, harmless)
    method = DIRECTIONS.usual() if method is None else method
    settings = read_settings(method)
    if settings.judge is not None:
        raise ConfigError("contrast: behavior needs the verdicts of a judge on calibration responses: run the workflow")
    chat: dict[str, Any] = {
        "system_prompt": system_prompt,
        "template_arguments": template_arguments,
        "dtype": dtype,
        "device": device,
    }
    position = method.get("position", -1)
    positions: Positions = "post_instruction" if position == "auto" else sorted({-1, int(position)})
    activations = extract_activations(model, prompts, positions=positions, **chat)
    measurements = None
    if settings.needs_model:
        from steadfast.attacks.direction_search.measurements import ModelMeasurements
        from steadfast.attacks.direction_search.refusal_score import ModelAccess

        measurements = ModelMeasurements(ModelAccess(model, prompts, **chat))
    return search_direction(method, activations, seed=seed, model=measurements)


def edit_checkpoint(
    model: str | Path,
    direction: Direction | str | Path,
    output: str | Path,
    edit: Mapping[str, Any] | None = None,
    *,
    form: str = "checkpoint",
    threads: int = 2,
) -> dict[str, Any]:
    """Write an edited copy of a checkpoint, shard by shard with little memory, or an adapter.

    Args:
        model: directory of a checkpoint, or a model directory of the workflow; it is not modified.
        direction: a direction from ``find_direction``, or a direction file.
        output: directory to write; replaced if it exists.
        edit: an ``edit`` entry as in a variant of a configuration: ``method`` and its own keys. None takes
            ``orthogonalize``.
        form: ``checkpoint`` or ``adapter``, a LoRA adapter of a few megabytes in PEFT's format, for ``peft`` and vLLM.
        threads: number of tensors processed in parallel.

    Returns:
        The manifest, also written to ``edit_manifest.json`` in the directory. ``effective`` says whether every stored
        tensor matches its target, and ``reason`` why not; ``change_norm`` is ‖W′ − W‖ over all edited tensors.

    Raises:
        ConfigError: the edit or one of its keys is unknown, not allowed or does not fit the model.
        DataError: the architecture is unknown, the checkpoint is incomplete, quantized or damaged, the direction does
            not fit, or no adapter can express the edit (of embeddings, or of the norms of columns).
    """
    from steadfast.attacks.baking.edit_export import export_edit
    from steadfast.models.check import check_checkpoint

    written, source = Path(output).resolve(), Path(model).resolve()
    if written == source or written in source.parents or source in written.parents:
        what = "is the model itself" if written == source else "and the model lie within one another"
        raise ConfigError(f"output: {output} {what}; name another directory")
    check_checkpoint(model, layout=True)
    with direction_file(direction) as file:
        return export_edit(model, file, EDITS.usual() if edit is None else edit, output, form, threads=threads)


def prompt_table(prompts: Sequence[str], name: str) -> pd.DataFrame:
    """Prompts as a table with ids.

    Raises:
        DataError: there are none, or one is not a string or is empty.
    """
    if isinstance(prompts, str) or not len(prompts):
        raise DataError(f"{name}: found {prompts!r}; wanted a list of at least one text")
    for number, prompt in enumerate(prompts):
        if not isinstance(prompt, str) or not prompt.strip():
            raise DataError(f"{name}.{number}: {prompt!r} is not a prompt; wanted a text")
    return pd.DataFrame({"prompt_id": [f"{name}-{number}" for number in range(len(prompts))], "text": list(prompts)})


def _calibration_prompts(harmful: Sequence[str], harmless: Sequence[str]) -> pd.DataFrame:
    groups = ((harmful, HARMFUL), (harmless, HARMLESS))
    return pd.concat([prompt_table(prompts, label).assign(label=label) for prompts, label in groups])


@contextmanager
def direction_file(direction: Direction | str | Path) -> Iterator[Path]:
    """The file of a direction; a temporary file if the direction is in memory."""
    if not isinstance(direction, Direction):
        load_direction(direction)
        yield Path(direction)
        return
    with tempfile.TemporaryDirectory(prefix="steadfast-") as folder:
        file = Path(folder) / "direction.safetensors"
        direction.save(file)
        yield file
