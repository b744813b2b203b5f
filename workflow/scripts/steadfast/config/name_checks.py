"""Checks of names and labels: distinct, distinguishable, and not reserved."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from steadfast.core.alike import visual_form

ANNOTATORS = "human"


def _names_are_distinct(config: Mapping[str, Any]) -> Iterator[str]:
    for section in ("models", "variants", "judges", "rubrics", "counts_tables"):
        seen: dict[str, str] = {}
        for name in config[section]:
            other = seen.setdefault(_file_key(name), name)
            if other != name:
                yield f"{section}: {other!r} and {name!r} differ only in case or in '-' and '_'; rename one of them"


def _file_key(name: str) -> str:
    """Key by which names are compared when files are named after them."""
    return name.casefold().replace("-", "_")


def _labels_are_distinct(config: Mapping[str, Any]) -> Iterator[str]:
    """Labels that look alike would be confused in tables and figures."""
    for section in ("models", "variants", "judges", "rubrics"):
        first = {_file_key(name): name for name in reversed(config[section])}.values()  # others are reported already
        yield from _similar_labels(
            section, {name: str(config[section][name].get("label", name)) for name in reversed(first)}
        )
    grouped = [entry for entry in config["models"].values() if entry["group"] is not None]
    yield from _similar_labels(
        "models", {entry["group"]: str(entry.get("group_label", entry["group"])) for entry in grouped}
    )


def _similar_labels(section: str, labels: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each label that is an earlier one up to case, white space and forms of the same characters."""
    seen: dict[str, str] = {}
    for name, label in labels.items():
        other = seen.setdefault(visual_form(label), name)
        if other != name and labels[other] == label:
            yield f"{section}: {other!r} and {name!r} are both shown as {label!r}; give them different labels"
        elif other != name:
            shown = f"{labels[other]!r} and {label!r}, which are too much alike"
            yield f"{section}: {other!r} and {name!r} are shown as {shown}; give them different labels"


def _judge_names_are_free(config: Mapping[str, Any]) -> Iterator[str]:
    for name in config["judges"]:
        if name.casefold().replace("_", "-").partition("-")[0] == ANNOTATORS:
            yield f"judges.{name}: the names `human` and `human-...` are kept for annotations; rename it"


def _names_are_not_of_variants(config: Mapping[str, Any]) -> Iterator[str]:
    for section in ("models", "judges", "rubrics", "sweeps"):
        for name in config[section]:
            if name.casefold() == "original":
                yield f"{section}.{name}: the name `original` is kept for the variant without a change; rename it"


NAME_CHECKS: tuple[Callable[[Mapping[str, Any]], Iterator[str]], ...] = (
    _names_are_distinct,
    _judge_names_are_free,
    _names_are_not_of_variants,
    _labels_are_distinct,
)
