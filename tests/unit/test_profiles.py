"""The profiles speak of rules that there are."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
NAMED_RULE = re.compile(r"^\s*rule (\w+):\n(.*?)(?=^\s*rule |\Z)", flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def rules() -> dict[str, str]:
    """Text of every rule with a fixed name, and of the one that all jobs of its wiring share."""
    text = "".join(file.read_text(encoding="utf-8") + "\n" for file in (ROOT / "workflow" / "rules").glob("*.smk"))
    named = dict(NAMED_RULE.findall(text))
    shared = {"name:\n            found.rule": "direction", "name:\n            edited.rule": "checkpoint"}
    unnamed = re.split(r"^    rule:$", text, flags=re.MULTILINE)[1:]
    return named | {rule: part for mark, rule in shared.items() for part in unnamed if mark in part.split("input:")[0]}


@pytest.fixture(scope="module")
def slurm() -> dict:
    return yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text(encoding="utf-8"))


def test_slurm_profile_names_existing_rules(slurm, rules):
    named = {rule for rule in slurm["set-resources"] if not rule.startswith("judge_with_")} | set(slurm["groups"])
    assert named <= set(rules)


def test_jobs_without_a_model_request_less(slurm, rules):
    """What is not named gets the memory and the hours of a model, so a new cheap rule belongs into the profile."""
    cheap = {name for name, text in rules.items() if "gpu=" not in text and "localrule: True" not in text}
    assert {"prompts", "verdicts", "checkpoint"} <= cheap
    unnamed = cheap - set(slurm["set-resources"])
    assert not unnamed, (
        f"profiles/slurm/config.yaml: name {', '.join(sorted(unnamed))} among the jobs that run no model"
    )
    for rule in slurm["set-resources"].values():
        assert int(rule["mem_mb"].split()[0]) < int(slurm["default-resources"]["mem_mb"].split()[0])


def test_both_profiles_agree_on_how_the_workflow_runs(slurm):
    local = yaml.safe_load((ROOT / "profiles" / "default" / "config.yaml").read_text(encoding="utf-8"))
    settings = {key: value for key, value in local.items() if not key.startswith(("__", "?"))}
    assert {key: slurm[key] for key in settings} == settings
