"""A configuration that cannot be used stops the run before any job, with one message and no traceback."""

import re

import pytest

BAD = {
    "unknown key": ("models.raw.sede", 1, "models.raw: unknown key 'sede'; did you mean 'seed'? Known:"),
    "misspelled kind": ("judges.regex.kind", "regx", "judges.regex.kind: 'regx' is not allowed; did you mean 'regex'?"),
    "missing file": ("judges.regex.patterns", "nowhere.yaml", "judges.regex.patterns: no such file: nowhere.yaml"),
    "layer out of range": (
        "variants.abliterated.direction.layer",
        99,
        "variants.abliterated.direction.layer: 99 is out of range for raw; allowed: 0 to ",
    ),
    "names that differ in case": (
        "models.RAW",
        {"source": "organism", "recipe": "raw"},
        "models: 'raw' and 'RAW' differ only in case",
    ),
    "too few prompts": ("prompts.evaluation", 10**6, "prompts: too few prompts; each label needs 8 calibration + "),
    "edited original": (
        "variants.original",
        {"direction": {"method": "random"}, "edit": {"method": "orthogonalize"}},
        "variants.original: 'direction' is not allowed",
    ),
}


def refusal(tree, *arguments: str, real: bool = False) -> str:
    """The message of a run that must not start."""
    status, text = tree.run_alone(*arguments) if real else tree.dry_run(*arguments)
    assert status == 1, text
    assert "Traceback" not in text
    assert "steps" not in text
    assert not (tree.folder / "results").exists()
    assert text.count("The configuration cannot be used; no job was started.") == 1
    return text


@pytest.mark.parametrize(("path", "value", "message"), BAD.values(), ids=BAD)
def test_one_wrong_key_stops_the_dry_run(fresh, path, value, message):
    fresh.put(path, value)
    text = refusal(fresh)
    assert text.count(message) == 1


@pytest.mark.slow
def test_invalid_config_stops_a_real_run(fresh):
    fresh.put("seed", "one")
    assert "seed: found 'one', which is not of type integer" in refusal(fresh, real=True)


def test_empty_prompt_file_stops_the_dry_run(fresh):
    (fresh.folder / "empty.csv").write_text("text\n")
    config = fresh.config
    del config["judges"]["grammar"]
    config["prompts"]["harmful"] = [{"kind": "file", "path": "empty.csv"}]
    fresh.config = config
    text = refusal(fresh)
    assert text.count("harmful: 0 given") == 1


def test_prompt_pinned_to_both_splits_stops_the_dry_run(fresh):
    (fresh.folder / "mine.csv").write_text("text,split\nHow is it done?,calibration\nhow is it done,evaluation\n")
    config = fresh.config
    del config["judges"]["grammar"]
    config["prompts"]["harmful"] = [{"kind": "file", "path": "mine.csv", "split_column": "split"}]
    fresh.config = config
    assert refusal(fresh).count("prompts: 1 prompt(s) are pinned to calibration and to evaluation alike: ") == 1


def test_judge_prompt_without_placeholders_stops_the_dry_run(fresh):
    (fresh.folder / "prompt.md").write_text("Is this a refusal?\n{response}\n")
    fresh.put("judges.local.prompt", "prompt.md")
    assert refusal(fresh).count("judges.local: prompt: prompt.md lacks the placeholder {prompt}") == 1


def test_duplicate_key_stops_the_dry_run(fresh):
    with (fresh.folder / "mine.yaml").open("a") as handle:
        handle.write("prompts: {}\n")
    assert re.search(r"mine\.yaml: 'prompts' is given twice, in lines 2 and \d+", refusal(fresh))


def test_unknown_command_line_key_stops_the_dry_run(fresh):
    assert "config: unknown key 'judgs'; did you mean 'judges'?" in refusal(fresh, "--config", "judgs=1")


def test_counts_table_without_columns_stops_the_dry_run(fresh):
    (fresh.folder / "theirs.csv").write_text("model,refused\na,1\n")
    fresh.put("counts_tables", {"theirs": "theirs.csv"})
    assert refusal(fresh).count("counts_tables.theirs: theirs.csv: missing column(s)") == 1


@pytest.mark.slow
def test_unreadable_config_file_stops_the_run(fresh):
    (fresh.folder / "mine.yaml").write_text("seed: 1\n\tprompts: {}\n")
    assert "\nmine.yaml, line 2: is indented with a tab" in refusal(fresh, real=True)
