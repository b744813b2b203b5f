"""Checks across keys, after the schema: what each entry allows alone but not together."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from steadfast.config.attack_checks import ATTACK_CHECKS, CHANGES
from steadfast.config.checkpoint_checks import CHECKPOINT_CHECKS
from steadfast.config.effect_checks import EFFECT_CHECKS, is_synthetic
from steadfast.config.ensemble_checks import ENSEMBLE_CHECKS
from steadfast.config.files import check_config_file
from steadfast.config.import_checks import IMPORT_CHECKS
from steadfast.config.judge_facts import reads_responses
from steadfast.config.order_checks import ORDER_CHECKS
from steadfast.config.prompt_versions import VERSION_CHECKS, has_versions, with_prompt_versions
from steadfast.config.replicates import with_replicates
from steadfast.config.schema import complete as completed
from steadfast.config.search_checks import SEARCH_CHECKS
from steadfast.config.selection_checks import SELECTION_CHECKS
from steadfast.config.serving import place_of_model, with_served_models
from steadfast.config.sweeps import with_sweeps
from steadfast.core.alike import visual_form
from steadfast.core.errors import ConfigError, DataError, suggest
from steadfast.core.names import PROMPT_LABELS
from steadfast.core.plug_ins import JUDGES, PROMPT_SOURCES
from steadfast.core.text_files import GUESSED, is_guessed

ANNOTATORS = "human"


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
    for message in _warnings(complete):
        # a level of 2 would name the Snakefile, and Snakemake drops warnings that come from it
        warnings.warn(message, ConfigWarning, stacklevel=1)
    return complete


def _names_are_distinct(config: Mapping[str, Any]) -> Iterator[str]:
    for section in ("models", "variants", "judges", "rubrics", "counts_tables"):
        seen: dict[str, str] = {}
        for name in config[section]:
            other = seen.setdefault(_file_key(name), name)
            if other != name:
                yield f"{section}: {other!r} and {name!r} differ only in case or in '-' and '_'; rename one of them"


def _file_key(name: str) -> str:
    """A name as it is distinguished from others where files are named after it, or the parts of a file's name."""
    return name.casefold().replace("-", "_")


def _labels_are_distinct(config: Mapping[str, Any]) -> Iterator[str]:
    """Labels that look alike would be taken for one another in tables and figures."""
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


def _judge_names_are_free(config: Mapping[str, Any]) -> Iterator[str]:
    for name in config["judges"]:
        if name.casefold().replace("_", "-").partition("-")[0] == ANNOTATORS:
            yield f"judges.{name}: the names `human` and `human-...` are kept for annotations; rename it"


def _names_are_not_of_variants(config: Mapping[str, Any]) -> Iterator[str]:
    for section in ("models", "judges", "rubrics", "sweeps"):
        for name in config[section]:
            if name.casefold() == "original":
                yield f"{section}.{name}: the name `original` is kept for the variant without a change; rename it"


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


def _warnings(config: Mapping[str, Any]) -> Iterator[str]:
    sources = {
        f"prompts.{label}.{n}": item for label in PROMPT_LABELS for n, item in enumerate(config["prompts"][label])
    }
    models = {place_of_model(config, name): model for name, model in config["models"].items()}
    of_hub = {where: entry for where, entry in models.items() if entry.get("repo")}
    of_hub |= {where: entry for where, entry in sources.items() if not entry.get("path")}
    moving = [where for where, entry in of_hub.items() if entry.get("revision") in ("main", "master")]
    if moving:
        yield f"{', '.join(moving)}: the revision `main` can change between two runs; `make pin` writes the commits"
    yield from _source_notices(sources)
    yield from _guessed_encodings(config)
    judges = [*config["judges"].values(), *config["rubrics"].values()]
    used = {own[0] for judge in judges if (own := JUDGES.read(judge).weights())}
    bases = {model.get("base") for model in config["models"].values()}
    for name, model in config["models"].items():
        if model["role"] == "judge" and name not in used:
            yield f"models.{name}: has `role: judge`, and no judge runs on it"
        if model["role"] == "base" and name not in bases:
            yield f"models.{name}: has `role: base`, and no adapter builds on it"


def _source_notices(sources: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    from steadfast.prompts.sources import source_notices
    from steadfast.prompts.table import can_be_previewed

    for where, source in sources.items():
        if can_be_previewed([source]):
            yield from (f"{where}: {notice}" for notice in source_notices(source))


def _two_runs_are_compared(config: Mapping[str, Any]) -> Iterator[str]:
    runs = config["compared_runs"]
    if runs and len(runs) != 2:
        yield f"compared_runs: names {len(runs)} results folders; two are compared"
    for name, folder in runs.items():
        verdicts = Path(folder) / "tables" / "verdicts.parquet"
        # those of this folder may be made first
        if not verdicts.is_file() and not Path(folder).samefile("results"):
            yield f"compared_runs.{name}: {folder} is not a finished run's results: it has no tables/verdicts.parquet"


def _guessed_encodings(config: Mapping[str, Any]) -> Iterator[str]:
    tables = {f"counts_tables.{name}": path for name, path in config["counts_tables"].items()}
    files = {**tables, **{f"annotations.{number}": path for number, path in enumerate(config["annotations"])}}
    for where, path in files.items():
        # what cannot be read at all is identified by its reader
        with suppress(DataError):
            if is_guessed(path):
                yield f"{where}: {GUESSED.format(path=path)}"


CHECKS: tuple[Callable[[Mapping[str, Any]], Iterator[str]], ...] = (
    _names_are_distinct,
    _judge_names_are_free,
    _names_are_not_of_variants,
    _annotations_can_be_read,
    _labels_are_distinct,
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
