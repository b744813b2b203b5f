"""Judges in several versions of their prompt: what becomes of the configuration, and the spread of their rates."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.unit.config.conftest import ROOT, SMALL

from steadfast.analysis.tables.prompt_versions import version_table
from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.grid.grid import Grid
from steadfast.grid.judging import judge_settings
from steadfast.grid.prompt_versions import counted_verdicts, version_tables, versioned_judgments, versions

R, N, U = "refusal", "non_refusal", "unscored"
PROMPTS = "resources/prompts/judges"
# verdicts of two versions, in the original and in a control
VOTES = [(R, R), (R, N), (N, N), (N, N), (U, R)]


def judgments() -> pd.DataFrame:
    rows = [
        {"judge": judge, "model": "m", "variant": variant, "prompt_id": f"p{n}", "sample": 0, "verdict": said}
        for variant in ("original", "random")
        for n, line in enumerate(VOTES)
        for judge, said in zip(("j", "j-brief"), line, strict=True)
    ]
    return pd.DataFrame(rows).assign(label="harmful")


def test_version_spread_uses_responses_scored_by_all_versions() -> None:
    table = version_table(judgments(), {"j": ["j", "j-brief"]}, {"j": R}, controls=["random"], least=1)
    assert table["variant"].tolist() == ["", "original", "random"]
    row = table.iloc[0]
    assert row[["responses", "unscored", "versions"]].tolist() == [4, 1, 2]
    assert row[["mean", "lowest", "highest", "spread", "disputed"]].tolist() == [0.375, 0.25, 0.5, 0.25, 0.25]
    assert row["standard_deviation"] == pytest.approx(np.sqrt(2) / 8, abs=1e-6)
    assert row["sampling_error"] == pytest.approx(np.sqrt(0.375 * 0.625 / 4), abs=1e-6)
    assert row["krippendorff_alpha"] == pytest.approx(1 - 7 * 1 / (3 * 5), abs=1e-6)
    assert version_table(judgments(), {"j": ["j", "j-brief"]}, {"j": R})["krippendorff_alpha"].isna().all(), "too few"


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(ROOT)
    found: dict[str, Any] = yaml.safe_load(SMALL)
    remote = {"kind": "chat", "base_url": "http://127.0.0.1:1/v1", "model": "m"}
    found["judges"]["gpt"] = {
        **remote,
        "label": "GPT",
        "prompt": f"{PROMPTS}/refusal.md",
        "prompt_versions": {"brief": f"{PROMPTS}/refusal_brief.md"},
    }
    found["rubrics"] = {
        "complied": {
            **remote,
            "prompt": f"{PROMPTS}/compliance.md",
            "labels": {"complied": "COMPLIED", "not_complied": "NO-COMPLIANCE"},
            "prompt_versions": {
                "brief": f"{PROMPTS}/compliance_brief.md",
                "criteria": f"{PROMPTS}/compliance_criteria.md",
            },
        }
    }
    return found


def test_each_prompt_version_becomes_a_judge(config: dict[str, Any]) -> None:
    grid = Grid(prepare(config))
    assert list(grid.judges)[-2:] == ["gpt", "gpt-brief"]
    first, brief = (judge_settings(grid.judges[name]) for name in ("gpt", "gpt-brief"))
    assert {key for key in first if first[key] != brief[key]} == {"prompt"} and set(first) == set(brief)
    assert grid.labels["judges"]["gpt-brief"] == "GPT (brief)"
    assert versions(grid) == {
        "gpt": ["gpt", "gpt-brief"],
        "complied": ["complied", "complied-brief", "complied-criteria"],
    }
    assert counted_verdicts(grid) == {"gpt": R, "complied": "complied"}
    assert "results/judgments/complied-brief/raw/original.parquet" in versioned_judgments(grid)
    del config["judges"]["gpt"]["prompt_versions"], config["rubrics"]["complied"]["prompt_versions"]
    assert version_tables(grid) and not version_tables(Grid(prepare(config)))


def test_prompt_versions_share_their_served_weights(config: dict[str, Any]) -> None:
    entry = config["judges"]["gpt"]
    served = {key: entry[key] for key in ("kind", "label", "prompt", "prompt_versions")}
    config["judges"]["gpt"] = {**served, "serve": {"repo": "a/b", "revision": "main"}}
    with pytest.warns(UserWarning, match=r"judges\.gpt\.serve"):
        complete = prepare(config)
    assert [name for name in complete["models"] if name.startswith("served-")] == ["served-gpt"]
    assert complete["judges"]["gpt-brief"]["serve"]["model"] == "served-gpt"


def test_taken_version_name_and_unknown_judge_are_rejected(config: dict[str, Any]) -> None:
    config["judges"]["regex"]["version_of"] = "regecks"
    with pytest.raises(ConfigError, match=r"regex.version_of: unknown judge 'regecks'"):
        prepare(config)
    config["judges"]["gpt-brief"] = {"kind": "label_only"}
    with pytest.raises(ConfigError, match=r"judges.gpt.prompt_versions: 'gpt-brief' is the name of another one"):
        prepare(config)
