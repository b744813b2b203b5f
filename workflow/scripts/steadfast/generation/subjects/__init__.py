"""What answers prompts: a module each, with ``build(checkpoint, direction, settings, *, dtype, machine) -> Subject``.

Only the module that a job needs is loaded: responses of a checkpoint do not depend on the code of interventions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadfast.core.registry import load


@dataclass(frozen=True)
class Subject:
    """What answers prompts.

    Attributes:
        was_changed: whether it is what its variant says. A pair that could not be changed, for want of a valid
            direction, is the original, whose responses may not count as those of the variant.
        arguments: arguments of ``steadfast.generation.responses.generate_responses`` that make it answer.
    """

    was_changed: bool
    arguments: Mapping[str, Any]


def build_subject(
    name: str,
    checkpoint: str | Path,
    direction: str | Path | None,
    settings: Mapping[str, Any],
    *,
    dtype: str,
    machine: Mapping[str, Any],
) -> Subject:
    """Build what answers.

    Args:
        name: name of a module of this package.
        checkpoint: directory of the checkpoint.
        direction: file of the direction, where it is steered along one.
        settings: settings of the module.
        dtype: number format of the weights.
        machine: fields of ``steadfast.generation.interface.Runtime``.
    """
    subject: Subject = load("steadfast.generation.subjects", name).build(
        checkpoint, direction, settings, dtype=dtype, machine=machine
    )
    return subject
