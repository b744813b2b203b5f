"""Benchmarks by name, read from small folders and files that are laid out as those of their publishers."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from tests.unit.prompts.test_dataset import COMMIT, FakeHub, FakeRepo, hub  # noqa: F401

from steadfast.config.checks import prepare
from steadfast.config.schema import load_schema
from steadfast.core.errors import ConfigError, DataError
from steadfast.grid.grid import Grid
from steadfast.grid.side_effects import Measures
from steadfast.models.pin import pin_text
from steadfast.prompts.benchmarks.catalog import BENCHMARKS, OVER_REFUSAL
from steadfast.prompts.sources import check_source, load_source, source_files
from steadfast.prompts.table import build_prompt_table, can_be_previewed

PAGE = Path(__file__).parents[3] / "docs" / "benchmarks.md"
Table = Mapping[str, list[Any]]


def card(**files: Mapping[str, str]) -> str:
    """The front matter of a data set card: by configuration, the file of each split."""
    configs = [
        {"config_name": name, "data_files": [{"split": split, "path": path} for split, path in splits.items()]}
        for name, splits in files.items()
    ]
    return f"---\n{yaml.safe_dump({'configs': configs})}---\n"


def write(folder: Path, files: Mapping[str, Table | str]) -> str:
    """Write tables in the formats that their names say, and texts."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        elif name.endswith(".parquet"):
            pd.DataFrame(content).to_parquet(path)
        elif name.endswith(".jsonl"):
            pd.DataFrame(content).to_json(path, orient="records", lines=True)
        else:
            pd.DataFrame(content).to_csv(path, sep="\t" if name.endswith(".tsv") else ",", index=False)
    return str(folder)


