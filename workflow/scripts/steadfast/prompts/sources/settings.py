"""Settings that prompt sources with rows share."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from steadfast.core.conditions import Condition
from steadfast.core.settings import SettingsModel


class PromptSourceSettings(SettingsModel):
    """Settings of every prompt source.

    Attributes:
        is_synthetic: whether its prompts come from a synthetic world, which its key ``world`` names.
        hub_key: the key that names a data set of the hub; empty for a source that has none.
    """

    is_synthetic: ClassVar[bool] = False
    hub_key: ClassVar[str] = ""

    @classmethod
    def hub_repository(cls, entry: Mapping[str, str]) -> str:
        """The data set of the hub that an entry, of which only the texts are given, names; empty for none."""
        return entry.get(cls.hub_key, "")

    def labels(self) -> tuple[str, ...] | None:
        """The labels of its prompts; None for a source whose prompts have the label that it is listed under."""
        return None


class PinnedSettings(PromptSourceSettings):
    """Settings of sources whose prompts may be pinned to a split."""

    assign: Literal["calibration", "evaluation"] | None = Field(
        None, description="Pin all its prompts to `calibration` or `evaluation`; null draws the split by seed."
    )


class RowSettings(PinnedSettings):
    """How prompts are read off the rows of a table."""

    column: str | None = Field(
        None,
        min_length=1,
        description=(
            "Column (or JSON key) with the prompt; null takes `text`, which is also the column of `.txt` files."
        ),
    )
    template: str | None = Field(
        None,
        min_length=1,
        description=(
            "Instead of `column`, a template with columns in braces, for example "
            '`"{ContextString}\\n\\n{Behavior}"`; `{{` and `}}` are literal braces. Rows in which one of the '
            "columns is empty are an error: exclude them with `where`."
        ),
    )
    where: dict[str, Condition] = Field(
        {},
        description=(
            "Which rows are read, by column: a value, a list of values, or `{not: ...}` with one of these. `*` "
            "matches any characters, null an empty cell. All conditions must hold, and every value must occur in "
            'the file. Examples: `{label: safe}`, `{type: {not: "contrast_*"}}`.'
        ),
    )
    category_column: str | None = Field(None, description="Column with the category, if any.")
    split_column: str | None = Field(
        None, description="Column with `calibration` or `evaluation`; without it the split is drawn by seed."
    )
