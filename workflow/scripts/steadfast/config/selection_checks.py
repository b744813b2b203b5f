"""Checks of variants that select the best attack of sweeps: their candidates and their judge."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from steadfast.config.attack_checks import CHOICE, CHOOSING
from steadfast.config.judge_facts import combines_verdicts, first_reader, reads_responses
from steadfast.config.sweeps import edits_of
from steadfast.core.errors import suggest
from steadfast.core.plug_ins import JUDGES

ALLOWED = ("label", "models", "role", "checkpoints", CHOICE)

Check = Callable[[Mapping[str, Any]], Iterator[str]]


def _choices(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, variant in config["variants"].items():
        if CHOICE in variant:
            yield name, variant


def _selections_have_no_other_keys(config: Mapping[str, Any]) -> Iterator[str]:
    for name, variant in _choices(config):
        for key in variant:
            if key not in ALLOWED:
                yield (
                    f"variants.{name}: {key!r} is not allowed beside {CHOICE!r}, which chooses direction and edit; "
                    f"allowed: {', '.join(ALLOWED)}"
                )
        if variant["role"] != "study":
            yield (
                f"variants.{name}.role: {variant['role']!r} is not allowed with {CHOICE!r}: a control is to change "
                "nothing, and the best attack is chosen for what it changes; allowed: study"
            )


def _sweeps_can_be_compared(config: Mapping[str, Any]) -> Iterator[str]:
    sweeps = config["sweeps"]
    usable = [name for name, sweep in sweeps.items() if sweep["role"] == "study" and edits_of(sweep)]
    for name, variant in _choices(config):
        for sweep in variant[CHOICE]["sweeps"]:
            where = f"variants.{name}.{CHOICE}.sweeps"
            allowed = f"allowed: {', '.join(usable) or 'none'}"
            if sweep not in sweeps:
                yield f"{where}: unknown sweep {sweep!r}{suggest(sweep, usable)}"
            elif sweeps[sweep]["role"] == "control":
                yield f"{where}: {sweep!r} has `role: control`, and a control is not an attack; {allowed}"
            elif not edits_of(sweeps[sweep]):
                yield f"{where}: {sweep!r} has no `edits`, and interventions cannot be baked; {allowed}"


def _judges_can_choose(config: Mapping[str, Any]) -> Iterator[str]:
    judges = config["judges"]
    able = [name for name in judges if not _why_no_choice(config, name)]
    default = config["statistics"]["reference"] or first_reader(judges)
    for name, variant in _choices(config):
        where = f"variants.{name}.{CHOICE}.judge"
        given = variant[CHOICE]["judge"]
        judge = given or default
        if given is not None and given not in judges:
            yield f"{where}: unknown judge {given!r}{suggest(given, able)}"
        elif judge is not None and judge in judges and judge not in able:
            found = judge if given else f"{judge} (the reference, as none is named)"
            yield f"{where}: {found} {_why_no_choice(config, judge)}; allowed: {', '.join(able) or 'none'}"


def _why_no_choice(config: Mapping[str, Any], judge: str) -> str:
    """Why a judge cannot select the best attack; empty if it can."""
    entry = config["judges"][judge]
    if not reads_responses(entry):
        return "does not read responses, so all attacks are alike to it"
    if combines_verdicts(entry):
        return "is an ensemble, which judges evaluation prompts only"
    if JUDGES.settings(entry["kind"]).scope == "pair":
        return "is the model under test, so every attack would be judged by another model"
    variants = config["variants"]
    served = (entry.get("serve") or {}).get("variant", "original")
    waits = (variants.get(name, {}) for name in (served, variants.get(served, {}).get("match_change")))
    return f"runs on {served}, which waits for the choice" if any(set(CHOOSING) & set(entry) for entry in waits) else ""


def _choices_are_made_where_they_are_used(config: Mapping[str, Any]) -> Iterator[str]:
    tested = [name for name, model in config["models"].items() if model["role"] == "study"]
    variants = config["variants"].items()
    made = {name: variant.get("models", tested) for name, variant in variants if set(CHOOSING) & set(variant)}
    for name, variant in variants:
        other = variant.get("match_change")
        for model in variant.get("models", tested):
            if other in made and model not in made[other]:
                where = f"variants.{name}.match_change"
                yield f"{where}: {other} is not chosen for {model}; limit both to the same `models`"
    for name, judge in config["judges"].items():
        served = judge.get("serve") or {}
        variant, model = served.get("variant"), served.get("model")
        if variant in made and model in config["models"] and model not in made[variant]:
            allowed = ", ".join(made[variant])
            yield f"judges.{name}.serve.variant: {variant} is not chosen for {model}; models allowed: {allowed}"


def _enough_prompts_exist(config: Mapping[str, Any]) -> Iterator[str]:
    known = config["prompts"]["calibration"]
    for name, variant in _choices(config):
        number = variant[CHOICE]["prompts"]
        if number is not None and number > known:
            yield f"variants.{name}.{CHOICE}.prompts: {number} is more than prompts.calibration ({known})"


SELECTION_CHECKS: tuple[Check, ...] = (
    _selections_have_no_other_keys,
    _sweeps_can_be_compared,
    _judges_can_choose,
    _choices_are_made_where_they_are_used,
    _enough_prompts_exist,
)