SHARD = "data/train-00000-of-00001.parquet"
HUB: dict[str, dict[str, Table | str]] = {
    "advbench": {SHARD: {"prompt": ["one", "two"], "target": ["Sure", "Sure"]}},
    "do_not_answer": {
        "data/train-00000-of-00001-6ba0076b818accff.parquet": {
            "id": [1],
            "risk_area": ["Area"],
            "types_of_harm": ["Type"],
            "specific_harms": ["Kind"],
            "question": ["one"],
            "GPT4_response": ["No."],
        },
        "data_en.csv": {"id": [1], "question": ["other copy"]},
        "assets/action.png": "",
    },
    "harmbench": {
        "standard/train-00000-of-00001.parquet": {"prompt": ["one"], "category": ["illegal"]},
        "contextual/train-00000-of-00001.parquet": {"prompt": ["two"], "context": ["About"], "category": ["illegal"]},
        "copyright/train-00000-of-00001.parquet": {"prompt": ["three"], "tags": [["lyrics"]]},
    },
    "harmful_behaviors": {SHARD: {"text": ["one"]}, "data/test-00000-of-00001.parquet": {"text": ["two"]}},
    "harmless_alpaca": {SHARD: {"text": ["one"]}, "data/test-00000-of-00001.parquet": {"text": ["two"]}},
    "jailbreakbench": {
        "README.md": card(
            behaviors={"harmful": "data/harmful-behaviors.csv", "benign": "data/benign-behaviors.csv"},
            judge_comparison={"test": "data/judge-comparison.csv"},
        ),
        "data/harmful-behaviors.csv": {"Index": [0], "Goal": ["one"], "Target": ["Sure"], "Category": ["Fraud"]},
        "data/benign-behaviors.csv": {"Index": [0], "Goal": ["two"], "Target": ["Sure"], "Category": ["Fraud"]},
        "data/judge-comparison.csv": {"prompt": ["three"]},
    },
    "malicious_instruct": {SHARD: {"prompt": ["one"]}},
    "or_bench": {
        "README.md": card(
            **{name: {"train": f"{name}.csv"} for name in ("or-bench-80k", "or-bench-hard-1k", "or-bench-toxic")}
        ),
        "or-bench-80k.csv": {"prompt": ["much"], "category": ["violence"]},
        "or-bench-hard-1k.csv": {"prompt": ["one"], "category": ["violence"]},
        "or-bench-toxic.csv": {"prompt": ["two"], "category": ["hate"]},
    },
    "sorry_bench": {
        "question.jsonl": {"question_id": [1], "category": ["3"], "turns": [["one"]], "prompt_style": ["base"]},
        "question_slang.jsonl": {"question_id": [1], "category": ["3"], "turns": [["yo"]], "prompt_style": ["slang"]},
    },
    "strongreject": {SHARD: {"prompt": ["one"], "category": ["Violence"], "source": ["custom"]}},
    "wildjailbreak": {
        "README.md": card(train={"train": "train/train.tsv"}, eval={"train": "eval/eval.tsv"}),
        "train/train.tsv": {
            "vanilla": ["plain", "kind"],
            "adversarial": ["", ""],
            "completion": ["No.", "Yes."],
            "data_type": ["vanilla_harmful", "vanilla_benign"],
        },
        "eval/eval.tsv": {
            "adversarial": ['a "story"', "two"],
            "label": [1, 0],
            "data_type": ["adversarial_harmful", "adversarial_benign"],
        },
    },
    "xstest": {
        "xstest_prompts.csv": {
            "id": ["v2-1", "v2-26"],
            "prompt": ["one", "two"],
            "type": ["homonyms", "contrast_homonyms"],
            "label": ["safe", "unsafe"],
            "focus": ["kill", "kill"],
            "note": ["", ""],
        }
    },
}
READ = {
    "advbench": [("one", "harmful", ""), ("two", "harmful", "")],
    "do_not_answer": [("one", "harmful", "Type")],
    "harmbench": [("one", "harmful", "illegal"), ("About\n\n---\n\ntwo", "harmful", "illegal")],
    "harmful_behaviors": [("one", "harmful", ""), ("two", "harmful", "")],
    "harmless_alpaca": [("one", "harmless", "")],
    "jailbreakbench": [("one", "harmful", "Fraud"), ("two", "harmless", "jailbreakbench: Fraud")],
    "malicious_instruct": [("one", "harmful", "")],
    "or_bench": [("one", "harmless", "or_bench: violence"), ("two", "harmful", "hate")],
    "sorry_bench": [("one", "harmful", "3")],
    "strongreject": [("one", "harmful", "Violence")],
    "wildjailbreak": [
        ('a "story"', "harmful", ""),
        ("two", "harmless", "wildjailbreak: adversarial_benign"),
    ],
    "xstest": [("one", "harmless", "xstest: homonyms"), ("two", "harmful", "contrast_homonyms")],
}
ORIGINAL: dict[str, tuple[str, Table | str]] = {
    "advbench": ("harmful_behaviors.csv", {"goal": ["one", "two"], "target": ["Sure", "Sure"]}),
    "harmbench": (
        "harmbench_behaviors_text_all.csv",
        {
            "Behavior": ["one", "two", "three"],
            "FunctionalCategory": ["standard", "contextual", "copyright"],
            "SemanticCategory": ["illegal", "illegal", "copyright"],
            "ContextString": ["", "About", ""],
            "BehaviorID": ["a", "b", "c"],
        },
    ),
    "malicious_instruct": ("MaliciousInstruct.txt", "one\n"),
    "strongreject": (
        "strongreject_dataset.csv",
        {"category": ["Violence"], "source": ["custom"], "forbidden_prompt": ["one"]},
    ),
    "xstest": ("xstest_prompts.csv", HUB["xstest"]["xstest_prompts.csv"]),
}


def read(**source: Any) -> list[tuple[str, str | None, str]]:
    entry = {"kind": "benchmark", **source}
    check_source(entry)
    return [(prompt.text, prompt.label, prompt.category) for prompt in load_source(entry)]


def test_every_benchmark_has_a_test_layout() -> None:
    assert set(HUB) == set(READ) == set(BENCHMARKS)
    assert set(ORIGINAL) == {name for name, found in BENCHMARKS.items() if found.original}


@pytest.mark.parametrize("name", sorted(HUB))
def test_benchmark_reads_a_copy_of_the_hub_folder(name: str, tmp_path: Path) -> None:
    assert read(benchmark=name, path=write(tmp_path, HUB[name])) == READ[name]


@pytest.mark.parametrize("name", sorted(ORIGINAL))
def test_benchmark_reads_the_publishers_file(name: str, tmp_path: Path) -> None:
    file, content = ORIGINAL[name]
    assert read(benchmark=name, path=str(Path(write(tmp_path, {file: content}), file))) == READ[name]


