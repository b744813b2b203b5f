"""Models under test that generate responses: one module per kind.

A module has ``build(checkpoint, direction, settings, *, dtype, machine) -> Subject``.

Only the module that a job needs is loaded: responses of a checkpoint do not depend on the code of interventions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadfast.core.registry import load


@dataclass(frozen=True)
class Subject:
    """A model under test that generates responses.

    Attributes:
        was_changed: whether the variant was applied. Without a valid direction the pair equals the original, whose
        responses must not count as those of the variant.
        arguments: arguments of ``steadfast.generation.responses.generate_responses`` with which it generates.
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
    """Build the model under test.

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
