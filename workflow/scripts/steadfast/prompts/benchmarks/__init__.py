"""Public benchmarks by name: location, and columns of the prompts. It contains no prompts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Literal

from steadfast.core.errors import ConfigError, DataError, suggest

PromptLabel = Literal["harmful", "harmless"]


@dataclass(frozen=True)
class RowLayout:
    """How prompts are read from the rows of a benchmark's files in one layout.

    Attributes:
        column: column of the prompt.
        template: a text with columns in braces, instead of ``column``.
        where: conditions for rows of the part.
        category: column of the category, if there is one.
        turns: whether the column holds a list with a single turn.
    """

    column: str | None = None
    template: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    category: str | None = None
    turns: bool = False

    def reading(self) -> dict[str, Any]:
        """The settings of a source with rows."""
        given = {"column": self.column, "template": self.template, "category_column": self.category}
        found = {key: value for key, value in given.items() if value is not None}
        further = {"where": dict(self.where)} if self.where else {}
        return found | further | ({"turns": True} if self.turns else {})


@dataclass(frozen=True)
class BenchmarkPart:
    """The prompts of one label in a benchmark.

    Attributes:
        name: name in configurations.
        label: label of the prompts.
        rows: number of prompts.
        layouts: layouts of its files; the first is that of the hub, others are of files in circulation.
        split: split of the data set.
        subset: its configuration, if it has several.
        over_refusal: whether they are over-refusal prompts.
        default: whether it is read by default.
    """

    name: str
    label: PromptLabel
    rows: int
    layouts: tuple[RowLayout, ...]
    split: str = "train"
    subset: str | None = None
    over_refusal: bool = False
    default: bool = True


@dataclass(frozen=True)
class Benchmark:
    """A public set of prompts.

    Attributes:
        title: its name.
        repo: id of the data set on the Hugging Face hub.
        license: license of the prompts, as stated by their publisher.
        paper: arXiv number of the paper; empty without one.
        parts: its parts, each of one label.
        gated: whether the hub requires accepting terms.
        original: address of the publisher's version, if it is not on the hub.
    """

    title: str
    repo: str
    license: str
    paper: str
    parts: tuple[BenchmarkPart, ...]
    gated: bool = False
    original: str = ""

    def chosen(self, names: Sequence[str] | None) -> list[BenchmarkPart]:
        """The named parts, or the default ones.

        Raises:
            ConfigError: a name is unknown; the message lists the known ones.
        """
        if names is None:
            return [part for part in self.parts if part.default]
        known = {part.name: part for part in self.parts}
        for name in names:
            if name not in known:
                raise ConfigError(f"parts: {self.title} has no part {name!r}{suggest(name, known)}")
        return [known[name] for name in names]


def over_refusal_category(benchmark: str, category: str) -> str:
    """Category of a benchmark's over-refusal prompt in the prompt table, which includes the benchmark."""
    return f"{benchmark}: {category}"


def fitting(part: BenchmarkPart, columns: Iterable[str], where: str) -> RowLayout:
    """The layout of a part that fits the columns of a file.

    Args:
        part: the part.
        columns: the columns of the file.
        where: the file, for the message.

    Raises:
        DataError: no layout fits.
    """
    found = set(columns)
    for layout in part.layouts:
        if _columns(layout) <= found:
            return layout
    wanted = " or ".join(", ".join(sorted(_columns(layout))) for layout in part.layouts)
    raise DataError(f"{where} has the columns {', '.join(sorted(found))}; the part {part.name!r} needs {wanted}")


def _columns(layout: RowLayout) -> set[str]:
    parsed = Formatter().parse(layout.template or f"{{{layout.column}}}")
    named = [name for _, name, _, _ in parsed if name]
    return {*named, *layout.where, *([layout.category] if layout.category else [])}
