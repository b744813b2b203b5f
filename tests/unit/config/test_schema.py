"""The schema: everything is described, defaults are filled in, and the pages and registries agree with it."""

import runpy
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from steadfast.config.checks import prepare
from steadfast.config.notices import ConfigWarning
from steadfast.config.reference import PAGE, SCHEMA, reference_page, schema_text
from steadfast.config.schema import complete as completed
from steadfast.config.schema import load_schema, resolve
from steadfast.core.plug_ins import FAMILIES

ROOT = Path(__file__).parents[3]


def properties(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every key that the schema knows, by dotted path, with its schema."""
    schema = resolve(schema)
    for branch in schema.get("allOf", []):
        yield from properties(branch["then"], path)
    for key, item in schema.get("properties", {}).items():
        yield f"{path}.{key}".lstrip("."), resolve(item)
        yield from properties(item, f"{path}.{key}".lstrip("."))
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield from properties(schema["additionalProperties"], f"{path}.NAME")
    if "items" in schema:
        yield from properties(schema["items"], f"{path}.0")


def closed(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every schema of a mapping."""
    if isinstance(schema, Mapping):
        if "properties" in schema and "allOf" not in schema and "if" not in schema:
            yield schema
        for key, item in schema.items():
            if key not in ("if", "default"):
                yield from closed(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from closed(item)


def test_schema_walk_reaches_every_level():
    paths = {path for path, _ in properties(load_schema())}
    for path in (
        "seed",
        "prompts.harmful.0.column",
        "models.NAME.revision",
        "variants.NAME.edit.scale",
        "judges.NAME.prompt",
    ):
        assert path in paths
    assert len(paths) > 60


def test_every_key_is_described():
    missing = [path for path, item in properties(load_schema()) if "const" not in item and not item.get("description")]
    assert missing == []


def test_every_description_is_a_sentence():
    odd = [
        path
        for path, item in properties(load_schema())
        if "const" not in item and not " ".join(item["description"].split()).endswith((".", ")", "?"))
    ]
    assert odd == []


def test_schema_rejects_unknown_keys_everywhere():
    free = {"template_arguments", "extra_body"}
    for schema in closed(load_schema()):
        assert "additionalProperties" in schema, f"keys {list(schema['properties'])} allow others"
    open_ends = [path for path, item in properties(load_schema()) if item.get("additionalProperties") is True]
    assert {path.rpartition(".")[2] for path in open_ends} <= free


def test_every_default_is_valid_by_its_own_schema():
    whole = load_schema()
    for path, item in properties(whole):
        if "default" in item:
            errors = list(Draft202012Validator({"$defs": whole["$defs"], **item}).iter_errors(item["default"]))
            assert errors == [], path


def test_every_definition_is_used():
    text = yaml.safe_dump(load_schema())
    unused = [name for name in load_schema()["$defs"] if f"#/$defs/{name}" not in text]
    assert unused == []


@pytest.mark.parametrize("family", [family for family in FAMILIES.values() if family.entries], ids=lambda one: one.name)
def test_schema_lists_the_kinds_of_every_family(family):
    schema = load_schema()["$defs"][family.name]
    assert schema["properties"][family.key]["enum"] == family.names()
    branches = [branch["if"]["properties"][family.key]["const"] for branch in schema["allOf"]]
    assert branches == family.names()


def test_schema_lists_all_engines():
    enum = load_schema()["properties"]["generation"]["properties"]["engine"]["enum"]
    assert enum == ["auto", *FAMILIES["engine"].names()]


def test_defaults_are_filled_in_at_every_depth(config):
    complete = prepare(config)
    assert complete["seed"] == 0
    assert complete["prompts"]["evaluation"] == 50
    assert complete["prompts"]["harmful"] == [{"kind": "synthetic", "world": "resources/organisms/world.yaml"}]
    assert complete["generation"]["temperature"] == 0.0
    assert complete["models"]["raw"]["role"] == "study"
    assert complete["models"]["raw"]["template_arguments"] == {}
    assert complete["variants"]["abliterated"]["direction"]["layer"] == "auto"
    assert complete["variants"]["abliterated"]["edit"]["targets"] == ["attention_output", "mlp_output"]
    assert "label" not in complete["models"]["raw"]
    assert complete["counts_tables"] == {}


def test_given_values_override_defaults(config):
    config["seed"] = 7
    config["variants"]["abliterated"]["edit"]["scale"] = 0
    complete = prepare(config)
    assert complete["seed"] == 7
    assert complete["variants"]["abliterated"]["edit"]["scale"] == 0


def test_filling_in_defaults_twice_changes_nothing(config):
    once = completed(config)
    assert completed(once) == once


def test_defaults_are_not_shared_between_entries(config):
    config["models"]["other"] = {"source": "organism", "recipe": "score0"}
    complete = prepare(config)
    complete["models"]["raw"]["template_arguments"]["x"] = 1
    assert complete["models"]["other"]["template_arguments"] == {}
    assert prepare(config)["models"]["raw"]["template_arguments"] == {}


@pytest.mark.parametrize(("grid", "tuned"), [("config.yaml", 5), ("family-attacks.yaml", 5), ("family-search.yaml", 2)])
def test_grids_of_the_real_family_are_valid_without_warnings(grid, tuned):
    file = ROOT / "config" / grid
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        complete = prepare(yaml.safe_load(file.read_text(encoding="utf-8")), [str(file)])
    sources = [model["source"] for model in complete["models"].values()]
    assert sources == ["gguf", *["adapter"] * tuned]
    for model in complete["models"].values():
        if model["source"] == "adapter":
            assert (ROOT / model["path"] / "adapter_model.safetensors").is_file()
    assert {"original", "random-matched"} <= set(complete["variants"])


def test_organism_grid_is_valid_without_warnings():
    file = ROOT / "config" / "organisms.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        complete = prepare(yaml.safe_load(file.read_text(encoding="utf-8")), [str(file)])
    assert len([model for model in complete["models"].values() if model["role"] == "study"]) == 7
    assert list(complete["variants"]) == ["original", "abliterated", "random", "random-matched"]
    assert complete["variants"]["random"]["role"] == "control"


@pytest.mark.filterwarnings("ignore::steadfast.config.checks.ConfigWarning")
@pytest.mark.parametrize("grid", sorted(path.name for path in (ROOT / "config").glob("*.yaml")))
def test_every_grid_has_its_controls(grid):
    file = ROOT / "config" / grid
    complete = prepare(yaml.safe_load(file.read_text(encoding="utf-8")), [str(file)])
    variants = complete["variants"].values()
    controls = [variant for variant in variants if variant["role"] == "control" and "search" not in variant]
    assert len({variant["direction"]["seed"] for variant in controls if variant["direction"]["method"] == "random"}) > 1
    assert [variant["match_change"] for variant in controls if "match_change" in variant]


def test_paper_config_is_valid_and_warns_about_moving_revisions():
    file = ROOT / "config" / "paper.yaml"
    with pytest.warns(ConfigWarning, match="`main` can change between two runs; `make pin`"):
        complete = prepare(yaml.safe_load(file.read_text(encoding="utf-8")), [str(file)])
    assert [model["repo"] for model in complete["models"].values() if model["role"] == "study"] == [
        "HuggingFaceTB/SmolLM2-1.7B-Instruct",
        "locuslab/mix_ift_v4-smollm2-1.7b-all_raw_folders_baseline-600B",
        "locuslab/mix_ift_v4-smollm2-1.7b-score0_only-600B",
        "locuslab/mix_ift_v4-smollm2-1.7b-score0_mix_rephrased_from_beginning-600B",
        "locuslab/mix_ift_v4-smollm2-1.7b-score0_mix_rephrased_from_beginning_metadata-600B",
        "locuslab/mix_ift_v4-smollm2-1.7b-base-score0_mix_rephrase123_with_mild_refusal45-600B",
        "locuslab/mix_ift_v9-smollm2-1.7b-score0_rephrase123_mild_ref45_metadata_5p-600B-metamix3p-1k-0",
        "zai-org/glm-4-9b-chat-hf",
        "meta-llama/Llama-3.3-70B-Instruct",
        "Qwen/Qwen3-14B",
    ]
    assert (complete["prompts"]["evaluation"], complete["prompts"]["human"]) == (50, 5)


def test_data_set_with_moving_revision_warns(config):
    del config["judges"]["grammar"]
    config["prompts"]["harmful"] = [{"kind": "dataset", "repo": "mlabonne/harmful_behaviors"}]
    with pytest.warns(ConfigWarning, match=r"prompts\.harmful\.0: the revision `main` can change"):
        prepare(config)


def test_reference_page_matches_the_schema():
    assert PAGE.read_text(encoding="utf-8") == reference_page(), "run `make docs`"


def test_editor_schema_matches_the_settings():
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), "run `make docs`"


@pytest.mark.parametrize("grid", sorted(path.name for path in (ROOT / "config").glob("*.yaml")))
def test_shipped_grids_pass_the_editor_schema(grid):
    config = yaml.safe_load((ROOT / "config" / grid).read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(load_schema()).iter_errors(config)] == []


def test_the_reference_page_names_every_key():
    page = reference_page()
    for path, item in properties(load_schema()):
        if "const" not in item:
            assert f"`{path.rpartition('.')[2]}`" in page, path


def test_the_reference_page_has_no_broken_tables():
    lines = reference_page().splitlines()
    for line in (line for line in lines if line.startswith("| ")):
        assert len(line.replace("\\|", "").split("|")) == 6, line
    headings = [line for line in lines if line.startswith("#")]
    assert len(headings) == len(set(headings))


LOCK = runpy.run_path(str(ROOT / "envs" / "lock.py"))


@pytest.mark.parametrize("name", LOCK["CONDA_ENVIRONMENTS"])
def test_conda_environment_contains_the_pins_of_its_lock(name):
    rendered = LOCK["conda_text"](name)
    assert (ROOT / "envs" / f"{name}.yaml").read_text(encoding="utf-8") == rendered, "run `make lock`"
    pins = yaml.safe_load(rendered)["dependencies"][-1]["pip"]
    names = [LOCK["package_name"](pin) for pin in pins]
    assert len(names) == len(set(names))
    assert {"torch", "transformers", "pandas", "openai"} <= set(names)


def test_every_conda_environment_is_rendered_from_a_lock():
    assert {file.stem for file in (ROOT / "envs").glob("*.yaml")} == set(LOCK["CONDA_ENVIRONMENTS"])


@pytest.mark.parametrize("file", sorted((ROOT / "envs").glob("*.lock.txt")), ids=lambda file: file.name)
def test_locks_hold_exact_pins_without_local_versions(file):
    pins = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert pins
    for pin in pins:
        assert "==" in pin
        assert "+" not in pin
        # CUDA's packages are pinned only where CUDA is what the environment is for
        assert "cuda" in file.name or not LOCK["ACCELERATOR_PACKAGES"].match(pin)
