"""Pinning revisions: commits are written into a configuration, and nothing else in it changes."""

from pathlib import Path

import pytest
import yaml

from steadfast.core.errors import ConfigError, SteadfastError
from steadfast.models.pin import pin_text

PAPER = Path(__file__).parents[3] / "config" / "paper.yaml"
OLD = "f" * 40


def commit_of(repo: str, revision: str, kind: str = "model") -> str:
    """A made-up commit that depends on all three."""
    return f"{abs(hash((repo, revision, kind))):x}".rjust(40, "a")[-40:]


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_pinning_changes_only_the_revision(quote):
    text = (
        "# a comment\nmodels:\n  a:   # odd   spacing\n    source: hub\n    repo: x/y # here\n"
        f"    revision: {quote}main{quote}   # moves\n    label: 'main'\n  b: {{source: organism, recipe: main}}\n"
    )
    expected = text.replace(f"revision: {quote}main{quote}", f"revision: {commit_of('x/y', 'main')}")
    assert pin_text(text, commit_of) == expected


def test_pinning_handles_flow_style_and_lists():
    models = "m: {a: {repo: x/y, revision: main, label: é}, b: {revision: v1, repo: x/z}}\n"
    text = f"{models}l: [{{repo: p/q, revision: main}}]\n"
    pinned = yaml.safe_load(pin_text(text, commit_of))
    assert pinned["m"]["a"] == {"repo": "x/y", "revision": commit_of("x/y", "main"), "label": "é"}
    assert pinned["m"]["b"]["revision"] == commit_of("x/z", "v1")
    assert pinned["l"][0]["revision"] == commit_of("p/q", "main")


def test_commits_are_not_resolved_again():
    def never(*_arguments: str) -> str:
        raise AssertionError("looked up")

    text = f"a: {{repo: x/y, revision: {OLD}}}\nb: {{recipe: raw}}\nc: [1, repo]\n"
    assert pin_text(text, never) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {source: hub, repo: x/y}\n", "a: {source: hub, revision: COMMIT, repo: x/y}\n"),
        (
            "a:\n    repo: x/y  # this one\n    label: A\n",
            "a:\n    revision: COMMIT\n    repo: x/y  # this one\n    label: A\n",
        ),
        ("- kind: file\n  repo: x/y\n", "- kind: file\n  revision: COMMIT\n  repo: x/y\n"),
        ("- repo: x/y\n  kind: file\n", "- revision: COMMIT\n  repo: x/y\n  kind: file\n"),
    ],
)
def test_entry_without_revision_is_pinned_to_main(text, expected):
    assert pin_text(text, commit_of) == expected.replace("COMMIT", commit_of("x/y", "main"))


def test_data_sets_are_resolved_as_data_sets():
    text = "prompts: {harmful: [{kind: dataset, repo: x/y, revision: main}]}\n"
    assert commit_of("x/y", "main", "dataset") in pin_text(text, commit_of)


def test_aliased_entry_is_pinned_once():
    text = "a: &first {repo: x/y, revision: main}\nb: *first\nc: 1\n"
    assert pin_text(text, commit_of) == text.replace("main", commit_of("x/y", "main"))


def test_revision_shared_by_two_repositories_raises():
    text = "a: {repo: x/y, revision: &branch main}\nb: {repo: x/z, revision: *branch}\n"
    with pytest.raises(ConfigError, match="shared by several"):
        pin_text(text, commit_of)


@pytest.mark.parametrize("text", ["", "# nothing\n", "just text\n", "- 1\n- 2\n"])
def test_file_without_models_is_unchanged(text):
    assert pin_text(text, commit_of) == text


def test_invalid_yaml_raises():
    with pytest.raises(ConfigError, match="not valid YAML"):
        pin_text("a: {b", commit_of)


def test_hub_error_is_passed_on():
    def fail(repo: str, _revision: str, _kind: str) -> str:
        raise SteadfastError(f"{repo} is gated")

    with pytest.raises(SteadfastError, match="x/y is gated"):
        pin_text("a: {repo: x/y, revision: main}", fail)


def without_revisions(value):
    if isinstance(value, dict):
        return {key: without_revisions(item) for key, item in value.items() if key != "revision"}
    return [without_revisions(item) for item in value] if isinstance(value, list) else value


def test_paper_config_can_be_pinned():
    text = PAPER.read_text(encoding="utf-8")
    pinned = pin_text(text, commit_of)
    before, after = yaml.safe_load(text), yaml.safe_load(pinned)
    for name, model in before["models"].items():
        assert after["models"][name]["revision"] == commit_of(model["repo"], "main")
    assert without_revisions(before) == without_revisions(after)
    assert pin_text(pinned, commit_of) == pinned
