"""Sweeps: families of attacks (every direction with every change at every scale), expanded to variants."""

from collections.abc import Iterator, Mapping
from typing import Any

from steadfast.core.errors import ConfigError
from steadfast.core.plug_ins import EDITS, INTERVENTIONS

CHANGES = {"edits": "edit", "interventions": "intervention"}
FAMILIES = {"edit": EDITS, "intervention": INTERVENTIONS}


def with_sweeps(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a complete configuration in which sweeps are expanded to variants.

    A variant is called ``{direction}-{change}-{scale in percent}``.

    Raises:
        ConfigError: a sweep has no changes, a name is taken, or two scales have the same percentage.
    """
    variants = dict(config["variants"])
    for sweep, entry in config["sweeps"].items():
        _require_scales(sweep, entry)
        for name, variant in _variants(entry):
            if name in variants:
                raise ConfigError(
                    f"sweeps.{sweep}: there is a variant {name!r} already; rename a direction or a change"
                )
            variants[name] = variant
    return {**config, "variants": variants}


def edits_of(sweep: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The ``edit`` entries of a sweep's variants, by variant; its interventions are left out."""
    return {name: variant["edit"] for name, variant in _variants(sweep) if "edit" in variant}


def variants_of(sweep: Mapping[str, Any]) -> list[str]:
    """Names of a sweep's variants."""
    return [name for name, _ in _variants(sweep)]


def scale_key(part: str, change: Mapping[str, Any]) -> str:
    """The setting that is the scale of an edit or an intervention; empty if there is none.

    Args:
        part: the key of a variant that the change is given by.
        change: its config entry.
    """
    return FAMILIES[part].of(change).Settings.scale_key or ""


def _require_scales(name: str, sweep: Mapping[str, Any]) -> None:
    if not any(sweep[kind] for kind in CHANGES):
        raise ConfigError(f"sweeps.{name}: has neither `edits` nor `interventions`, so its directions change nothing")
    for kind in CHANGES:
        for change, entry in sweep[kind].items():
            if not scale_key(CHANGES[kind], entry):
                raise ConfigError(f"sweeps.{name}.{kind}.{change}: {entry['method']} has no scale to vary")


def _kept(sweep: Mapping[str, Any]) -> dict[str, Any]:
    """Storage form of a sweep's edited models, if it is set."""
    return {"checkpoints": sweep["checkpoints"]} if sweep.get("checkpoints") else {}


def _variants(sweep: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for direction, found in sweep["directions"].items():
        for kind, part in CHANGES.items():
            for change, entry in sweep[kind].items():
                for scale in sweep["scales"]:
                    key = scale_key(part, entry)
                    yield (
                        f"{direction}-{change}-{round(100 * scale)}",
                        {
                            "label": f"{direction}, {change}, {scale:g}",
                            "role": sweep["role"],
                            "attack": {"direction": direction, "change": change},
                            **(_kept(sweep) if part == "edit" else {}),
                            "direction": dict(found),
                            part: {**entry, key: entry[key] * scale},
                        },
                    )
