"""Judges with weights from the hub: each becomes an entry of ``models``, fetched and pinned like any other."""

from collections.abc import Mapping
from typing import Any

from steadfast.config.prompt_versions import GROUP
from steadfast.core.plug_ins import SOURCES
from steadfast.models.sources.hub import as_model

PREFIX = "served-"


def place_of_model(config: Mapping[str, Any], name: str) -> str:
    """Place of a model in the configuration: under ``models``, or in the entry of a judge with its own weights."""
    judge = name.removeprefix(PREFIX)
    # versions of a judge use the same weights, and the first one is named
    served = judge != name and config["judges"].get(judge, {}).get("serve")
    return f"judges.{judge}.serve" if served and served.get("model") == name else f"models.{name}"


def with_served_models(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a complete configuration in which every ``serve`` names a model and a variant.

    ``serve: {repo, revision}`` of a judge becomes ``serve: {model: served-JUDGE, variant: original}``, and the model
    is added with the role of a judge.
    """
    models, judges = dict(config["models"]), dict(config["judges"])
    for name, judge in config["judges"].items():
        served = judge.get("serve")
        if not served:
            continue
        weights = served.get("model")
        if weights is None and "repo" in served:
            weights = f"{PREFIX}{judge.get(GROUP, name) if _shares(config, judge) else name}"
            entry = {**as_model(served), "role": "judge", "gpus": judge["gpus"]}
            models[weights] = SOURCES.complete(entry)
        judges[name] = {**judge, "serve": {"model": weights, "variant": served.get("variant", "original")}}
    return {**config, "models": models, "judges": judges}


def _shares(config: Mapping[str, Any], judge: Mapping[str, Any]) -> bool:
    """Whether a judge is a version of another judge with the same weights, which are fetched once."""
    return bool(config["judges"].get(judge.get(GROUP), {}).get("serve") == judge["serve"])
