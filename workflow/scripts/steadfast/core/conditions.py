"""Settings of conditions on the rows of a table: `where` of prompt sources, and of imported responses and labels."""

from typing import Annotated

from pydantic import Field

from steadfast.core.settings import SettingsModel, UniqueItems

Cell = str | int | float | bool | None
Cells = Annotated[UniqueItems[Cell], Field(min_length=1)]


class Excluded(SettingsModel):
    """Values that a row must not have."""

    excluded: Cell | Cells = Field(alias="not", description="A value or a list of values.")


Condition = Annotated[
    Cell | Cells | Excluded, Field(description="Allowed: a value, a list of values, or `{not: a value or a list}`.")
]
