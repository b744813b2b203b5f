"""External conditions are checked when a run starts: after the configuration, before the first job."""

import re

import pytest
from tests.hub_simulator import client_variables, hub_simulator


@pytest.fixture
def with_a_hub_model(fresh, monkeypatch):
    """A tree with a model of the hub."""
    fresh.put("models.big", {"source": "hub", "repo": "maker/model", "revision": "main"})
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with hub_simulator() as hub:
        for name, value in client_variables(hub.url, fresh.folder / "hub").items():
            monkeypatch.setenv(name, value)
        yield fresh, hub


@pytest.mark.slow
def test_gated_model_stops_a_run_but_not_a_dry_run(with_a_hub_model):
    tree, hub = with_a_hub_model
    hub.locked = "gated"
    status, text = tree.dry_run()
    assert status == 0 and hub.requests == []
    status, text = tree.run_alone()
    assert status == 1
    assert text.count("The run cannot start; no job was started.") == 1
    assert text.count("models.big: maker/model is gated: accept its license on its page of the hub") == 1
    assert "Traceback" not in text
    assert not (tree.folder / "results" / "models").exists()
    assert hub.downloaded() == []


def test_missing_gpus_stop_the_run_before_its_first_job(fresh, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    fresh.put("models.raw.gpus", 4)
    fresh.put("models.score0.gpus", 2)
    status, text = fresh.run()
    assert status == 1
    assert re.findall(r"^.*GPUs are asked for.*$", text, flags=re.MULTILINE) == [
        "models.raw.gpus: 4 GPUs are asked for, and 2 can be used here; use fewer, or a cluster "
        "(--profile profiles/slurm)"
    ]
    assert not (fresh.folder / "results" / "models").exists()