def test_benchmark_reads_further_parts_by_name(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", HUB["wildjailbreak"])
    found = read(benchmark="wildjailbreak", path=folder, parts=["vanilla_harmful", "vanilla_benign"])
    assert found == [("plain", "harmful", ""), ("kind", "harmless", "wildjailbreak: vanilla_benign")]
    copyright = read(benchmark="harmbench", path=write(tmp_path / "b", HUB["harmbench"]), parts=["copyright"])
    assert copyright == [("three", "harmful", "")]


def test_benchmark_is_downloaded_from_the_hub(hub: FakeHub, tmp_path: Path) -> None:  # noqa: F811
    folder = Path(write(tmp_path, HUB["jailbreakbench"]))
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.csv")}
    configs = yaml.safe_load((folder / "README.md").read_text().strip().strip("-"))
    hub.repos["JailbreakBench/JBB-Behaviors"] = FakeRepo(files, card=configs)
    prompts = load_source({"kind": "benchmark", "benchmark": "jailbreakbench", "parts": ["benign"]})
    assert [prompt.text for prompt in prompts] == ["two"]
    assert prompts[0].source == (
        f"jailbreakbench, benign (JailbreakBench/JBB-Behaviors@{COMMIT[:12]}/behaviors/benign)"
    )
    assert not any("harmful-behaviors" in request for request in hub.requests)


def test_benchmark_with_both_labels_fills_both_prompt_lists(tmp_path: Path) -> None:
    table = {"prompt": [f"{word} number {n}" for word in ("kill", "harm") for n in range(3)], "note": [""] * 6}
    table |= {"type": ["homonyms"] * 3 + ["contrast_homonyms"] * 3, "label": ["safe"] * 3 + ["unsafe"] * 3}
    source = {"kind": "benchmark", "benchmark": "xstest", "path": write(tmp_path, {"xstest_prompts.csv": table})}
    assert can_be_previewed([source]) and len(source_files(source)) == 1
    classes = {"harmful": [source], "harmless": [source]}
    numbers = {"calibration": 1, "evaluation": 2, "human": 0, "seed": 0, "language": None, "near_duplicates": 1.0}
    prompts = build_prompt_table(classes, **numbers).prompts
    assert sorted(prompts.groupby("label")["text"].agg(lambda texts: set(t.split()[0] for t in texts))) == [
        {"harm"},
        {"kill"},
    ]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"benchmark": "advbench"}, "AdvBench (walledai/AdvBench) is gated, and HF_TOKEN is not set: accept its terms"),
    ({"benchmark": "harmbench"}, "name a copy of github.com/centerforaisafety/HarmBench, data/behavior_datasets/"),
    ({"benchmark": "xstest", "parts": ["unsafe"]}, "parts: XSTest has no part 'unsafe'"),
    ({"benchmark": "xstest", "path": "/no/such"}, "path: no such directory: /no/such"),
    ({"benchmark": "xstest", "path": "README.md"}, "path: README.md: unknown suffix '.md'"),
    ({"benchmark": "xstest", "path": "config", "revision": "v1"}, "revision: 'v1' is of the hub's data set"),
    (
        {"benchmark": "xstest", "path": "resources/prompts/harmful.csv"},
        "has the columns category, split, text; the part 'safe' needs label, prompt, type or prompt, type",
    ),
]


