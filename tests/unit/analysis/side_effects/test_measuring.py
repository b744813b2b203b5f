"""What has been measured is not measured again."""

from dataclasses import replace

import pytest

from steadfast.analysis.side_effects import measuring
from steadfast.core.files import write_json
from steadfast.models import loading
from steadfast.models.number_format import NumberFormat


@pytest.fixture
def loaded(monkeypatch):
    """Names of the checkpoints that are loaded."""
    folders = []
    load = loading.load_model

    def note(directory, **arguments):
        folders.append(str(directory))
        return load(directory, **arguments)

    monkeypatch.setattr("steadfast.attacks.direction_search.refusal_score.load_model", note)
    return folders


def run(systems, table, store, measures=None):
    chosen = measures or {"separation": {}, "divergence": {}}
    return list(measuring.measure_variants(systems, table, chosen, store=store, device="cpu"))


def test_every_checkpoint_is_loaded_once_and_then_cached(system, lively, edited, table, tmp_path, loaded):
    systems = [system("original", lively), system("abliterated", edited)]
    first = run(systems, table, tmp_path)
    assert loaded == [str(lively), str(edited)]
    again = run(systems, table, tmp_path)
    assert loaded == [str(lively), str(edited)]
    for (_, one), (_, other) in zip(first, again, strict=True):
        assert one.equals(other)


def test_added_variant_loads_only_itself_and_the_original(system, lively, edited, table, tmp_path, loaded):
    systems = [system("original", lively), system("abliterated", edited)]
    run(systems, table, tmp_path)
    loaded.clear()
    run([*systems, system("later", edited, {"method": "orthogonalize", "scale": 0.5})], table, tmp_path)
    assert loaded == [str(lively), str(edited)]


def test_edit_of_a_selected_attack_is_read_from_its_file(system, lively, edited, table, tmp_path):
    abliterated = system("abliterated", edited)
    write_json(tmp_path / "chosen.edit.json", dict(abliterated.edit))
    chosen = replace(system("best", edited), edit=None, edit_file=str(tmp_path / "chosen.edit.json"))
    systems = [system("original", lively), abliterated, chosen]
    (_, _), (_, given), (_, found) = run(systems, table, tmp_path, {"hook_agreement": {}})
    assert len(found) and found.equals(given)


def test_added_measure_is_the_only_one_computed(system, lively, edited, table, tmp_path, capsys):
    systems = [system("original", lively), system("abliterated", edited)]
    run(systems, table, tmp_path)
    capsys.readouterr()
    found = run(systems, table, tmp_path, {"separation": {}, "divergence": {}, "hook_agreement": {}})
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("tiny")]
    assert told == ["tiny: hook_agreement"]
    assert set(found[1][1]["measure"]) == {"separation", "divergence", "hook_agreement"}


def test_another_dtype_repeats_the_measurement(system, lively, edited, table, tmp_path, loaded, monkeypatch):
    systems = [system("original", lively), system("abliterated", edited)]
    run(systems, table, tmp_path, {"divergence": {}})
    other = NumberFormat("bfloat16", "bfloat16", "as stored, on a GPU")
    monkeypatch.setattr(measuring, "running_format", lambda *arguments: other)
    run(systems, table, tmp_path, {"divergence": {}})
    assert len(loaded) == 4


def test_other_prompts_repeat_the_measurement(system, lively, edited, table, tmp_path, loaded):
    systems = [system("original", lively), system("abliterated", edited)]
    run(systems, table, tmp_path)
    run(systems, table.iloc[:8], tmp_path)
    assert len(loaded) == 4


def test_variant_with_decoding_rule_has_no_weight_scores(system, lively, table, tmp_path, loaded):
    steered = replace(system("steered", lively, None), decoding={"method": "suppress_tokens"})
    found = run([system("original", lively), steered], table, tmp_path, {"divergence": {}, "separation": {}})
    assert [len(scores) for _, scores in found] == [0, 0]
    assert loaded == [str(lively)], "the original's own reference, and nothing more"
