"""Sources of prompts: a registry with one module per kind.

A module of this package exposes ``load(**settings)``, which reads the prompts, ``check(**settings)``, which says
before any job whether the settings can work, ``notices(**settings)``, which says before any job what works and is
probably not meant, and ``files(**settings)``, the local files it reads. The settings are those of a source's entry
without ``kind``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from steadfast.core.errors import ConfigError
from steadfast.core.registry import load

PACKAGE = "steadfast.prompts.sources.kinds"

Split = Literal["calibration", "evaluation"]
SPLITS: tuple[Split, ...] = ("calibration", "evaluation")


@dataclass(frozen=True)
class SourcePrompt:
    """One prompt of a source.

    Attributes:
        text: the prompt, verbatim.
        category: its category; empty if unknown.
        split: the split it is pinned to, or None if it may go to either.
        label: its label, if the source has labels; None means the label under which the source is listed.
        source: its origin, for the prompt table.
    """

    text: str
    category: str = ""
    split: Split | None = None
    label: str | None = None
    source: str = ""


@dataclass(frozen=True)
class Loaded:
    """Content of a source.

    Attributes:
        prompts: its prompts.
        notices: messages about unused content of its files.
    """

    prompts: list[SourcePrompt]
    notices: list[str] = field(default_factory=list)


def read_source(settings: Mapping[str, Any]) -> Loaded:
    """Read all prompts of a source.

    Args:
        settings: its entry, with ``kind``.

    Raises:
        ConfigError: the settings cannot be used.
        DataError: the source does not hold what the settings say.
    """
    loaded: Loaded = _module(settings).load(**_arguments(settings))
    return loaded


def load_source(settings: Mapping[str, Any]) -> list[SourcePrompt]:
    """The prompts of a source alone (see ``read_source``)."""
    return read_source(settings).prompts


def check_source(settings: Mapping[str, Any]) -> None:
    """Check, before any job, that a source exists and has the columns asked for; its prompts are not read.

    Raises:
        ConfigError: the message names the key, what was found and what is allowed.
    """
    _module(settings).check(**_arguments(settings))


def source_notices(settings: Mapping[str, Any]) -> list[str]:
    """Messages about unused content of a local source; empty for a data set of the hub.

    Raises:
        DataError: the source does not hold what the settings say.
    """
    return list(_module(settings).notices(**_arguments(settings)))


def source_files(settings: Mapping[str, Any]) -> list[str]:
    """Local files that a source reads, so that a rule can declare them as inputs."""
    return list(_module(settings).files(**_arguments(settings)))


def check_assign(assign: str | None) -> None:
    """Check a source's ``assign``.

    Raises:
        ConfigError: it is not a split.
    """
    if assign is not None and assign not in SPLITS:
        raise ConfigError(f"assign: {assign!r} is not allowed; allowed: {', '.join(SPLITS)}, null")


def _module(settings: Mapping[str, Any]) -> Any:
    return load(PACKAGE, str(settings.get("kind")), "kind of prompt source")


def _arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != "kind"}
