"""Checks for cycles: judges that run on model–variant pairs that depend on their verdicts."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

ModelVariant = tuple[str, str]
Check = Callable[[Mapping[str, Any]], Iterator[str]]


def _no_judge_depends_on_its_own_verdicts(config: Mapping[str, Any]) -> Iterator[str]:
    for name, judge in _contrast_judges(config):
        start = _served(config, judge)
        waiting = [pair for pair in _needed(config, start) if pair[1] == name]
        if start and waiting:
            yield (
                f"variants.{name}.direction.judge: {judge} goes round in a circle: it runs on {'/'.join(start)}, and "
                f"{'/'.join(waiting[0])} needs its verdicts first; allowed: a judge that does not run on {name}"
            )


def _contrasted_models_have_responses(config: Mapping[str, Any]) -> Iterator[str]:
    for name, judge in config["judges"].items():
        for model, variant in _needed(config, _served(config, name)):
            role = config["models"][model]["role"]
            if role != "study" and config["variants"][variant].get("direction", {}).get("contrast") == "behavior":
                where = f"judges.{name}.serve.model: {judge['serve']['model']!r}"
                why = f"{variant} contrasts what its model answers"
                yield f"{where} has `role: {role}`, and {why}; allowed: a model with `role: study`"


def _contrast_judges(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Variants whose directions contrast behavior, each with its judge."""
    for name, variant in config["variants"].items():
        judge = variant.get("direction", {}).get("judge")
        if judge in config["judges"]:
            yield name, judge


def _served(config: Mapping[str, Any], judge: str) -> ModelVariant | None:
    """The edited model–variant pair that a judge runs on, if any."""
    served = config["judges"][judge].get("serve") or {}
    pair = (str(served.get("model")), str(served.get("variant", "original")))
    known = pair[0] in config["models"] and pair[1] in config["variants"]
    return pair if known and pair[1] != "original" else None


def _needed(config: Mapping[str, Any], pair: ModelVariant | None) -> list[ModelVariant]:
    """A model–variant pair and all edited pairs that it depends on, without duplicates."""
    found: list[ModelVariant] = []
    waiting = [pair]
    while waiting:
        pair = waiting.pop()
        if pair is None or pair in found:
            continue
        found.append(pair)
        variant = config["variants"].get(pair[1], {})
        judge = variant.get("direction", {}).get("judge")
        waiting.append(_served(config, judge) if judge in config["judges"] else None)
        other = variant.get("match_change")
        waiting.append((pair[0], other) if other in config["variants"] else None)
    return found


ORDER_CHECKS: tuple[Check, ...] = (_no_judge_depends_on_its_own_verdicts, _contrasted_models_have_responses)
