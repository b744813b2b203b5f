"""Checks of how edited models are stored."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from steadfast.config.sweeps import variants_of
from steadfast.core.errors import ConfigError
from steadfast.core.plug_ins import EDITS


def checkpoint_form(config: Mapping[str, Any], variant: str) -> str:
    """Storage form of a variant's edited models: by its own key, or the global one."""
    return str(config["variants"][variant].get("checkpoints") or config["runtime"]["checkpoints"])


def _adapters_can_express_the_edits(config: Mapping[str, Any]) -> Iterator[str]:
    found: dict[tuple[str, str], list[str]] = {}
    for name, variant in config["variants"].items():
        if "edit" not in variant or checkpoint_form(config, name) != "adapter":
            continue
        with suppress(ConfigError):  # an edit that cannot be read is reported as such
            obstacle = EDITS.read(variant["edit"]).no_adapter()
            owner = "runtime"
            if variant.get("checkpoints"):
                owner = next((f"sweeps.{sweep}" for sweep in _sweeps_with(config, name)), f"variants.{name}")
            found.setdefault((owner, obstacle), []).append(name)
    for (owner, obstacle), names in found.items():
        if obstacle:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            yield (
                f"{owner}.checkpoints: 'adapter' is not possible for the edit of {names[0]}{more}, which {obstacle}; "
                "allowed for it: auto, bake (`checkpoints` of the variant or the sweep)"
            )


def _sweeps_with(config: Mapping[str, Any], variant: str) -> Iterator[str]:
    """Names of the sweeps that contain a variant."""
    return (name for name, sweep in config["sweeps"].items() if variant in variants_of(sweep))


def _adapters_are_not_served(config: Mapping[str, Any]) -> Iterator[str]:
    for name, judge in config["judges"].items():
        variant = (judge.get("serve") or {}).get("variant")
        if config["variants"].get(variant, {}).get("checkpoints") == "adapter":
            yield (
                f"variants.{variant}.checkpoints: 'adapter' is not possible, since judge {name} serves this variant, "
                "which takes a whole checkpoint; allowed: auto, bake"
            )


CHECKPOINT_CHECKS = (_adapters_can_express_the_edits, _adapters_are_not_served)
