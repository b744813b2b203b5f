"""Judges with several prompts: each further prompt becomes a separate judge, a version of the first."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from steadfast.core.errors import ConfigError, suggest

SECTIONS = ("judges", "rubrics")
KEY = "prompt_versions"
GROUP = "version_of"


def has_versions(config: Mapping[str, Any]) -> bool:
    """Whether a judge or rubric of a complete configuration has further prompts."""
    return any(KEY in entry for section in SECTIONS for entry in config[section].values())


def with_prompt_versions(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a valid configuration without ``prompt_versions``.

    A judge ``NAME`` with ``prompt_versions: {short: FILE}`` keeps its name and prompt; ``NAME-short`` is the same judge
    with the other prompt, and ``version_of: NAME``.

    Raises:
        ConfigError: a version takes the name of another judge or rubric.
    """
    taken = {name for section in SECTIONS for name in config.get(section) or {}}
    found: dict[str, Any] = dict(config)
    for section in SECTIONS:
        entries: dict[str, Any] = {}
        for name, entry in (config.get(section) or {}).items():
            for version, settings in _versions(name, entry):
                if version != name and version in taken:
                    raise ConfigError(
                        f"{section}.{name}.{KEY}: {version!r} is the name of another one; rename that one"
                    )
                entries[version] = settings
        if section in config:
            found[section] = entries
    return found


def _versions(name: str, entry: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    shared = {key: value for key, value in entry.items() if key != KEY}
    yield name, shared
    label = shared.get("label") or name
    for version, prompt in (entry.get(KEY) or {}).items():
        own = {"prompt": prompt, "label": f"{label} ({version})", GROUP: name}
        yield f"{name}-{version}", {**shared, **own}


def _versions_are_of_known_judges(config: Mapping[str, Any]) -> Iterator[str]:
    for section in SECTIONS:
        entries = config[section]
        first = [name for name, entry in entries.items() if GROUP not in entry]
        for name, entry in entries.items():
            if GROUP in entry and entry[GROUP] not in first:
                yield f"{section}.{name}.{GROUP}: unknown judge {entry[GROUP]!r}{suggest(entry[GROUP], first)}"


VERSION_CHECKS: tuple[Callable[[Mapping[str, Any]], Iterator[str]], ...] = (_versions_are_of_known_judges,)