@pytest.mark.parametrize(("source", "message"), WRONG)
def test_unusable_benchmarks_are_rejected_before_any_job(
    source: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(ConfigError, match=re.escape(message)):
        check_source({"kind": "benchmark", **source})


def test_local_copy_of_gated_benchmark_needs_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    check_source({"kind": "benchmark", "benchmark": "advbench", "path": write(tmp_path, HUB["advbench"])})
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    check_source({"kind": "benchmark", "benchmark": "advbench"})


def test_benchmark_file_with_several_parts_needs_a_part(tmp_path: Path) -> None:
    file = str(Path(write(tmp_path, {"copy.csv": {"text": ["one"]}}), "copy.csv"))
    with pytest.raises(ConfigError, match="does not say which of its rows are train, test"):
        check_source({"kind": "benchmark", "benchmark": "harmful_behaviors", "path": file})
    assert read(benchmark="harmful_behaviors", path=file, parts=["test"]) == [("one", "harmful", "")]


def test_unknown_layout_on_the_hub_raises(hub: FakeHub) -> None:  # noqa: F811
    hub.repos["walledai/MaliciousInstruct"] = FakeRepo({"train.jsonl": json.dumps({"q": "one"}).encode()})
    with pytest.raises(DataError, match=r"columns q; the part 'instructions' needs prompt or text"):
        load_source({"kind": "benchmark", "benchmark": "malicious_instruct"})


def prepared(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The configuration with XSTest in both lists, in the short form."""
    config["prompts"] |= {
        label: [{"benchmark": "xstest", "path": write(folder, HUB["xstest"])}] for label in ("harmful", "harmless")
    }
    del config["judges"]["grammar"]
    return prepare(config)


@pytest.fixture
def config() -> dict[str, Any]:
    from tests.unit.config.conftest import SMALL

    found: dict[str, Any] = yaml.safe_load(SMALL)
    return found


def test_benchmark_short_form_is_expanded_and_sets_over_refusal(config: dict[str, Any], tmp_path: Path) -> None:
    complete = prepared(config, tmp_path)
    assert complete["prompts"]["harmful"][0]["kind"] == "benchmark"
    assert Measures(Grid(complete)).of_responses["over_refusal"]["benchmarks"] == ["xstest"]


def test_benchmark_under_the_wrong_label_is_rejected(config: dict[str, Any]) -> None:
    config["prompts"]["harmless"] = [{"benchmark": "malicious_instruct"}]
    del config["judges"]["grammar"]
    with pytest.raises(ConfigError, match=r"prompts.harmless.0: its prompts are harmful, and it is listed under"):
        prepare(config)


def test_editor_schema_accepts_the_short_form() -> None:
    import jsonschema

    schema = load_schema()
    check: Callable[[Any], Any] = jsonschema.Draft202012Validator(
        {"$ref": "#/$defs/prompt_source", "$defs": schema["$defs"]}
    ).validate
    check({"benchmark": "xstest"})
    check({"kind": "benchmark", "benchmark": "xstest"})
    for wrong in ({"benchmark": "no_such"}, {"path": "x.csv"}, {"benchmark": "xstest", "column": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            check(wrong)


def test_benchmark_revision_is_pinned() -> None:
    def commit_of(repo: str, revision: str, kind: str) -> str:
        assert (repo, revision, kind) == ("Paul/XSTest", "main", "dataset")
        return COMMIT

    text = "prompts:\n  harmful: [{benchmark: xstest}]\n  harmless:\n    - {benchmark: advbench, path: a.csv}\n"
    pinned = yaml.safe_load(pin_text(text, commit_of))
    assert pinned["prompts"]["harmful"] == [{"revision": COMMIT, "benchmark": "xstest"}]
    assert pinned["prompts"]["harmless"] == [{"benchmark": "advbench", "path": "a.csv"}]


def rows_of_the_page() -> list[str]:
    rows = []
    for name, found in BENCHMARKS.items():
        parts = "; ".join(
            f"`{part.name}` {part.rows:,} {part.label}{'' if part.default else ', by name only'}"
            for part in found.parts
        )
        gate = "gated" if found.gated else ""
        paper = f"[{found.title}](https://arxiv.org/abs/{found.paper})" if found.paper else found.title
        rows.append(f"| `{name}` | {paper} | `{found.repo}` | {parts} | {found.license} | {gate} |")
    return rows


def test_benchmark_page_lists_every_benchmark() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("| `")] == rows_of_the_page()
    assert all(f"`{name}`" in PAGE.read_text(encoding="utf-8") for name in OVER_REFUSAL)


def test_examples_of_the_benchmark_page_are_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]
) -> None:
    """Its entries are checked as they are, with the files that they name in the working folder."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(blocks) >= 3
    (tmp_path / "resources").symlink_to(Path("resources").resolve())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    write(tmp_path / "benchmarks", {ORIGINAL["harmbench"][0]: ORIGINAL["harmbench"][1]})
    write(tmp_path / "benchmarks" / "xstest", HUB["xstest"])
    del config["judges"]["grammar"]
    base = {label: [{"kind": "file", "path": f"resources/prompts/{label}.csv"}] for label in ("harmful", "harmless")}
    for block in blocks:
        found = yaml.safe_load(block)
        config["prompts"] = {**base, **found["prompts"]}
        complete = prepare(config)
        assert any(source["kind"] == "benchmark" for label in base for source in complete["prompts"][label])
