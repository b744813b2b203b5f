"""How many blocks a model has, as far as its stanza says."""

import json

import pytest

from steadfast.config.depth import known_depth
from steadfast.errors import ConfigError
from steadfast.organisms.settings import OrganismSettings

ORGANISM = {"source": "organism", "recipe": "raw"}


def test_the_depth_of_an_organism_is_that_of_its_settings():
    assert known_depth(ORGANISM, {}) == OrganismSettings().layers
    assert known_depth(ORGANISM, {"layers": 7}) == 7


@pytest.mark.parametrize("settings", [{"num_hidden_layers": 7}, {"text_config": {"num_hidden_layers": 7}}])
def test_the_depth_of_a_local_checkpoint_is_read_from_its_configuration(tmp_path, settings):
    (tmp_path / "config.json").write_text(json.dumps(settings))
    assert known_depth({"source": "local", "path": str(tmp_path)}, {}) == 7


def test_the_depth_of_a_hub_model_is_not_known_before_it_is_fetched():
    assert known_depth({"source": "hub", "repo": "a/b", "revision": "main"}, {}) is None


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"num_hidden_layers": null}'])
def test_a_local_directory_whose_depth_cannot_be_read_is_an_error(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ConfigError, match=r"config\.json"):
        known_depth({"source": "local", "path": str(tmp_path)}, {})
