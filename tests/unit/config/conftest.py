"""A small valid configuration, and what is said about a broken one."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.core.yaml_text import parse_yaml

ROOT = Path(__file__).parents[3]
SMALL = """
prompts:
  harmful: [{kind: synthetic}]
  harmless: [{kind: synthetic}]
models:
  raw: {source: organism, recipe: raw}
  tiny: {source: organism, recipe: judge, role: judge}
variants:
  original: {}
  abliterated:
    direction: {method: mean_difference}
    edit: {method: orthogonalize}
judges:
  grammar: {kind: grammar}
  regex: {kind: regex, patterns: resources/prompts/judges/refusal_phrases.yaml}
  local: {kind: local, model: tiny, prompt: resources/prompts/judges/organism_labels.md}
  label-only: {kind: label_only}
"""


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    """The paths of configurations are relative to the folder that holds them all."""
    monkeypatch.chdir(ROOT)


@pytest.fixture
def without_results(in_the_repository, monkeypatch, tmp_path) -> None:
    """A folder with the repository's resources, in which nothing has run."""
    for name in ("config", "resources"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def config() -> dict[str, Any]:
    """A valid configuration that a test may change."""
    return parse_yaml(SMALL)


@pytest.fixture
def refused() -> Callable[..., str]:
    """The message for a configuration that must not be accepted."""

    def refused(config: Mapping[str, Any], files: list[str] | None = None) -> str:
        with pytest.raises(ConfigError) as caught:
            prepare(config, files)
        return str(caught.value)

    return refused


@pytest.fixture
def prompts_file(tmp_path) -> Callable[..., str]:
    """Write a CSV of prompts: texts, or pairs of text and split."""

    def prompts_file(name: str, rows: list[Any]) -> str:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle)
            writer.writerow(["text", "split"])
            writer.writerows((row, "") if isinstance(row, str) else row for row in rows)
        return str(path)

    return prompts_file
