"""Sections `side_effects` and `capability`."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from steadfast.core.plug_ins import MEASURES, NameOf, PromptSourceEntry
from steadfast.core.settings import ExistingDirectory, ExistingFile, Items, SettingsModel, Text, UniqueItems


class SideEffectSettings(SettingsModel):
    """What a variant changes other than refusals, and whether its edit reached what it should.

    docs/method.md defines the measures.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "borderline": "over_refusal_categories",
        "hook_prompts": "intervention_prompts",
    }

    measures: UniqueItems[Annotated[str, NameOf(*MEASURES)]] | None = Field(
        None,
        description=(
            "Which are taken; null takes all that need nothing but the grid itself: `divergence`, "
            "`separation`, `module_agreement`, `hook_agreement`, `over_refusal`, `degenerate`, "
            "`response_length`, `perplexity` where there is a text, and `on_topic`, `hallucination` and "
            "`answer_form` where all prompts are synthetic. `instruction_following` generates answers of its "
            "own and is taken where it is named."
        ),
    )
    answer_tokens: int = Field(
        128,
        ge=1,
        le=1000000,
        description=(
            "Tokens of each of the original's answers along which `divergence` compares the next-token distributions."
        ),
    )
    text: PromptSourceEntry | None = Field(
        None,
        description=(
            "Held-out text for `perplexity`: a source like those of prompts, whose entries are the documents. "
            "null takes the synthetic world's held-out documents where all prompts are synthetic, and no text "
            "elsewhere."
        ),
    )
    documents: int = Field(200, ge=1, le=1000000, description="Documents of the text that are read.")
    document_tokens: int = Field(512, ge=2, le=1000000, description="Tokens that are read of each document.")
    intervention_prompts: int = Field(
        8,
        ge=1,
        le=10000,
        description=(
            "Prompts of each class on which `module_agreement` and `hook_agreement` compare the baked with the "
            "hooked model."
        ),
    )
    instructions: ExistingFile = Field(
        "resources/prompts/instructions.yaml",
        description="Tasks of `instruction_following`, each with checks of its answer.",
    )
    instruction_tokens: int = Field(256, ge=1, le=1000000, description="Longest answer to a task, in tokens.")
    over_refusal_categories: Items[Text] = Field(
        ["*_lookalike", "sounds_harmful_*"],
        min_length=1,
        description=(
            "Categories of the over-refusal prompts, as names or patterns with `*`; "
            "`over_refusal` is the share of them that is refused."
        ),
    )


class CapabilitySettings(SettingsModel):
    """Tasks of EleutherAI's lm-evaluation-harness, taken of every system beside its other side effects.

    They need `make capability` (or `--use-conda`), and most of them the hub.
    """

    tasks: UniqueItems[Text] = Field(
        [], description="Names of tasks, for example `arc_easy` or `truthfulqa_mc2`; none are taken by default."
    )
    include_path: ExistingDirectory | None = Field(
        None, description="A folder with tasks of one's own, as the harness reads them."
    )
    examples: int | None = Field(
        None, ge=0, le=1000, description="Worked examples in each prompt; null takes what the task says."
    )
    limit: int | None = Field(
        None, ge=1, le=1000000000, description="Documents of each task, from the first on; null takes all."
    )
    chat_template: bool = Field(False, description="Whether prompts are put into the model's chat template.")
