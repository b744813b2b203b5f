"""A study of two models that is small enough to count by hand."""

from dataclasses import replace

import pandas as pd
import pytest
from tests.studies import sound_edits

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables import judge_validity
from steadfast.analysis.tables.agreement import agreement_table
from steadfast.analysis.tables.conclusions import conclusion_table
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ranking import ranking_table
from steadfast.analysis.tables.robustness import robustness_table
from steadfast.report.study import OPTIONAL_COLUMNS, RESPONSE_COLUMNS, Study

PROMPTS = [f"p{number}" for number in range(20)]
# how many of the ten harmful prompts each system refuses, the first ones
REFUSED = {
    ("a", "original"): 10,
    ("a", "edited"): 0,
    ("a", "random"): 10,
    ("b", "original"): 10,
    ("b", "edited"): 5,
    ("b", "random"): 10,
}


def verdict(judge: str, system: tuple[str, str], number: int) -> str:
    if judge == "label-only":
        return "refusal" if number < 10 else "non_refusal"
    if judge == "blind" and number == 0:
        return "unscored"
    return "refusal" if number < REFUSED[system] else "non_refusal"


@pytest.fixture(scope="session")
def study() -> Study:
    prompts = pd.DataFrame({"prompt_id": PROMPTS, "text": [f"Question {prompt}?" for prompt in PROMPTS]})
    prompts["label"] = ["harmful"] * 10 + ["harmless"] * 10
    prompts = prompts.assign(category="", human=False, split="evaluation", source="")
    rows = [
        (*system, judge, prompt, 0, label, "", False, verdict(judge, system, number), None)
        for system in REFUSED
        for judge in ("exact", "blind", "label-only")
        for number, (prompt, label) in enumerate(zip(PROMPTS, prompts["label"], strict=True))
    ]
    columns = ["model", "variant", "judge", "prompt_id", "sample", "label", "category", "human", "verdict", "score"]
    verdicts = pd.DataFrame(rows, columns=columns).astype({"score": "float64"})
    answers = [(*system, prompt, 0, "No.", 2, "stop", False) for system in REFUSED for prompt in PROMPTS]
    robustness = robustness_table(verdicts, controls=["random"], inference=Inference(resamples=200))
    edits = sound_edits([("a", "edited"), ("b", "edited")], verified=["yes", "no power"], hook_deviation=[0.1, 0.2])
    tables = {
        "robustness": robustness,
        "agreement": agreement_table(verdicts, controls=["random"], inference=Inference(resamples=100)),
        "conclusions": conclusion_table(robustness, "exact", controls=["random"]),
        "ranking": ranking_table(verdicts, controls=["random"], inference=Inference(resamples=100)),
        "confusion": judge_validity.confusion_table(verdicts, "exact"),
        "bias": judge_validity.bias_table(verdicts, "exact", Inference(resamples=100)),
        "edits": edits,
    }
    return Study(
        verdicts=verdicts,
        prompts=prompts,
        responses=pd.DataFrame(answers, columns=["model", "variant", *RESPONSE_COLUMNS]).assign(**OPTIONAL_COLUMNS),
        tables=tables,
        labels=Labels(models={"a": "Model A"}, variants={"edited": "Edited"}, judges={"exact": "Exact"}),
        reference="exact",
        judge="exact",
        baselines=("label-only",),
        controls=("random",),
        sources={"a": "hub", "b": "hub"},
        inference=Inference(resamples=200),
        show="collapsed",
    )


@pytest.fixture
def with_table(study):
    """The study with a table more, or in place of another."""
    return lambda name, table: replace(study, tables={**study.tables, name: table})
