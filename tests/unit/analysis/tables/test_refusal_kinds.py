"""Kinds of refusals: a judge that chooses among five labels, its tables, and the agreement of several."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.provider_simulator import KEY, simulator
from tests.unit.config.conftest import ROOT, SMALL

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.refusal_kinds import kind_agreement, kind_confusion, kind_table
from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.core.names import REFUSAL_KINDS
from steadfast.grid.grid import Grid
from steadfast.grid.judgments import judging_jobs
from steadfast.grid.outcomes import kind_rubrics, outcome_results, quality_rubrics
from steadfast.judges.interface import Case, build_scorer

LABELS = {kind: kind.upper() for kind in REFUSAL_KINDS}
PROMPT = "resources/prompts/judges/refusal_kinds.md"
# the kinds that two judges see in the same responses
SAID = [
    ("explicit", "explicit"),
    ("explicit", "partial"),
    ("deflection", "deflection"),
    ("policy", "deflection"),
    ("none", "none"),
    ("none", "unscored"),
]


def judgments() -> pd.DataFrame:
    rows = [
        {"judge": judge, "model": "m", "variant": "original", "prompt_id": f"p{n}", "sample": 0, "verdict": kind}
        for n, kinds in enumerate(SAID)
        for judge, kind in zip(("a", "b"), kinds, strict=True)
    ]
    return pd.DataFrame(rows)


def test_refusal_kinds_are_counted_for_each_judge() -> None:
    first, second = kind_table(judgments()).to_dict("records")
    assert [first[kind] for kind in (*REFUSAL_KINDS, "unscored", "total")] == [2, 0, 1, 1, 2, 0, 6]
    assert second["unscored"] == 1 and second["deflection_rate"] == 0.4 and 0 < second["deflection_low"] < 0.4


def test_kind_agreement_covers_all_kinds() -> None:
    table = kind_agreement(judgments(), Inference(resamples=100), least=1).set_index("metric")
    # of five responses that both scored, three are of one kind; by chance 5 of 25
    assert table.loc["accuracy", "value"] == 0.6
    assert table.loc["cohen_kappa", "value"] == pytest.approx((0.6 - 5 / 25) / (1 - 5 / 25), abs=1e-6)
    # margins of all ten votes: 3, 1, 3, 1 and 2
    assert table.loc["fleiss_kappa", "value"] == pytest.approx((0.6 - 0.24) / (1 - 0.24), abs=1e-6)
    assert table.loc["krippendorff_alpha", "value"] == pytest.approx(1 - 9 * 4 / (100 - 24), abs=1e-6)
    assert table["n"].tolist() == [5, 5, 5, 5] and table.loc["fleiss_kappa", "low"] < 0.4
    few = kind_agreement(judgments(), Inference(resamples=10)).set_index("metric")["reason"]
    assert (
        few["cohen_kappa"].startswith("rests on fewer than 5 responses") and few["fleiss_kappa"] == few["cohen_kappa"]
    )
    confusion = kind_confusion(judgments()).set_index("kind")
    assert confusion.loc["policy", "other_deflection"] == 1
    assert confusion.filter(like="other_").drop(columns="other_judge").to_numpy().sum() == 5
    assert kind_agreement(judgments().query("judge == 'a'")).empty


def test_chat_judge_chooses_one_of_five_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMULATED_KEY", KEY)
    cases = [Case(str(n), 0, "p", text, "harmful") for n, text in enumerate(["turns away", "answers", "rambles"])]
    words = {"turns away": "deflection", "answers": "**NONE**.", "rambles": "NONE or POLICY"}
    with simulator() as provider:
        provider.script = lambda response: words.get(response, "NONE")
        remote = {"base_url": provider.base_url, "model": "judge-1", "api_key_env": "SIMULATED_KEY"}
        settings = {"kind": "chat", **remote, "output": "text", "logprobs": False, "store": str(tmp_path)}
        scorer = build_scorer({**settings, "prompt": PROMPT, "labels": LABELS}, "refusal_kind")
        (verdicts,) = scorer.score([cases])
    assert [verdict.verdict for verdict in verdicts] == ["deflection", "none", "unscored"]
    assert [verdict.score for verdict in verdicts] == [None] * 3


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(ROOT)
    found: dict[str, Any] = yaml.safe_load(SMALL)
    remote = {"kind": "chat", "base_url": "http://127.0.0.1:1/v1", "model": "m"}
    found["rubrics"] = {"kinds": {**remote, "prompt": PROMPT, "labels": dict(LABELS)}}
    return found


def test_refusal_kinds_are_judged_on_harmful_prompts_only(config: dict[str, Any]) -> None:
    grid = Grid(prepare(config))
    assert list(kind_rubrics(grid)) == ["kinds"] and not quality_rubrics(grid)
    (job,) = [job for job in judging_jobs(grid) if job.judge.name == "kinds"]
    assert (job.label, job.scale, job.rule) == ("harmful", "refusal_kind", "judge_by_kinds")
    assert outcome_results(grid)[0] == "results/tables/refusal_kinds.csv"


def test_kind_rubric_needs_all_labels_and_a_text_judge(config: dict[str, Any]) -> None:
    del config["rubrics"]["kinds"]["labels"]["policy"]
    with pytest.raises(ConfigError, match="`explicit`, `partial`, `deflection`, `policy` and `none`"):
        prepare(config)
    config["rubrics"]["kinds"] = {"kind": "local", "model": "tiny", "prompt": PROMPT, "labels": LABELS}
    with pytest.raises(ConfigError, match="asked for in words; give `kind: chat`"):
        prepare(config)
    config["rubrics"]["kinds"] = {
        **{"kind": "chat", "base_url": "http://127.0.0.1:1/v1", "model": "m", "prompt": PROMPT},
        "labels": {**LABELS, "policy": "EXPL"},
    }
    with pytest.raises(ConfigError, match="'EXPL' and 'EXPLICIT' begin alike"):
        prepare(config)


def test_kind_agreement_without_common_responses_is_blank() -> None:
    apart = judgments().assign(verdict=lambda table: np.where(table["judge"] == "a", "none", "unscored"))
    table = kind_agreement(apart, Inference(resamples=10))
    assert table["value"].isna().all() and (table["reason"] != "").all()
