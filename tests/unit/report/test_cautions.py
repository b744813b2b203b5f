from dataclasses import replace

import pandas as pd
import pytest

from steadfast.report.cautions import cautions
from steadfast.report.origins import Record


def titles(study) -> list[str]:
    return [caution["title"] for caution in cautions(study)]


def record(path: str, **changes) -> Record:
    fields = {
        "rule": "responses",
        "sha256": "0" * 64,
        "commit": "c" * 40,
        "dirty": False,
        "seconds": 1.0,
        "finished": "2026-01-01T00:00:00Z",
        "python": "3.11.7",
        "packages": {"torch": "2.0"},
        "settings": {},
    }
    return Record(path=path, **{**fields, **changes})


def test_clean_run_has_only_label_and_verdict_cautions(study):
    assert titles(study) == ["Unscored verdicts: blind", "No human labels"]


def test_human_labels_remove_their_caution(study):
    found = titles(replace(study, human_judges=("human",), truth="human"))
    assert "No human labels" not in found
    # one annotator is not people
    assert "A single annotator" in found
    assert "A single annotator" not in titles(
        replace(study, human_judges=("human", "human-a", "human-b"), truth="human")
    )


def test_model_organisms_cause_a_caution(study):
    found = cautions(replace(study, sources={"a": "organism", "b": "hub"}))
    assert found[0]["title"] == "No evidence about real models" and found[0]["text"].startswith(
        "1 model of this run is"
    )


def test_failed_edits_are_named(study, with_table):
    edits = study.tables["edits"].assign(effective=[True, False], reason=["", "no tensor matched"], remedy="")
    found = [caution for caution in cautions(with_table("edits", edits)) if "Edit" in caution["title"]]
    assert found == [
        {
            "title": "Edit failed a gate: b, Edited",
            "text": "no tensor matched. No conclusion is drawn from this model–variant pair.",
        }
    ]


@pytest.mark.parametrize(("refused", "both", "named"), [(0, 12, True), (8, 4, True), (9, 3, False), (2, 7, False)])
def test_compliance_judge_contradicting_refusals_is_named(with_table, refused, both, named):
    rows = [("a", "original", refused, both), ("a", "edited", 0, 0)]
    outcomes = pd.DataFrame(rows, columns=["model", "variant", "refused", "both"])
    outcomes = outcomes.assign(judge="exact", compliance_judge="complied", complied=outcomes["both"] + 1)
    found = [text for text in cautions(with_table("outcomes", outcomes)) if "comply" in text["title"]]
    assert [text["title"] for text in found] == ["Refusals that comply: complied"] * named
    assert all(f"{both} of the {refused + both} responses comply which Exact calls" in text["text"] for text in found)


def test_missing_and_incomplete_judgments_are_counted(study):
    gone = (
        (study.verdicts["model"] == "b")
        & (study.verdicts["judge"] == "blind")
        & (study.verdicts["variant"] == "edited")
    )
    first = study.verdicts.index == 0
    texts = {
        caution["title"]: caution["text"]
        for caution in cautions(replace(study, verdicts=study.verdicts[~gone & ~first]))
    }
    assert texts["Missing cells"].startswith("1 of 18 cells")
    assert texts["Incomplete cells"].startswith("1 of 17 cells")


def test_mixed_revisions_versions_and_branches_are_reported(study):
    records = (
        record("results/models/a", settings={"revision": "main"}),
        record("results/x", commit="d" * 40, dirty=True, packages={"torch": "2.1"}),
    )
    texts = {caution["title"]: caution["text"] for caution in cautions(replace(study, records=records))}
    assert "cccccccccccc, dddddddddddd + changes" in texts["Mixed revisions"]
    assert {"Uncommitted changes", "Unpinned models"} <= set(texts)
    assert texts["Mixed versions"] == "Jobs used different versions of one package: torch 2.0, 2.1."


def test_model_run_in_two_dtypes_is_named(study):
    def ran(path, name, directory, rule="responses"):
        return record(path, rule=rule, number_formats={directory: name})

    one = ran("results/responses/a/original.parquet", "float32", "results/models/a")
    other = ran("results/responses/a/edited.parquet", "bfloat16", "results/checkpoints/a/edited")
    elsewhere = ran("results/responses/b/original.parquet", "bfloat16", "results/models/b")
    further = ran("results/activations/b.npz", "float32", "results/models/b", rule="activations")
    [caution] = [
        found
        for found in cautions(replace(study, records=(one, other, elsewhere, further)))
        if "number formats" in found["title"]
    ]
    assert caution["title"] == "Mixed number formats: Model A"
    assert "bfloat16 and float32" in caution["text"] and "models.a.dtype" in caution["text"]


def test_pairs_with_degenerate_responses_are_named(study):
    answers = study.responses.assign(
        degenerate=(study.responses["model"] == "a") & (study.responses["variant"] == "edited")
    )
    texts = {caution["title"]: caution["text"] for caution in cautions(replace(study, responses=answers))}
    assert texts["Degenerate responses"].startswith("In Model A / Edited (100%) more than 5%")


def test_missing_control_causes_a_caution(study):
    verdicts = study.verdicts[study.verdicts["variant"] != "random"]
    assert "No control" in titles(replace(study, verdicts=verdicts, controls=()))
    assert pd.Series(titles(study)).is_unique


def test_empty_responses_and_truncated_thinking_are_counted(study):
    first = study.responses.groupby(["model", "variant"]).cumcount()
    edited = (study.responses["model"] == "a") & (study.responses["variant"] == "edited")
    empty = study.responses["response"].mask(edited & (first < 3), " ...")
    cut = edited & (first.isin([0, 4]))
    ends = study.responses["finish_reason"].mask(edited & (first == 0), "stop").mask(edited & (first == 4), "length")
    changed = study.responses.assign(response=empty, unfinished_thinking=cut, finish_reason=ends)
    texts = {found["title"]: found["text"] for found in cautions(replace(study, responses=changed))}
    text = texts["Empty responses"]
    assert "every judge leaves them unscored: Model A / Edited (4 of 20)." in text
    assert " 1 of them reached the limit while the model was still thinking: raise `generation: max_new_tokens`" in text
    assert " 1 of them ended by themselves while the model was still thinking, which no limit changes" in text
    limited = cautions(replace(study, responses=changed.assign(finish_reason="length")))
    text = next(found["text"] for found in limited if found["title"] == "Empty responses")
    assert "2 of them reached the limit" in text and "by themselves" not in text


def test_control_token_caution_names_the_config_key(study):
    tokens = [""] * len(study.responses)
    tokens[0], tokens[1] = "<muse> </muse>", "<muse>"
    texts = {
        found["title"]: found["text"]
        for found in cautions(replace(study, responses=study.responses.assign(control_tokens=tokens)))
    }
    text = texts["Control tokens in responses"]
    assert text.startswith("Responses contain <muse>, </muse>: Model A / original (2 of 20).")
    assert "`generation: thinking_markers`" in text


def test_partial_human_labels_are_not_missing_judgments(study):
    some = study.verdicts[(study.verdicts["judge"] == "exact") & (study.verdicts["prompt_id"] == "p0")]
    verdicts = pd.concat([study.verdicts, some[some["model"] == "a"].assign(judge="human")], ignore_index=True)
    found = titles(replace(study, verdicts=verdicts, human_judges=("human",), truth="human"))
    assert not {"Missing cells", "Incomplete cells"} & set(found)
