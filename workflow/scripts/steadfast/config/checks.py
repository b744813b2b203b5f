"""Checks across keys, after the schema: what each stanza allows alone but not together."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from steadfast.config.duplicates import refuse_duplicate_keys
from steadfast.config.schema import validate, with_defaults
from steadfast.errors import ConfigError, suggest
from steadfast.registry import load

BASELINES = frozenset({"label_only", "always_refuse", "never_refuse"})
RESERVED_JUDGES = ("human",)


class ConfigWarning(UserWarning):
    """Something in the configuration that works but that the user should know about."""


def prepare(config: Mapping[str, Any], files: list[str] | None = None) -> dict[str, Any]:
    """Validate a configuration, fill in its defaults and check its keys against one another.

    Args:
        config: the merged configuration.
        files: the YAML files it was merged from; keys given twice in one of them are errors.

    Raises:
        ConfigError: with a line per problem of the first check that fails.
    """
    for file in files or []:
        refuse_duplicate_keys(Path(file))
    validate(config)
    complete: dict[str, Any] = with_defaults(dict(config))
    problems = [problem for check in CHECKS for problem in check(complete)]
    if problems:
        raise ConfigError("\n".join(problems))
    for message in _warnings(complete):
        warnings.warn(message, ConfigWarning, stacklevel=2)
    return complete


def _names_are_distinct(config: Mapping[str, Any]) -> Iterator[str]:
    for section in ("models", "variants", "judges", "counts_tables"):
        seen: dict[str, str] = {}
        for name in config[section]:
            other = seen.setdefault(name.casefold().replace("-", "_"), name)
            if other != name:
                yield f"{section}: {other!r} and {name!r} differ only in case or in '-' and '_'; rename one of them"


def _original_is_untouched(config: Mapping[str, Any]) -> Iterator[str]:
    touched = [key for key in config["variants"]["original"] if key not in ("label", "role")]
    if touched:
        yield f"variants.original: {touched[0]!r} is not allowed; `original` is the model as it is"


def _study_has_models(config: Mapping[str, Any]) -> Iterator[str]:
    if all(model["role"] == "judge" for model in config["models"].values()):
        yield "models: every model has `role: judge`; at least one must be under test"


def _recipes_exist(config: Mapping[str, Any]) -> Iterator[str]:
    organisms = {name: model for name, model in config["models"].items() if model["source"] == "organism"}
    if not organisms:
        return
    recipes = yaml.safe_load(Path(config["organisms"]["recipes"]).read_text(encoding="utf-8"))
    known = [*recipes["organisms"], "judge"]
    for name, model in organisms.items():
        if model["recipe"] not in known:
            yield f"models.{name}.recipe: unknown recipe {model['recipe']!r}{suggest(model['recipe'], known)}"


def _references_exist(config: Mapping[str, Any]) -> Iterator[str]:
    for name, judge in config["judges"].items():
        if "model" in judge and judge["kind"] == "local" and judge["model"] not in config["models"]:
            yield f"judges.{name}.model: unknown model {judge['model']!r}{suggest(judge['model'], config['models'])}"
    for section, key in (("statistics", "reference"), ("figures", "judge")):
        given = config[section][key]
        if given is not None and given not in config["judges"]:
            yield f"{section}.{key}: unknown judge {given!r}{suggest(given, config['judges'])}"


def _judge_names_are_free(config: Mapping[str, Any]) -> Iterator[str]:
    for name in config["judges"]:
        if name in RESERVED_JUDGES or name.startswith("human-"):
            yield f"judges.{name}: the names `human` and `human-...` are kept for annotations"


def _somebody_judges(config: Mapping[str, Any]) -> Iterator[str]:
    if all(judge["kind"] in BASELINES for judge in config["judges"].values()):
        yield "judges: all are baselines; at least one must read the responses"


def _grammar_reads_its_world_only(config: Mapping[str, Any]) -> Iterator[str]:
    kinds = {source["kind"] for label in ("harmful", "harmless") for source in config["prompts"][label]}
    foreign = sorted(kinds - {"synthetic"})
    for name, judge in config["judges"].items():
        if judge["kind"] == "grammar" and foreign:
            yield f"judges.{name}: `grammar` reads the synthetic world only, but prompts come from {', '.join(foreign)}"


def _subset_fits(config: Mapping[str, Any]) -> Iterator[str]:
    prompts = config["prompts"]
    if prompts["human"] > prompts["evaluation"]:
        yield f"prompts.human: {prompts['human']} is more than prompts.evaluation ({prompts['evaluation']})"


def _samples_differ(config: Mapping[str, Any]) -> Iterator[str]:
    generation = config["generation"]
    if generation["samples"] > 1 and generation["temperature"] == 0:
        yield "generation.samples: more than one sample needs generation.temperature above 0, or all are the same"


def _judges_accept_their_settings(config: Mapping[str, Any]) -> Iterator[str]:
    for name, judge in config["judges"].items():
        settings = {key: value for key, value in judge.items() if key not in ("kind", "label")}
        try:
            load("steadfast.judges", judge["kind"]).check_settings(settings)
        except ConfigError as error:
            yield f"judges.{name}: {error}"


def _sources_are_usable(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.prompts.sources import check_source

    for label in ("harmful", "harmless"):
        for index, source in enumerate(config["prompts"][label]):
            try:
                check_source(source)
            except ConfigError as error:
                yield f"prompts.{label}.{index}: {error}"


def _layers_exist(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.models.depth import known_depth

    depths = {name: known_depth(model, config["organisms"]["training"]) for name, model in config["models"].items()}
    for variant, settings in config["variants"].items():
        layer = settings.get("direction", {}).get("layer")
        for name, depth in depths.items():
            if depth is not None and isinstance(layer, int) and not -depth <= layer < depth:
                allowed = f"0 to {depth - 1} (or -{depth} to -1 from the end)"
                yield f"variants.{variant}.direction.layer: {layer} is out of range for {name}; allowed: {allowed}"


def _warnings(config: Mapping[str, Any]) -> Iterator[str]:
    moving = [name for name, model in config["models"].items() if model.get("revision") in ("main", "master")]
    if moving:
        yield f"models {', '.join(moving)}: revision `main` can change between two runs; `make pin` writes the commits"


CHECKS: tuple[Callable[[Mapping[str, Any]], Iterator[str]], ...] = (
    _names_are_distinct,
    _judge_names_are_free,
    _original_is_untouched,
    _study_has_models,
    _recipes_exist,
    _references_exist,
    _somebody_judges,
    _grammar_reads_its_world_only,
    _subset_fits,
    _samples_differ,
    _judges_accept_their_settings,
    _sources_are_usable,
    _layers_exist,
)
