"""Settings and capabilities that figures share."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from steadfast.core.settings import SettingsModel

if TYPE_CHECKING:
    from steadfast.analysis.tables.about import About

Width = Literal["single", "double"]


class FigureSettings(SettingsModel):
    """Settings of every figure.

    Attributes:
        reads: tables of the run (``results/tables/NAME.csv``) that it needs; it is drawn in runs that have them.
        reads_directions: whether it reads the directions and the activations they were found in, instead of tables.
        pictures: file names without suffix; empty for one that is called as the figure.
        folder: folder below ``results/figures`` for figures whose data decide how many pictures there are; those of
            several figures may share it.
    """

    reads: ClassVar[tuple[str, ...]] = ()
    reads_directions: ClassVar[bool] = False
    pictures: ClassVar[tuple[str, ...]] = ()
    folder: ClassVar[str] = ""

    draw: bool = Field(True, description="Whether the figure is drawn.")
    width: Width = Field("double", description="Its width: `figures.single_column` or `figures.double_column`.")

    @classmethod
    def applies(cls, about: "About") -> bool:
        """Whether a run that has the tables has something to draw."""
        del about
        return True
