"""Settings that models of every source share."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from steadfast.core.settings import AnyPath, Label, SettingsModel, optional

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
REPOSITORY = r"^[^/\s]+/[^/\s]+$"
"""Pattern of the id of a repository of the hub."""
REVISION = r"^[^\s~^:?*\\]+$"
"""Pattern of a commit, tag or branch."""


class ModelSettings(SettingsModel):
    """Label, role, hardware and chat settings of a model."""

    label: Label | None = optional(description="Name in tables and figures, one line without markup.")
    group: Label | None = Field(None, description="Name under which replicates of one model are aggregated.")
    group_label: Label | None = optional(description="Label of the group in tables and figures; its name by default.")
    role: Literal["study", "judge", "base"] = Field(
        "study",
        description=(
            "`study` models are tested; a `judge` model is only used by judges, a `base` model only by adapters."
        ),
    )
    gpus: int = Field(
        0,
        ge=0,
        le=1024,
        description=(
            "Number of GPUs per job. vLLM distributes the model over them, and so does transformers if it does "
            "not fit one GPU. On one machine, jobs run concurrently as GPUs permit, and each job sees only its "
            "own GPUs; on a cluster the scheduler does the same. With 0, jobs share the available GPUs."
        ),
    )
    template_arguments: dict[str, Any] = Field(
        {},
        description=(
            "Further variables of the chat template, for example `enable_thinking`; a name that it never reads "
            "is an error."
        ),
    )
    dtype: Dtype = Field(
        "auto",
        description=(
            "Number format in which the model runs. `auto` is the checkpoint's own on a GPU and on a processor "
            "that has matrix instructions for it; on any other processor it is float32, if the model fits the "
            "memory so."
        ),
    )


class ChattingModelSettings(ModelSettings):
    """The same, with the chat template of a model that the workflow has not trained."""

    chat_template: AnyPath | None = Field(
        None,
        min_length=1,
        description=(
            "Chat template, if it is not the checkpoint's own: the path of a Jinja file; the name of one of the "
            "checkpoint's templates, if it has several; or `bare` for a base model, which continues prompts "
            "without a template. Required for checkpoints without a template."
        ),
    )
    template_date: str | None = Field(
        None,
        pattern="^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
        description=(
            'Date ("YYYY-MM-DD", in quotes) for chat templates that insert the current date, so that prompts do '
            "not depend on the day of the run; `2025-01-01` by default. The log reports if a template does so."
        ),
    )


class CheckpointSettings(ChattingModelSettings):
    """The same, for a checkpoint."""

    renamed: ClassVar[Mapping[str, str]] = {"dequantise": "dequantize"}

    trust_remote_code: bool = Field(
        False,
        description="Allow this model to run the code in its repository. Enable it only after reading that code.",
    )
    dequantize: bool = Field(
        False,
        description=(
            "Convert a quantized checkpoint (FP8 with scales per block or tensor, or MXFP4) to bfloat16 and use "
            "it in all variants: quantized weights cannot be edited."
        ),
    )
