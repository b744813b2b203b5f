"""Registries: a package with one module per kind, found by name and imported only when it is used."""

import pkgutil
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from steadfast.core.errors import UnknownNameError


def names(package: str) -> list[str]:
    """Names of the modules of ``package`` (for example ``steadfast.judges``), without importing them.

    A module whose name starts with an underscore is shared code of the package, not a kind.
    """
    spec = find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{package} is not a package")
    found = pkgutil.iter_modules(spec.submodule_search_locations)
    return sorted(module.name for module in found if not module.name.startswith("_"))


def load(package: str, name: str, what: str | None = None) -> ModuleType:
    """Import and return ``package.name``.

    Raises:
        UnknownNameError: no such module; the message lists the known names and the nearest one.
    """
    known = names(package)
    if name not in known:
        raise UnknownNameError(what or package.rpartition(".")[2].removesuffix("s"), name, known)
    return import_module(f"{package}.{name}")
