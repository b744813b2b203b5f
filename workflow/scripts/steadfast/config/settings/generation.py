"""Section `generation`."""

from typing import Annotated

from pydantic import Field

from steadfast.core.plug_ins import ENGINES, NameOf
from steadfast.core.settings import Items, SettingsModel


class GenerationSettings(SettingsModel):
    """How responses are generated."""

    engine: Annotated[str, NameOf(ENGINES, others=("auto",))] = Field(
        "auto",
        description=(
            "`transformers` runs in the job's own process; `vllm` in a process and an environment of its own "
            "(`make vllm`); `auto` takes whichever is faster for the model and the machine."
        ),
    )
    max_new_tokens: int = Field(
        128,
        ge=1,
        le=1000000,
        description=(
            "Maximum length of a response, in tokens. Refusals may come late, so use at least 100 for real models."
        ),
    )
    samples: int = Field(
        1, ge=1, le=1000, description="Responses per prompt; more than one needs a temperature above 0."
    )
    temperature: float = Field(0.0, ge=0, le=100, description="Sampling temperature; 0 is greedy decoding.")
    top_p: float = Field(1.0, gt=0, le=1, description="Nucleus sampling threshold; 1 keeps every token.")
    system_prompt: str | None = Field(None, description="System prompt for extraction and generation; null for none.")
    thinking_markers: Items[Annotated[Items[str], Field(min_length=2, max_length=2)]] | None = Field(
        None,
        description=(
            "Pairs of opening and closing markers of thinking blocks, which are removed from responses and "
            "recorded; null takes those of all known model families (`steadfast/generation/thinking/formats.py`). "
            "Set them if the report warns of control tokens in responses."
        ),
    )
