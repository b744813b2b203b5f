"""Models with several seeds: each seed becomes a separate model, and together they form a group."""

from collections.abc import Iterator, Mapping
from typing import Any

from steadfast.core.errors import ConfigError
from steadfast.models.sources import source_of


def with_replicates(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a valid configuration without ``seeds``.

    A model ``NAME`` with ``seeds: [0, 1]`` becomes the models ``NAME-seed0`` and ``NAME-seed1`` of the group ``NAME``.

    Raises:
        ConfigError: a model has both ``seed`` and ``seeds``, or a replicate takes another model's name.
    """
    models: dict[str, Any] = {}
    for name, entry in config["models"].items():
        for replicate, settings in _replicates(name, entry):
            if replicate in models or (replicate != name and replicate in config["models"]):
                raise ConfigError(f"models.{name}.seeds: {replicate!r} is the name of another model; rename that one")
            models[replicate] = settings
    return {**config, "models": models, "variants": _limited_to_replicates(config)}


def _limited_to_replicates(config: Mapping[str, Any]) -> dict[str, Any]:
    """The variants, those limited to a model with several seeds now limited to its replicates."""
    names = {name: [new for new, _ in _replicates(name, entry)] for name, entry in config["models"].items()}
    variants = {}
    for variant, entry in config["variants"].items():
        limited = [new for name in entry.get("models") or () for new in names.get(name, [name])]
        variants[variant] = {**entry, "models": limited} if limited else dict(entry)
    return variants


def _replicates(name: str, entry: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if entry.get("seeds") is None:
        yield name, dict(entry)
        return
    if entry.get("seed") is not None:
        raise ConfigError(f"models.{name}: has both 'seed' and 'seeds'; keep one of them")
    shared = {key: value for key, value in entry.items() if key != "seeds"}
    label = shared.get("label", name)
    group = {"group": name, "group_label": label, **{key: value for key, value in shared.items() if value is not None}}
    for seed in entry["seeds"]:
        own = source_of(entry).of_seed(group, seed)
        yield f"{name}-seed{seed}", {**own, "label": f"{label} (seed {seed})"}
