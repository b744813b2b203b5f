"""Draw the chosen figures of a run, and write them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadfast.analysis.tables.about import About
from steadfast.core.errors import DataError
from steadfast.core.files import atomic_directory
from steadfast.core.plug_ins import FIGURES
from steadfast.report.figures.look import Look, drawn_as
from steadfast.report.figures.style import message_figure, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pictures_of(name: str) -> list[str]:
    """Names of the pictures of a figure, without suffix; none where its data decide."""
    settings = FIGURES.settings(name)
    return [] if settings.folder else list(settings.pictures or (name,))


def draw_figure(name: str, settings: Mapping[str, Any], data: Mapping[str, Any], about: About) -> "dict[str, Figure]":
    """Draw one figure: its pictures by file name without suffix.

    A picture that the workflow expects is there even if there was nothing to draw, and says so.

    Args:
        name: of the figure.
        settings: its keys.
        data: the tables that it reads, by name.
        about: the run.

    Raises:
        ConfigError: there is no such figure, or the settings cannot be used.
        DataError: it drew a picture that it has not announced.
    """
    module = FIGURES.load(name)
    drawn: dict[str, Figure] = module.draw(data, about, module.Settings.read(settings))
    announced = pictures_of(name)
    unknown = [picture for picture in drawn if announced and picture not in announced]
    if unknown:
        raise DataError(f"the figure {name} drew {', '.join(unknown)}; its pictures are {', '.join(announced)}")
    missing = {picture: message_figure("There is nothing to draw.") for picture in announced if picture not in drawn}
    return drawn | missing


def draw_all(
    chosen: Mapping[str, Mapping[str, Any]], data: Mapping[str, Any], about: About, look: Look
) -> "Iterator[tuple[str, str, Figure]]":
    """Folder, name and figure of every picture, in the widths that the settings ask for.

    Args:
        chosen: settings by the name of the figure.
        data: the tables, by name.
        about: the run.
        look: sizes, font and colors.
    """
    for name, settings in chosen.items():
        with drawn_as(look, settings.get("width", "double")):
            for picture, figure in draw_figure(name, settings, data, about).items():
                yield FIGURES.settings(name).folder, picture, figure


def write_figures(
    chosen: Mapping[str, Mapping[str, Any]],
    data: Mapping[str, Any],
    about: About,
    look: Look,
    outputs: Iterable[str | Path],
) -> None:
    """Draw figures and write each in the formats of the look.

    Args:
        chosen: settings by the name of the figure.
        data: the tables, by name.
        about: the run.
        look: sizes, font and colors.
        outputs: where the pictures go that figures announce, and the folders of the others; a folder without a
            picture stays empty.
    """
    places = {Path(path).name: Path(path) for path in outputs}
    folders = {FIGURES.settings(name).folder for name in chosen} - {""}
    with ExitStack() as stack:
        inside = {folder: stack.enter_context(atomic_directory(places[folder])) for folder in folders}
        for folder, picture, figure in draw_all(chosen, data, about, look):
            for suffix in look.formats:
                name = f"{picture}.{suffix}"
                with drawn_as(look):
                    save(figure, inside[folder] / name if folder else places[name])


def save_all(figures: "Iterable[tuple[str, Figure]]", directory: str | Path, look: Look | None = None) -> None:
    """Write each figure, after its file name without suffix, into a directory."""
    look = look or Look()
    for name, figure in figures:
        for suffix in look.formats:
            with drawn_as(look):
                save(figure, Path(directory) / f"{name}.{suffix}")
