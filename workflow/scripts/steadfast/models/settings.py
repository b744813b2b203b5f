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
    """How a model is shown, placed and spoken to."""

    label: Label | None = optional(
        description="What tables and figures show in place of the name, one line without markup."
    )
    group: Label | None = Field(None, description="Name under which replicates of one model are aggregated.")
    group_label: Label | None = optional(description="How tables and figures name the group; its name by default.")
    role: Literal["study", "judge", "base"] = Field(
        "study",
        description=(
            "`study` models are tested; a `judge` is only there for judges to refer to, a `base` for adapters "
            "to build on."
        ),
    )
    gpus: int = Field(
        0,
        ge=0,
        le=1024,
        description=(
            "GPUs that its jobs ask for; vLLM spreads the model over them, and transformers does where one is "
            "too small for it. On one machine no more jobs run at once than there are GPUs for, and each sees "
            "its own alone; a cluster's scheduler does the same. Give 0 if its jobs may share what GPUs there "
            "are."
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
    """The same, with how prompts are put to a model that the workflow has not trained."""

    chat_template: AnyPath | None = Field(
        None,
        min_length=1,
        description=(
            "How prompts are put to the model, where that is not by the checkpoint's own chat template: the "
            "path of a Jinja file; the name of one of the checkpoint's templates, if it has several; or `bare` "
            "for a base model, whose prompts are continued as they are. A checkpoint without a template needs "
            "one of these."
        ),
    )
    template_date: str | None = Field(
        None,
        pattern="^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
        description=(
            'The day ("YYYY-MM-DD", in quotes) that a chat template sees which reads the clock, so that all '
            "prompts of a run are the same whenever it runs; `2025-01-01` by default. The log says so where a "
            "template does."
        ),
    )


class CheckpointSettings(ChattingModelSettings):
    """The same, for a checkpoint."""

    renamed: ClassVar[Mapping[str, str]] = {"dequantise": "dequantize"}

    trust_remote_code: bool = Field(
        False, description="Allow this one model to run code that it brings along. Off unless you have read that code."
    )
    dequantize: bool = Field(
        False,
        description=(
            "Write a quantized checkpoint (FP8 with scales per block or tensor, or MXFP4) out as bfloat16 and "
            "use that in all variants: quantized weights cannot be edited."
        ),
    )
