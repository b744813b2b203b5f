"""Model sources: one module per ``source``, found by name, which exposes a ``Source`` as ``SOURCE``."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steadfast.core.errors import ConfigError
from steadfast.core.registry import load

if TYPE_CHECKING:
    from steadfast.models.pointer import ModelPointer
    from steadfast.models.size import ModelSize

Entry = Mapping[str, Any]

SHOWN = frozenset({"label", "group", "group_label", "role", "gpus", "template_arguments", "dtype"})
"""Keys of how a model is run or shown, which do not change the content of its directory."""
CHAT = frozenset({"chat_template", "template_date"})
"""Keys of a model's chat settings; its directory stores the resulting settings."""


def _no_problems(_entry: Entry, _config: Mapping[str, Any]) -> Iterator[str]:
    yield from ()


def _no_files(_entry: Entry) -> list[str]:
    return []


def _unknown(_entry: Entry, _config: Mapping[str, Any]) -> int | None:
    return None


def _unknown_size(_entry: Entry) -> None:
    return None


def _no_base(_entry: Entry) -> str | None:
    return None


def _no_variants(_entry: Entry) -> list[str] | None:
    return None


def _with_seed(entry: Entry, seed: int) -> dict[str, Any]:
    return {**entry, "seed": seed}


def content_settings(entry: Entry) -> dict[str, Any]:
    """The keys of an entry that determine the content of the model's directory."""
    return {key: value for key, value in entry.items() if key not in SHOWN | CHAT}


@dataclass(frozen=True)
class Source:
    """A model source.

    Attributes:
        problems: errors in an entry that can be found before a run and without the network, given the whole
            configuration; each begins with the key.
        files: local files that the model is created from; it is created again if they change.
        settings: settings that determine the content of the model's directory; it is created again if they change.
        depth: its number of blocks, given the whole configuration; None if unknown on this machine.
            Adapters have that of their base (``steadfast.config.depth``).
        size: its size, before it is created; None if unknown on this machine. A model with a base has the size of its
            base.
        hub_files: files of a hub repository that it is created from; empty for a whole checkpoint.
        base: name of its base model in the configuration, or None.
        of_seed: the entry of the replicate with a seed, from the entry of a model with several ``seeds``.
        variants: variants with imported responses, for a model without weights; None for a model with weights.
        trained: whether the workflow trains it from scratch.
        written_out: whether its weights are written to the workflow's folder; other models are linked.
        in_place: whether its key ``path`` is a local checkpoint directory, which is used in place.
        locate: gets the checkpoint and returns its path; for plug-ins, whose models share one rule. The sources of this
            package have separate rules.
    """

    problems: Callable[[Entry, Mapping[str, Any]], Iterator[str]] = _no_problems
    files: Callable[[Entry], list[str]] = _no_files
    settings: Callable[[Entry], dict[str, Any]] = content_settings
    depth: Callable[[Entry, Mapping[str, Any]], int | None] = _unknown
    hub_files: Callable[[Entry], list[str]] = _no_files
    size: "Callable[[Entry], ModelSize | None]" = _unknown_size
    base: Callable[[Entry], str | None] = _no_base
    of_seed: Callable[[Entry, int], dict[str, Any]] = _with_seed
    variants: Callable[[Entry], list[str] | None] = _no_variants
    trained: bool = False
    written_out: bool = False
    in_place: bool = False
    locate: "Callable[[Entry], ModelPointer] | None" = None


def source_of(entry: Entry) -> Source:
    """The source that an entry of ``models`` names."""
    source: Source = load(__name__, entry["source"]).SOURCE
    return source


def is_trained_here(source: str) -> bool:
    """Whether the workflow trains the models of a source from scratch."""
    return bool(load(__name__, source).SOURCE.trained)


def locate(entry: Entry) -> "ModelPointer":
    """Get the checkpoint of a model whose source is a plug-in.

    Raises:
        ConfigError: the source does not say how.
        DataError: what the source raises where it does not find the checkpoint.
    """
    found = source_of(entry).locate
    if found is None:
        raise ConfigError(f"source: {entry['source']} cannot be located: its SOURCE has no `locate`")
    return found(entry)
