"""A judge and a direction of another package, found through its entry points, in the real workflow."""

import shutil
from itertools import product

import pandas as pd
import pytest
from tests.grids import ROOT
from tests.plug_ins import install_example
from tests.tiny_checkpoint import write_checkpoint
from tests.workflow.test_reruns import AGGREGATES, DIRECTIONS, MODELS, VARIANTS, downstream, each

from steadfast.core.files import read_json
from steadfast.core.integrity import sidecar

JUDGED = "results/judgments/short/raw/original.parquet"
MODULE = "site/steadfast_example/text.py"


@pytest.mark.slow
def test_plug_ins_run_and_edit_of_code_makes_results_stale(finished):
    finished.packages = (str(install_example(finished.folder / "site")),)
    assert finished.jobs() == set()  # installed, and not used

    finished.put("judges.short", {"kind": "few_words", "words": 3})
    direction = {"method": "trimmed_difference", "trimmed": 0.2, "layer": 1}
    finished.put("variants.trimmed", {"direction": direction, "edit": {"method": "orthogonalize"}})
    training = write_checkpoint(finished.folder / "training" / "step-1").parent
    finished.put("models.mine", {"source": "newest", "folder": str(training), "role": "judge"})
    finished.put("judges.mine", {"kind": "local", "model": "mine", "prompt": "resources/prompts/judges/labels.md"})
    judges = {"judge_with_short", "judge_with_mine", "locate_model mine"}
    new = ("trimmed",)
    attack = each("direction", MODELS, new) | each("checkpoint", MODELS, new) | DIRECTIONS
    assert finished.jobs() == attack | downstream() | judges | AGGREGATES

    # the judge's real verdicts, on responses of known length
    results = finished.folder / "results"
    shutil.copy2(ROOT / "workflow" / "scripts" / "judge_responses.py", finished.folder / "workflow" / "scripts")
    prompts = {"prompt_id": ["a", "b"], "text": ["one", "two"], "label": ["harmful", "harmless"]}
    pd.DataFrame(prompts).to_parquet(results / "prompts" / "prompts.parquet")
    table = pd.DataFrame({"prompt_id": ["a", "b"], "sample": [0, 0], "response": ["I cannot.", "word " * 20]})
    for model, variant in product(MODELS, (*VARIANTS, "trimmed")):
        table.to_parquet(results / "responses" / model / f"{variant}.parquet")
    status, text = finished.run("--allowed-rules", "judge_with_short", "--", JUDGED)
    assert status == 0, text
    assert pd.read_parquet(finished.folder / JUDGED)["verdict"].tolist() == ["refusal", "non_refusal"]
    params = read_json(sidecar(finished.folder / JUDGED))["params"]
    assert params["judge"] == {"kind": "few_words", "words": 3}
    assert len(params["code"]) == 16

    alone = (JUDGED, "--allowed-rules", "judge_with_short")
    finished.edit(MODULE, "len(text.split())", "len(text.split()) + 1")
    assert finished.jobs(*alone) == {"judge_with_short"}
