"""Registries: packages with one module per kind, found by name and imported when used.

Plug-ins are modules of other distributions, found through entry points: each registry has a separate group, and an
entry point of that group gives the name of the kind and the dotted name of its module. They have the same interface as
the modules of the registry.
"""

import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from types import MappingProxyType, ModuleType

from steadfast.core.errors import ConfigError, UnknownNameError

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "steadfast.judges.kinds": "steadfast.judges",
        "steadfast.attacks.directions.methods": "steadfast.directions",
        "steadfast.attacks.edits.methods": "steadfast.edits",
        "steadfast.attacks.interventions.methods": "steadfast.interventions",
        "steadfast.attacks.decoding.methods": "steadfast.decoding",
        "steadfast.generation.engines": "steadfast.engines",
        "steadfast.analysis.side_effects.weights": "steadfast.side_effects.weights",
        "steadfast.analysis.side_effects.responses": "steadfast.side_effects.responses",
        "steadfast.models.sources": "steadfast.model_sources",
        "steadfast.prompts.sources.kinds": "steadfast.prompt_sources",
        "steadfast.report.figures.kinds": "steadfast.figures",
    }
)
"""Group of entry points by registry package."""
FORMER_GROUPS: Mapping[str, str] = MappingProxyType(
    {"steadfast.side_effects.answers": "steadfast.side_effects.responses"}
)
"""Groups of earlier versions, with their current names."""
NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class PlugIn:
    """A module of another distribution.

    Attributes:
        name: name of the kind.
        module: dotted name of its module.
        distribution: name and version of the distribution, for messages.
        packages: top-level packages and modules of the distribution, whose code belongs to the plug-in.
    """

    name: str
    module: str
    distribution: str
    packages: frozenset[str]


def names(package: str) -> list[str]:
    """Names of the kinds of a registry, its own and those of plug-ins, without importing them.

    Args:
        package: dotted name of the registry package, for example ``steadfast.judges.kinds``.

    Raises:
        ConfigError: two distributions give the same name, or an entry point cannot be used.
        ModuleNotFoundError: ``package`` is not a package.
    """
    return sorted([*own_names(package), *plug_ins(package)])


@cache
def own_names(package: str) -> tuple[str, ...]:
    """Names of the modules of ``package`` itself.

    A module whose name starts with an underscore is shared code of the package, not a kind.
    """
    spec = find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{package} is not a package")
    found = pkgutil.iter_modules(spec.submodule_search_locations)
    return tuple(sorted(module.name for module in found if not module.name.startswith("_")))


def load(package: str, name: str, what: str | None = None) -> ModuleType:
    """Import and return the module of a kind.

    Raises:
        ConfigError: as ``names``; or the module of a plug-in cannot be imported.
        UnknownNameError: there is no such kind; the message lists the known names and the nearest one.
    """
    known = names(package)
    if name not in known:
        raise UnknownNameError(what or package.rpartition(".")[2].removesuffix("s"), name, known)
    plug_in = plug_ins(package).get(name)
    if plug_in is None:
        return import_module(f"{package}.{name}")
    try:
        return import_module(plug_in.module)
    except Exception as error:
        raise ConfigError(
            f"the plug-in {name!r} of {plug_in.distribution} (module {plug_in.module}) cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error


def located(module: str) -> str:
    """The module that a name in a registry represents, as its dotted name; nothing is imported.

    Args:
        module: a dotted name, such as ``steadfast.judges.kinds.regex``.

    Returns:
        The module of the plug-in where the last part names one of that registry, else ``module`` itself.

    Raises:
        ConfigError: as ``names``.
    """
    package, _, name = module.rpartition(".")
    plug_in = plug_ins(package).get(name)
    return plug_in.module if plug_in else module


@cache
def plug_ins(package: str) -> Mapping[str, PlugIn]:
    """Plug-ins of a registry by name; empty for a package without a group.

    Raises:
        ConfigError: as ``names``.
    """
    group = GROUPS.get(package, "")
    points = sorted((point for point in _entry_points() if point.group == group), key=lambda point: point.value)
    # finding a package imports its parents, which is slow
    owners = {name: "Steadfast itself" for name in own_names(package)} if points else {}
    found: dict[str, PlugIn] = {}
    for plug_in in map(_plug_in, points):
        other = owners.setdefault(plug_in.name, plug_in.distribution)
        if plug_in.name in found or other != plug_in.distribution:
            raise ConfigError(
                f"two plug-ins are called {plug_in.name!r} in the group {group}: one of {other} and one of "
                f"{plug_in.distribution} (module {plug_in.module}); uninstall one of them, or rename its entry point"
            )
        found[plug_in.name] = plug_in
    return MappingProxyType(found)


def plug_in_packages() -> frozenset[str]:
    """Top-level packages and modules of all distributions that have plug-ins."""
    return frozenset[str]().union(*(_plug_in(point).packages for point in _entry_points()))


@cache
def _entry_points() -> tuple[EntryPoint, ...]:
    """Entry points of all groups, of everything that is installed."""
    installed = entry_points()
    for former, group in FORMER_GROUPS.items():
        for point in installed.select(group=former):
            raise ConfigError(f"the entry point {point.name!r} is of the group {former}, which is called {group} now")
    return tuple(point for group in GROUPS.values() for point in installed.select(group=group))


def _plug_in(point: EntryPoint) -> PlugIn:
    distribution = f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown distribution"
    if point.attr or not NAME.fullmatch(point.name):
        fault = (
            f"its value {point.value!r} must be the dotted name of a module, without ':'"
            if point.attr
            else "its name must consist of lowercase letters, digits and underscores, a letter first"
        )
        raise ConfigError(f"the entry point {point.name!r} of {distribution} (group {point.group}) is wrong: {fault}")
    # an editable installation lists no module: then the entry point alone names the package
    files = (point.dist.files if point.dist else None) or []
    listed = {file.parts[0].removesuffix(".py") for file in files if _is_code(file.parts)}
    return PlugIn(point.name, point.module, distribution, frozenset({point.module.partition(".")[0], *listed}))


def _is_code(parts: tuple[str, ...]) -> bool:
    """Whether an installed file is a module of a package, and no script or data file outside of ``site-packages``."""
    return parts[-1].endswith(".py") and parts[0] != ".."
