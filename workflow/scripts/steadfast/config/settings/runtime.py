"""Section `runtime`."""

from typing import Literal

from pydantic import Field

from steadfast.core.plug_ins import ENGINES
from steadfast.core.registry import own_names
from steadfast.core.setting_sections import with_keys_of
from steadfast.core.settings import SettingsModel

CheckpointForm = Literal["auto", "bake", "adapter"]


class RuntimeSettings(SettingsModel):
    """How jobs run on the machine. Nothing here is part of what makes a result stale."""

    device: str = Field(
        "auto",
        description=(
            "Where transformers runs. `auto` takes a CUDA GPU if there is one, and spreads a model over all "
            "GPUs of its job (`gpus`) where one is too small for it."
        ),
    )
    keep_checkpoints: bool | None = Field(
        None,
        description=(
            "Whether edited checkpoints, and edits kept as factors, stay, or are removed as soon as nothing needs them "
            "any more; null keeps them unless a variant is searched for."
        ),
    )
    checkpoints: CheckpointForm = Field(
        "auto",
        description=(
            "How edited models are kept: `auto` keeps what an edit changes as factors over the original's weights "
            "wherever they can be applied to the loaded model, and writes a whole checkpoint elsewhere; `bake` writes "
            "whole checkpoints; `adapter` writes the factors as a LoRA adapter in PEFT's format too, and stops at an "
            "edit that none can express. The weights are the same. A variant may have a `checkpoints` of its own."
        ),
    )
    variants_per_job: int | None = Field(
        None,
        ge=1,
        le=100000,
        description=(
            "Variants of a model that one job runs, with the model's weights loaded once for all of them; null puts "
            "all variants of a model into one job. With several machines or GPUs and few models, a smaller number "
            "spreads the work. Every response is kept, so that another number computes nothing again."
        ),
    )
    batch_tokens: int = Field(
        16384,
        ge=1,
        le=100000000,
        description="Tokens per forward batch in extraction, generation and judging with transformers.",
    )


def runtime_section() -> type[SettingsModel]:
    """The section with the keys of the engines."""
    return with_keys_of(RuntimeSettings, {name: ENGINES.settings(name) for name in own_names(ENGINES.package)})
