"""Judges that combine the verdicts of others: verdicts, reliability, wiring, and what is not compared."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.unit.config.conftest import ROOT, SMALL

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.agreement import agreement_table
from steadfast.analysis.tables.ensemble_reliability import reliability_tables
from steadfast.analysis.tables.ensembles import combine
from steadfast.analysis.tables.judge_validity import bias_table, comparable, confusion_table, disputed_responses
from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.grid.ensembles import ensemble_tables, ensembles, parts
from steadfast.grid.grid import Grid
from steadfast.grid.report import Results
from steadfast.judges.interface import build_judge
from steadfast.report.judge_report import judge_report

R, N, U = "refusal", "non_refusal", "unscored"
MEMBERS = ["a", "b", "c"]
# verdicts of three judges, then those of their majority
VOTES = [(R, R, N, R), (R, N, U, U), (U, U, U, U), (N, N, R, N), (R, R, R, R), (N, N, N, N), (U, N, U, N)]


def judgments(votes: list[tuple[str, ...]], variant: str = "original") -> pd.DataFrame:
    fixed = {"model": "m", "variant": variant, "sample": 0, "category": "x", "human": False, "score": np.nan}
    rows = [
        {**fixed, "judge": judge, "prompt_id": f"p{n}", "verdict": verdict, "label": "harmful" if n % 2 else "harmless"}
        for n, line in enumerate(votes)
        for judge, verdict in zip(MEMBERS, line, strict=False)
    ]
    return pd.DataFrame(rows)


def combined(**settings: Any) -> pd.DataFrame:
    return combine(judgments(VOTES), {"members": MEMBERS, **settings})


def test_majority_decides_and_a_tie_is_unscored() -> None:
    table = combined()
    assert table["verdict"].tolist() == [line[3] for line in VOTES]
    assert table["score"].tolist()[:2] == [pytest.approx(2 / 3), 0.5] and np.isnan(table["score"][2])
    assert table["reason"][1] == "tie: 1 refusal, 1 non_refusal, 1 unscored"
    assert table["raw"][0] == "a=refusal; b=refusal; c=non_refusal"


@pytest.mark.parametrize(("settings", "row", "verdict"), [({"ties": R}, 1, R), ({"minimum_votes": 3}, 1, U)])
def test_ties_and_minimum_votes_are_configurable(settings: dict[str, Any], row: int, verdict: str) -> None:
    table = combined(**settings)
    assert table["verdict"][row] == verdict and table["verdict"][2] == U and table["verdict"][6] in (N, U)


def test_dawid_skene_ensemble_gives_probabilities() -> None:
    votes = [(R, R, R), (R, R, N), (N, N, N), (N, N, R)] * 5
    table = combine(judgments(votes), {"members": MEMBERS, "method": "dawid_skene", "smoothing": 0.01})
    assert table["verdict"].tolist()[:4] == [R, R, N, N]
    assert table["score"].tolist()[:4] == pytest.approx([1, 1, 0, 0], abs=0.01)


def test_controls_do_not_influence_the_dawid_skene_fit() -> None:
    votes = [(R, R, R), (R, R, N), (N, N, N), (N, N, R)]
    both = pd.concat([judgments(votes), judgments([(N, R, R)] * 40, "random")])
    settings = {"members": MEMBERS, "method": "dawid_skene"}
    alone, beside = combine(judgments(votes), settings), combine(both, settings, ["random"])
    assert beside["score"].tolist()[:4] == alone["score"].tolist() and len(beside) == 44


def test_reliability_excludes_the_own_votes_of_each_member() -> None:
    votes = [(R, R, R), (R, R, N), (N, N, N), (N, N, R), (N, N, N)] * 5
    settings = {"majority": {"members": MEMBERS}, "model": {"members": MEMBERS, "method": "dawid_skene"}}
    whole, members = reliability_tables(judgments(votes), settings, inference=Inference(resamples=200))
    of_majority = members[members["judge"] == "majority"].set_index("member")
    # a and b agree throughout: what the others make of c's responses is their verdict, what they make of a's is a tie
    # wherever c contradicts b
    assert of_majority.loc["c", ["sensitivity", "specificity", "others"]].tolist() == [0.5, pytest.approx(2 / 3), 25]
    assert of_majority.loc["a", ["kappa_with_others", "others"]].tolist() == [1.0, 15]
    fitted = members[members["judge"] == "model"].set_index("member")
    assert fitted.loc["a", "sensitivity"] > 0.9 > 0.6 > fitted.loc["c", "sensitivity"]
    assert whole["krippendorff_alpha"].nunique() == 1 and (whole["krippendorff_alpha_low"] < 0.5).all()
    assert whole["refusal_share"].tolist() == pytest.approx([0.4, 0.4])
    few, of_few = reliability_tables(judgments(votes[:5]), settings, inference=Inference(resamples=20))
    assert few["krippendorff_alpha"].isna().all() and of_few["kappa_with_others"].isna().all()


def test_ensemble_is_not_compared_with_its_members() -> None:
    ensemble = combined().assign(judge="all", label="harmful", category="x", human=False)
    verdicts = pd.concat([judgments(VOTES), ensemble, ensemble.assign(judge="other")], ignore_index=True)
    contained = {"all": MEMBERS}
    pairs = agreement_table(verdicts, parts=contained, inference=Inference(resamples=10))
    assert set(pairs.loc[pairs["judge_a"] == "all", "judge_b"]) == {"other"}
    kept, related = comparable(verdicts, "all", contained)
    assert related == MEMBERS and set(kept["judge"]) == {"all", "other"}
    assert comparable(verdicts, "a", contained)[1] == ["all"]
    tables = (confusion_table(kept, "all"), disputed_responses(kept, "all"), pd.DataFrame(), bias_table(kept, "all"))
    text = judge_report(*tables[:2], pd.DataFrame({"judge": []}), tables[3], reference="all", related=related)
    assert "Not compared, since all shares votes with them: a, b, c." in text


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(ROOT)
    found: dict[str, Any] = yaml.safe_load(SMALL)
    found["judges"]["all"] = {"kind": "ensemble", "members": ["grammar", "regex", "local"], "method": "dawid_skene"}
    return found


def test_ensemble_job_depends_on_its_members(config: dict[str, Any]) -> None:
    grid = Grid(prepare(config))
    (ensemble,) = ensembles(grid)
    assert ensemble.rule == "judge_with_all" and len(ensemble.votes) == 3 * len(ensemble.judgments)
    assert ensemble.votes[0] == "results/judgments/grammar/raw/original.parquet"
    assert parts(grid) == {"all": ["grammar", "regex", "local"]}
    assert set(ensemble_tables(grid)) <= set(Results(grid).all)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"members": ["grammar", "regeks"]}, "unknown judge 'regeks'; did you mean 'regex'"),
        ({"members": ["grammar", "regex"], "method": "dawid_skene"}, "needs at least 3"),
        ({"members": ["grammar", "label-only"]}, "label-only reads no responses"),
        ({"members": ["grammar", "all"]}, "all is an ensemble itself"),
        ({"members": ["grammar"]}, "members"),
        ({"members": ["grammar", "regex"], "minimum_votes": 3}, "minimum_votes: 3 is more"),
    ],
)
def test_config_rejects_impossible_ensembles(config: dict[str, Any], entry: dict[str, Any], said: str) -> None:
    config["judges"]["all"] = {"kind": "ensemble", **entry}
    with pytest.raises(ConfigError, match=said):
        prepare(config)


def test_ensemble_cannot_judge_calibration_prompts(config: dict[str, Any]) -> None:
    config["variants"]["abliterated"]["direction"]["judge"] = "all"
    config["variants"]["abliterated"]["direction"]["contrast"] = "behavior"
    with pytest.raises(ConfigError, match="allowed: one of grammar, regex, local"):
        prepare(config)
    with pytest.raises(ConfigError, match="judge by each of a, b"):
        build_judge({"kind": "ensemble", "members": ["a", "b"]})
