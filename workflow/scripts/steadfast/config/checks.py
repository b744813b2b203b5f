"""Checks across keys, after the schema validation."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from steadfast.config.attack_checks import ATTACK_CHECKS, CHANGES
from steadfast.config.checkpoint_checks import CHECKPOINT_CHECKS
from steadfast.config.effect_checks import EFFECT_CHECKS, is_synthetic
from steadfast.config.ensemble_checks import ENSEMBLE_CHECKS
from steadfast.config.files import check_config_file
from steadfast.config.import_checks import IMPORT_CHECKS
from steadfast.config.judge_facts import reads_responses
from steadfast.config.name_checks import NAME_CHECKS
from steadfast.config.notices import ConfigWarning, warnings_about
from steadfast.config.order_checks import ORDER_CHECKS
from steadfast.config.prompt_versions import VERSION_CHECKS, has_versions, with_prompt_versions
from steadfast.config.replicates import with_replicates
from steadfast.config.schema import complete as completed
from steadfast.config.search_checks import SEARCH_CHECKS
from steadfast.config.selection_checks import SELECTION_CHECKS
from steadfast.config.serving import with_served_models
from steadfast.config.sweeps import with_sweeps
from steadfast.core.errors import ConfigError, DataError, suggest
from steadfast.core.names import PROMPT_LABELS
from steadfast.core.plug_ins import JUDGES, PROMPT_SOURCES


def prepare(config: Mapping[str, Any], files: list[str] | None = None) -> dict[str, Any]:
    """Validate a configuration, fill in its defaults and cross-check its keys.

    Args:
        config: the merged configuration.
        files: the YAML files it was merged from; keys given twice in one of them are errors.

    Raises:
        ConfigError: with a line per problem of the first check that fails.
    """
    for file in files or []:
        check_config_file(file)
    complete = completed(config)
    if any("seeds" in model for model in complete["models"].values()):
        config = with_replicates(config)
        complete = completed(config)
    if has_versions(complete):
        complete = completed(with_prompt_versions(config))
    complete = with_sweeps(complete)
    problems = [problem for check in CHECKS for problem in check(complete)]
    if problems:
        raise ConfigError("\n".join(problems))
    complete = with_served_models(complete)
    for message in warnings_about(complete):
        # with a level of 2 the warning would come from the Snakefile, and Snakemake would drop it
        warnings.warn(message, ConfigWarning, stacklevel=1)
    return complete


def _original_is_untouched(config: Mapping[str, Any]) -> Iterator[str]:
    original = config["variants"]["original"]
    touched = [key for key in original if key not in ("label", "role")]
    if touched:
        yield f"variants.original: {touched[0]!r} is not allowed; `original` is the model as it is"
    if original["role"] != "study":
        yield f"variants.original.role: {original['role']!r} is not allowed; all changes are measured against it"


def _variants_change_something(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.models.sources import source_of

    given = {variant for model in config["models"].values() for variant in source_of(model).variants(model) or ()}
    for name, variant in config["variants"].items():
        if name != "original" and not CHANGES & set(variant) and name not in given:
            yield (
                f"variants.{name}: changes nothing, so it repeats `original`; give it a `direction` and an `edit` or "
                "an `intervention`, or a `decoding`, or `best_attack_of`, or `search`"
            )


def _study_has_models(config: Mapping[str, Any]) -> Iterator[str]:
    if all(model["role"] != "study" for model in config["models"].values()):
        yield "models: none has `role: study`; at least one must be under test"


def _recipes_exist(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.models.sources import source_of
    from steadfast.training.organisms.corpus import load_recipes

    organisms = {name: model for name, model in config["models"].items() if source_of(model).trained}
    if not organisms:
        return
    try:
        known = [*load_recipes(config["organisms"]["recipes"]), "judge"]
    except DataError as error:
        yield f"organisms.recipes: {error}"
        return
    for name, model in organisms.items():
        if model["recipe"] not in known:
            yield f"models.{name}.recipe: unknown recipe {model['recipe']!r}{suggest(model['recipe'], known)}"


def _untuned_model_exists(config: Mapping[str, Any]) -> Iterator[str]:
    base = config["safety_tuning"]["base"]
    if base is not None and base not in config["models"]:
        yield f"safety_tuning.base: unknown model {base!r}{suggest(base, config['models'])}"


def _references_exist(config: Mapping[str, Any]) -> Iterator[str]:
    for name, judge in config["judges"].items():
        own = JUDGES.read(judge).weights()
        if own and not judge.get("serve") and own[0] not in config["models"]:
            yield f"judges.{name}.model: unknown model {own[0]!r}{suggest(own[0], config['models'])}"
        served = judge.get("serve") or {}
        for key, known in (("model", config["models"]), ("variant", config["variants"])):
            if key in served and served[key] not in known:
                yield f"judges.{name}.serve.{key}: unknown {key} {served[key]!r}{suggest(served[key], known)}"
        if "model" in served and "chat_template" in served:
            yield f"judges.{name}.serve.chat_template: give it to the model: models.{served['model']}.chat_template"
    for section, key in (("statistics", "reference"), ("figures", "judge")):
        given = config[section][key]
        if given is not None and given not in config["judges"]:
            yield f"{section}.{key}: unknown judge {given!r}{suggest(given, config['judges'])}"


def _families_are_of_groups(config: Mapping[str, Any]) -> Iterator[str]:
    families = config["statistics"]["families"]
    if not families:
        return
    from steadfast.analysis.tables.matched import ALL

    known = {model["group"] for model in config["models"].values() if model["role"] == "study"} - {None}
    for family, groups in families.items():
        if family == ALL:
            yield f"statistics.families.{family}: this name is kept for the family of all groups; rename it"
        for group in groups:
            if group not in known:
                yield f"statistics.families.{family}: unknown group {group!r}{suggest(group, known)}"


def _annotations_can_be_read(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.judges.annotation.annotators import read_rows

    for number, file in enumerate(config["annotations"]):
        try:
            read_rows(file)
        except DataError as error:
            yield f"annotations.{number}: {error}"


def _grid_has_a_judge(config: Mapping[str, Any]) -> Iterator[str]:
    if not any(reads_responses(judge) for judge in config["judges"].values()):
        yield "judges: all are baselines; at least one must read the responses"


def _synthetic_worlds_are_read_alone(config: Mapping[str, Any]) -> Iterator[str]:
    sources = [source for label in PROMPT_LABELS for source in config["prompts"][label]]
    foreign = sorted({source["kind"] for source in sources if not is_synthetic(source)})
    worlds = sorted({source["world"] for source in sources if is_synthetic(source)})
    for name, judge in config["judges"].items():
        if not JUDGES.settings(judge["kind"]).reads_synthetic_world:
            continue
        if foreign:
            kind, found = judge["kind"], ", ".join(foreign)
            yield f"judges.{name}: `{kind}` reads the synthetic world only, but prompts come from {found}"
        elif worlds != [judge["world"]]:
            yield f"judges.{name}.world: {judge['world']} is not the prompts' world ({', '.join(worlds)})"


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
        settings = JUDGES.read(judge)
        try:
            settings.check()
        except ConfigError as error:
            yield f"judges.{name}: {error}"
            continue
        if settings.scale() != "refusal":
            yield f"judges.{name}: it says {settings.scale()}, and judges say refusal; list it under `rubrics`"


def _sources_are_usable(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.prompts.sources import check_source

    for label in PROMPT_LABELS:
        for index, source in enumerate(config["prompts"][label]):
            try:
                check_source(source)
            except ConfigError as error:
                yield f"prompts.{label}.{index}: {error}"
                continue
            labels = PROMPT_SOURCES.read(source).labels()
            if labels is not None and label not in labels:
                found = f"its prompts are {' and '.join(labels)}, and it is listed under `{label}`"
                yield f"prompts.{label}.{index}: {found}"


def _models_are_available(config: Mapping[str, Any]) -> Iterator[str]:
    from steadfast.models.sources import source_of

    for name, model in config["models"].items():
        for problem in source_of(model).problems(model, config):
            yield f"models.{name}.{problem}" if ":" in problem.partition(" ")[0] else f"models.{name}: {problem}"


def _two_runs_are_compared(config: Mapping[str, Any]) -> Iterator[str]:
    runs = config["compared_runs"]
    if runs and len(runs) != 2:
        yield f"compared_runs: names {len(runs)} results folders; two are compared"
    for name, folder in runs.items():
        verdicts = Path(folder) / "tables" / "verdicts.parquet"
        # those in this folder may be created first
        if not verdicts.is_file() and not Path(folder).samefile("results"):
            yield f"compared_runs.{name}: {folder} is not a finished run's results: it has no tables/verdicts.parquet"


CHECKS: tuple[Callable[[Mapping[str, Any]], Iterator[str]], ...] = (
    *NAME_CHECKS,
    _annotations_can_be_read,
    _original_is_untouched,
    _variants_change_something,
    _study_has_models,
    _recipes_exist,
    _untuned_model_exists,
    _references_exist,
    _families_are_of_groups,
    _two_runs_are_compared,
    _grid_has_a_judge,
    _synthetic_worlds_are_read_alone,
    _subset_fits,
    _samples_differ,
    _judges_accept_their_settings,
    _sources_are_usable,
    _models_are_available,
    *IMPORT_CHECKS,
    *ATTACK_CHECKS,
    *CHECKPOINT_CHECKS,
    *ORDER_CHECKS,
    *SELECTION_CHECKS,
    *SEARCH_CHECKS,
    *EFFECT_CHECKS,
    *ENSEMBLE_CHECKS,
    *VERSION_CHECKS,
)
