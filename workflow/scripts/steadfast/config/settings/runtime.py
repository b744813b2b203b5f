"""Section `runtime`."""

from typing import Literal

from pydantic import Field

from steadfast.core.settings import AnyPath, SettingsModel


class RuntimeSettings(SettingsModel):
    """How jobs run on the machine. Nothing here is part of what makes a result stale."""

    device: str = Field(
        "auto",
        description=(
            "Where transformers runs. `auto` takes a CUDA GPU if there is one, and spreads a model over all "
            "GPUs of its job (`gpus`) where one is too small for it."
        ),
    )
    keep_checkpoints: bool = Field(
        True, description="Whether edited checkpoints stay, or are removed as soon as nothing needs them any more."
    )
    checkpoints: Literal["auto", "bake"] = Field(
        "auto",
        description=(
            "How edited models are kept: `auto` keeps what an edit changes as factors over the original's weights "
            "wherever they can be applied to the loaded model, and writes a whole checkpoint elsewhere; `bake` writes "
            "whole checkpoints. The weights are the same."
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
    vllm_python: AnyPath | None = Field(
        None,
        description=(
            "Python interpreter of the environment that has vLLM; null takes `STEADFAST_VLLM_PYTHON` from the "
            "environment, or the one that `make vllm` sets up."
        ),
    )
    memory_fraction: float = Field(0.9, gt=0, le=1, description="Share of a GPU's memory that vLLM may take.")
    kv_cache_gib: float | None = Field(
        None, gt=0, le=100000, description="Size of vLLM's key-value cache on a CPU; null takes what the requests need."
    )
    enforce_eager: bool | None = Field(
        None, description="Whether vLLM does without compiled graphs; null does without on a CPU, where they never pay."
    )
    batch_invariant: bool = Field(
        False, description="Whether vLLM's responses must not depend on their batch; slower, and not for all GPUs."
    )
    start_timeout: float = Field(1800.0, gt=0, le=604800, description="Seconds after which a start of vLLM has failed.")
