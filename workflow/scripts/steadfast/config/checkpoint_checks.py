"""Checks of how edited models are kept: what is asked of each variant can be done."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from steadfast.core.errors import ConfigError
from steadfast.core.plug_ins import EDITS


def checkpoint_form(config: Mapping[str, Any], variant: str) -> str:
    """How the edited models of a variant are to be kept: by its own key, or that of all."""
    return str(config["variants"][variant].get("checkpoints") or config["runtime"]["checkpoints"])


def _adapters_can_express_the_edits(config: Mapping[str, Any]) -> Iterator[str]:
    for name, variant in config["variants"].items():
        if "edit" not in variant or checkpoint_form(config, name) != "adapter":
            continue
        obstacle = ""
        with suppress(ConfigError):  # an edit that cannot be read is reported as such
            obstacle = EDITS.read(variant["edit"]).no_adapter()
        if obstacle:
            where = f"variants.{name}.checkpoints" if variant.get("checkpoints") else "runtime.checkpoints"
            yield (
                f"{where}: 'adapter' is not possible for the edit of {name}, which {obstacle}; allowed for it: auto, "
                "bake (`checkpoints` of the variant)"
            )


def _adapters_are_not_served(config: Mapping[str, Any]) -> Iterator[str]:
    for name, judge in config["judges"].items():
        variant = (judge.get("serve") or {}).get("variant")
        if config["variants"].get(variant, {}).get("checkpoints") == "adapter":
            yield (
                f"variants.{variant}.checkpoints: 'adapter' is not possible, since judge {name} serves this variant, "
                "which takes a whole checkpoint; allowed: auto, bake"
            )


CHECKPOINT_CHECKS = (_adapters_can_express_the_edits, _adapters_are_not_served)
