"""Section `figures`: style of the figures, and one key per figure."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, create_model
from pydantic_core import CoreSchema, core_schema

from steadfast.core.errors import ConfigError
from steadfast.core.plug_ins import FIGURES
from steadfast.core.registry import own_names
from steadfast.core.setting_errors import InvalidEntry, problems_of, wrong_type
from steadfast.core.setting_schemas import schema_of
from steadfast.core.settings import SettingsModel, TextRule, UniqueItems, nested, setting_error

DEFAULT_FONT = "DejaVu Sans"


def _font_problem(font: str) -> str:
    """Problem with the name of a font; the default comes with matplotlib, so only others are looked up."""
    if font == DEFAULT_FONT:
        return ""
    from matplotlib.font_manager import fontManager

    names = sorted({str(entry.name) for entry in fontManager.ttflist})
    return "" if font in names else f"{font!r} is not a font of this machine; it has {', '.join(names)}"


Font = Annotated[str, TextRule("font", _font_problem)]
Color = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


class PaletteSettings(SettingsModel):
    """The colors of all figures, and of the charts of the report."""

    original: Color = Field("#1d3557", description="Unedited models.")
    edit: Color = Field("#d55e00", description="Color of edited models; several edits use shades of it.")
    control: Color = Field("#8c8c8c", description="Controls.")
    sequential: Literal["cividis", "viridis", "magma", "inferno", "plasma"] = Field(
        "cividis", description="Color map of rates, from 0 to 100%."
    )
    diverging: Literal["PuOr", "RdBu", "BrBG", "PRGn", "PiYG"] = Field(
        "PuOr", description="Color map of changes and correlations, white at 0."
    )


class FiguresSettings(SettingsModel):
    """Style and formats of the figures. Each has its own key; those of plug-ins are drawn if their key is given."""

    judge: str | None = Field(
        None, description="Judge whose verdicts figures and report show; null takes the reference."
    )
    formats: Annotated[UniqueItems[Literal["pdf", "png", "svg"]], Field(min_length=1)] = Field(
        ["pdf", "png"], description="Formats in which each figure is written. Fonts are embedded in PDF files."
    )
    single_column: float = Field(
        3.5, ge=2, le=20, description="Width of a figure in one column of a paper, in inches (`width: single`)."
    )
    double_column: float = Field(
        7.2, ge=2, le=40, description="Width of a figure across both columns, in inches (`width: double`)."
    )
    font: Font = Field(
        DEFAULT_FONT, description=("Font family; it must be installed on the machine that draws the figures.")
    )
    font_size: float = Field(8.0, ge=4, le=24, description="Size of the labels, in points.")
    resolution: int = Field(300, ge=50, le=1200, description="Dots per inch of PNG files.")
    titles: bool = Field(True, description="Whether figures have titles. The note with judge and n is always shown.")
    palette: PaletteSettings = nested(PaletteSettings)


@cache
def figures_section(figures: tuple[str, ...] = ()) -> type[SettingsModel]:
    """Settings of the section with a key for each figure of this package, and for some of plug-ins.

    Args:
        figures: those of plug-ins.

    Raises:
        ConfigError: a plug-in's figure is called as another key.
    """
    names = (*own_names(FIGURES.package), *figures)
    for name in names:
        if name in FiguresSettings.model_fields:
            raise ConfigError(
                f"the figure {name!r} is called as a key of the section `figures`; rename its entry point"
            )
    fields: dict[str, Any] = {}
    for name in names:
        settings = FIGURES.settings(name)
        fields[name] = (settings, nested(settings, description=settings.__doc__))
    section: type[SettingsModel] = create_model(
        FiguresSettings.__name__, __base__=FiguresSettings, __doc__=FiguresSettings.__doc__, **fields
    )
    return section


class Figures:
    """The annotation of the section: a figure of another distribution is imported if its key is given."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Look at the keys first."""
        dump = core_schema.plain_serializer_function_ser_schema(SettingsModel.as_dict)
        return core_schema.no_info_plain_validator_function(self._read, serialization=dump)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The keys of all figures."""
        return schema_of(figures_section(_of_plug_ins(FIGURES.names())))

    def _read(self, values: Any) -> SettingsModel:
        if not isinstance(values, Mapping):
            raise setting_error(wrong_type(values, "object"))
        model = figures_section(_of_plug_ins(values))
        try:
            return model.model_validate(values)
        except ValidationError as error:
            raise InvalidEntry(problems_of(error, model, values)) from None


def _of_plug_ins(names: Iterable[Any]) -> tuple[str, ...]:
    """The figures of plug-ins among some names."""
    others = set(FIGURES.names()) - set(own_names(FIGURES.package))
    return tuple(sorted(others.intersection(name for name in names if isinstance(name, str))))


FiguresSection = Annotated[Any, Figures()]
