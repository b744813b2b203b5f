"""Paths that begin with the home folder, wherever the configuration names one."""

from steadfast.config.home import PATHS, with_home
from steadfast.config.schema import load_schema


def test_paths_begin_at_home_and_other_texts_stay(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    config = {
        "prompts": {
            "harmful": [{"kind": "file", "path": "~/a.csv", "template": "~/{x}"}, {"kind": "dataset", "path": "~/d"}]
        },
        "models": {
            "one": {"source": "local", "path": "~/m", "label": "~/m", "chat_template": "~/t.jinja"},
            "two": {"source": "adapter", "path": "~/seed{seed}"},
        },
        "sweeps": {"s": {"directions": {"d": {"method": "file", "path": "~/d.npy"}}}},
        "judges": {"r": {"kind": "regex", "patterns": "~nobody-of-this-name/p.yaml"}},
        "generation": {"system_prompt": "~/"},
        "side_effects": {"text": {"kind": "file", "path": "~"}},
        "annotations": ["~/a.csv", "b.csv"],
        "counts_tables": {"c": "~/c.csv"},
        "runtime": {"vllm_python": "~/v/bin/python"},
    }
    found = with_home(config)
    assert found["prompts"]["harmful"] == [
        {"kind": "file", "path": "/home/me/a.csv", "template": "~/{x}"},
        {"kind": "dataset", "path": "/home/me/d"},
    ]
    assert found["models"]["one"] == {
        "source": "local",
        "path": "/home/me/m",
        "label": "~/m",
        "chat_template": "/home/me/t.jinja",
    }
    assert found["models"]["two"]["path"] == "/home/me/seed{seed}"
    assert found["sweeps"]["s"]["directions"]["d"]["path"] == "/home/me/d.npy"
    assert found["judges"] == config["judges"]
    assert found["generation"] == config["generation"]
    assert found["side_effects"]["text"]["path"] == "/home/me"
    assert (found["annotations"], found["counts_tables"]) == (["/home/me/a.csv", "b.csv"], {"c": "/home/me/c.csv"})
    assert found["runtime"] == {"vllm_python": "/home/me/v/bin/python"}


def test_every_key_that_is_a_path_is_marked_as_one():
    """By its name, or since it says that it is a file or a folder."""

    def paths(node, key=""):
        if isinstance(node, dict):
            is_text = "string" in node.get("type", ()) and node.get("format") != "label"
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
