"""Paths that begin with the home folder, wherever the configuration names one."""

import pytest
from pydantic import TypeAdapter

from steadfast.config.schema import load_schema
from steadfast.core.plug_ins import DIRECTIONS, PROMPT_SOURCES, SOURCES
from steadfast.core.settings import AnyPath, ExistingDirectory, ExistingFile

PATHS = {"existing-file", "existing-directory", "path"}


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A home folder with a file and a folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.csv").touch()
    (tmp_path / "folder").mkdir()
    return tmp_path


def test_path_settings_expand_the_home_directory(home):
    for kind, given in ((ExistingFile, "~/a.csv"), (ExistingDirectory, "~/folder"), (AnyPath, "~/seed{seed}")):
        assert TypeAdapter(kind).validate_python(given) == given.replace("~", str(home))


def test_only_path_settings_of_plug_ins_expand_the_home_directory(home):
    file = {"kind": "file", "path": "~/a.csv", "template": "~/{x}"}
    assert PROMPT_SOURCES.complete(file) | {"path": f"{home}/a.csv"} == PROMPT_SOURCES.complete(file)
    assert PROMPT_SOURCES.complete(file)["template"] == "~/{x}"
    model = SOURCES.complete({"source": "local", "path": "~/folder", "label": "~/m", "chat_template": "~/t.jinja"})
    assert (model["path"], model["chat_template"]) == (f"{home}/folder", f"{home}/t.jinja")
    assert model["label"] == "~/m"
    assert DIRECTIONS.complete({"method": "file", "path": "~/a.csv"})["path"] == f"{home}/a.csv"


def test_every_path_key_has_a_path_format():
    """By its name, or since it says that it is a file or a folder."""

    def paths(node, key=""):
        if isinstance(node, dict):
            is_text = "string" in node.get("type", ()) and node.get("format") not in ("label", "font")
            if is_text and (key in ("path", "include_path") or isinstance(node.get("format"), str)):
                yield key, node.get("format")
            for name, item in node.items():
                yield from paths(item, name)
        elif isinstance(node, list):
            for item in node:
                yield from paths(item, key)

    found = list(paths(load_schema()))
    assert len(found) > 20
    assert [key for key, form in found if form not in PATHS] == []
