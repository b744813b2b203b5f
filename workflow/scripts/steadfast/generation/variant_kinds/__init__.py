"""How variants generate responses: one module per kind (a checkpoint, or an intervention on one).

A module has ``build(checkpoint, direction, settings, *, dtype, machine) -> PreparedVariant``.

Only the modules that a job needs are loaded, so that responses of a checkpoint do not depend on the code of
interventions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadfast.core.registry import load


@dataclass(frozen=True)
class PreparedVariant:
    """A variant that is ready to generate responses.

    Attributes:
        was_changed: whether the variant was applied. Without a valid direction it equals the original, whose
            responses must not count as those of the variant.
        arguments: arguments for ``steadfast.generation.responses.generate_responses``.
    """

    was_changed: bool
    arguments: Mapping[str, Any]


def prepare_variant(
    name: str,
    checkpoint: str | Path,
    direction: str | Path | None,
    settings: Mapping[str, Any],
    *,
    dtype: str,
    machine: Mapping[str, Any],
) -> PreparedVariant:
    """Prepare a variant for generation.

    Args:
        name: name of a module of this package.
        checkpoint: directory of the checkpoint.
        direction: direction file of an intervention; otherwise None.
        settings: settings of the module.
        dtype: number format of the weights.
        machine: fields of ``steadfast.generation.interface.Runtime``.
    """
    prepared_variant: PreparedVariant = load("steadfast.generation.variant_kinds", name).build(
        checkpoint, direction, settings, dtype=dtype, machine=machine
    )
    return prepared_variant
