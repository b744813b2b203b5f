"""Section `runtime`."""

from typing import Literal

from pydantic import Field

from steadfast.core.plug_ins import ENGINES
from steadfast.core.registry import own_names
from steadfast.core.setting_sections import with_keys_of
from steadfast.core.settings import SettingsModel

CheckpointForm = Literal["auto", "bake", "adapter"]


class RuntimeSettings(SettingsModel):
    """How jobs run on the machine. These settings do not affect results."""

    device: str = Field(
        "auto",
        description=(
            "Device for transformers. `auto` takes a CUDA GPU if there is one, and distributes a model over all "
            "GPUs of its job (`gpus`) if it does not fit one."
        ),
    )
    keep_checkpoints: bool | None = Field(
        None,
        description=(
            "Whether edited checkpoints and factors are kept, or removed as soon as no job needs them; null keeps "
            "them unless a variant uses `search`."
        ),
    )
    checkpoints: CheckpointForm = Field(
        "auto",
        description=(
            "How edited models are stored: `auto` stores edits as factors over the original weights if they can "
            "be applied to the loaded model, and whole checkpoints otherwise; `bake` writes whole checkpoints; "
            "`adapter` also writes the factors as a LoRA adapter in PEFT's format, and rejects edits that no "
            "adapter can express. The weights are the same in every form. A variant can override this with its "
            "own `checkpoints`."
        ),
    )
    variants_per_job: int | None = Field(
        None,
        ge=1,
        le=100000,
        description=(
            "Number of variants of a model per job; each job loads the weights once. null puts all variants of a "
            "model into one job. A smaller number distributes the work over several machines or GPUs. Responses "
            "are cached, so changing it recomputes nothing."
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
