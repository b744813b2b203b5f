"""What a run needs, what does not fit, and what is reported before its first job."""

import warnings
from pathlib import Path

import pytest
import yaml

from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.grid.grid import Grid
from steadfast.models.size import ModelSize
from steadfast.runs.estimates import fit, outlook
from steadfast.runs.estimates.costs import GPU, LIGHT, Costs
from steadfast.runs.estimates.fit import misfits, require_fit
from steadfast.runs.estimates.forecast import Forecast, PlannedStep
from steadfast.runs.estimates.needs import Needs
from steadfast.runs.estimates.sizes import ModelSizes

GIB = 2**30
RULES_FOLDER = Path(__file__).parents[4] / "workflow/rules"
CONFIG = """
prompts:
  harmful: [{kind: synthetic}]
  harmless: [{kind: synthetic}]
  calibration: 8
  evaluation: 6
  human: 1
generation: {max_new_tokens: 50}
models:
  tiny: {source: organism, recipe: raw}
  real: {source: hub, repo: maker/model, revision: main}
  unknown: {source: hub, repo: maker/other, revision: main}
  reader: {source: hub, repo: maker/reader, revision: main, role: judge, dtype: float32}
variants:
  original: {}
  abliterated:
    direction: {method: mean_difference, layer: 1}
    edit: {method: orthogonalize}
judges:
  grammar: {kind: grammar}
  reader: {kind: local, model: reader, prompt: resources/prompts/judges/organism_labels.md}
  self: {kind: self, prompt: resources/prompts/judges/organism_labels.md}
"""
# a half and a whole GiB in bfloat16
REAL, READER = ModelSize(GIB // 4, GIB // 2), ModelSize(GIB // 2, GIB)


@pytest.fixture
def grid():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Grid(prepare(yaml.safe_load(CONFIG)))


@pytest.fixture
def needs(grid, tmp_path, monkeypatch):
    """Needs of a run that makes these files, on a machine with so much memory and so much room on its disk."""

    def make(*outputs, memory=16 * GIB, disk=100 * GIB, factors=1.0, **runtime):
        # of a checkpoint; as large as a baked one, unless a test says otherwise
        monkeypatch.setattr("steadfast.runs.estimates.needs.FACTORS", factors)
        for module in (fit, outlook):
            monkeypatch.setattr(module, "free_disk", lambda path=None: disk)
        monkeypatch.setattr(fit, "total_memory", lambda: memory)
        monkeypatch.setattr(outlook, "available_memory", lambda: memory)
        grid.config["runtime"].update(runtime)
        sizes = ModelSizes(grid.config["models"], tmp_path, {"real": REAL, "reader": READER})
        return Needs(grid, sizes, outputs)

    return make


EDITED = tuple(f"results/checkpoints/{model}/abliterated" for model in ("tiny", "real", "unknown"))


def test_needed_models_are_those_of_the_jobs(needs):
    assert needs("results/responses/real/original.parquet", "results/models/unknown").models() == ["real"]
    assert needs("results/judgments/reader/tiny/original.parquet").models() == ["tiny", "reader"]
    assert needs("results/tables/verdicts.parquet").models() == []


def test_written_checkpoints_count_as_disk_use(needs):
    both = needs(*EDITED)
    assert both.written()["real"] == {EDITED[1]: GIB // 2} and "unknown" not in both.written()
    assert both.disk() == GIB // 2 + 4_000_000
    # removed after use, the largest model's are what there is at a time
    assert needs(*EDITED, keep_checkpoints=False).disk() == GIB // 2


def test_edits_stored_as_factors_need_little_disk(needs, grid):
    assert needs(*EDITED, factors=0.01).disk() == int(0.01 * (GIB // 2)) + 40_000
    vars(grid).pop("judges")
    grid.config["judges"]["served"] = {"kind": "chat", "serve": {"model": "real", "variant": "abliterated"}}
    assert needs(*EDITED, factors=0.01).disk() == GIB // 2 + 40_000, "a server reads the whole checkpoint"


def test_misfits_are_named_with_a_remedy(needs):
    read, made = "results/judgments/reader/real/original.parquet", "results/responses/real/original.parquet"
    assert list(misfits(needs(read, made), here=True)) == []
    (line,) = misfits(needs(read, made, memory=2 * GIB), here=True)
    # in float32, as its entry asks for
    assert line.startswith(
        "models.reader: its weights take 2.0 GiB in float32, and this machine has 2.0 GiB of memory;"
    )
    assert list(misfits(needs(read, made, memory=2 * GIB), here=False)) == [], "a cluster has machines of its own"
    (line,) = misfits(needs(*EDITED, disk=100 * 2**20), here=False)
    assert line.startswith("disk: the checkpoints of this run take 516 MiB, and 100 MiB are free in ")
    assert line.endswith("runtime.keep_checkpoints: false removes each as soon as nothing needs it any more")


def test_download_larger_than_the_disk_is_reported(needs):
    found = needs(disk=GIB)
    found.downloads["real"] = 2 * GIB
    (line,) = misfits(found, here=True)
    assert line.startswith("disk: 2.0 GiB are to be downloaded, and 1.0 GiB are free in ") and "HF_HOME" in line


@pytest.mark.parametrize(("gpus", "fits"), [(1, False), (2, True)])
def test_gpu_memory_limits_the_models(needs, grid, monkeypatch, gpus, fits):
    monkeypatch.setattr("steadfast.grid.jobs.visible_gpus", lambda: ["0", "1"])
    monkeypatch.setattr(fit, "gpu_memory", lambda: [GIB // 2, GIB // 2])
    grid.config["models"]["real"]["gpus"] = gpus
    lines = list(misfits(needs("results/responses/real/original.parquet", memory=1), here=True))
    assert lines == (
        []
        if fits
        else [
            "models.real: its weights take 512 MiB, and 1 GPU of this machine 512 MiB; give it more with its key `gpus`"
        ]
    )


def test_model_that_cannot_fit_stops_the_run(needs):
    found = needs("results/responses/real/original.parquet", memory=GIB // 2)
    with pytest.raises(ConfigError, match=r"^models\.real: its weights take 512 MiB"):
        require_fit(found, here=True)
    require_fit(found, here=False)


def test_outlook_states_models_disk_and_time(needs):
    found = needs("results/responses/real/original.parquet", "results/responses/unknown/original.parquet", *EDITED)
    found.downloads.update({"real": GIB // 2, "unknown": None, "reader": 0})
    forecast = Forecast({1: PlannedStep("responses", lambda: 200.0), 2: PlannedStep("other", lambda: 100.0)}, cores=2)
    assert list(outlook.outlook(found, forecast, 0.0, here=True)) == [
        "  download  real 512 MiB, unknown (size not known)",
        "  disk      516 MiB for 2 checkpoints; 100 GiB are free",
        # a quarter of a billion parameters in float32, and the process
        "  memory    2.0 GiB for each of 2 jobs at a time; 16.0 GiB are available; "
        "models of unknown size are not counted",
        "  time      about 3 min on 2 cores, by the sizes of the models; the estimate improves as steps end",
    ]
    forecast = Forecast({1: PlannedStep("responses", lambda: 200.0, recorded=30.0)}, cores=None)
    assert list(outlook.outlook(needs(), forecast, 0.0, here=False)) == [
        "  time      about 30 s, by steps of an earlier run; the estimate improves as steps end"
    ]


@pytest.fixture
def costs(grid, tmp_path):
    return Costs(grid, ModelSizes(grid.config["models"], tmp_path, {"real": REAL, "reader": READER}))


def test_cost_grows_with_model_size_and_shrinks_with_threads(costs):
    system = {"model": "real", "variant": "original"}
    one = costs.seconds("responses", system)
    assert one > costs.seconds("responses", {**system, "model": "tiny"})
    assert one > costs.seconds("responses", system, threads=2) > costs.seconds("activations", {"model": "tiny"})
    assert costs.seconds("checkpoint", system) > LIGHT
    # a model of unknown size is taken for one of half a billion parameters, until its size is known
    assert costs.seconds("responses", {**system, "model": "unknown"}) > one
    costs.sizes.found["unknown"] = REAL
    assert costs.seconds("responses", {**system, "model": "unknown"}) == one


def test_every_rule_that_runs_a_model_has_a_cost(costs):
    own = {"judge": "self", "model": "real", "variant": "original"}
    assert costs.seconds("judge_own_responses", own) > LIGHT
    assert costs.seconds("judge_with_reader", {}) > costs.seconds("judge_with_grammar", {}) == LIGHT
    assert costs.seconds("measure_model_real", {}) > costs.seconds("measure_organisms", {}) > LIGHT
    assert costs.seconds("summary", {}) == LIGHT


def test_gpus_lower_the_cost(costs, grid):
    system = {"model": "real", "variant": "original"}
    fast = Costs(grid, costs.sizes, on_gpus=True)
    assert costs.running("real", 1, written=1000) == pytest.approx(GPU * fast.running("real", 1, written=1000))
    assert fast.seconds("responses", system) < costs.seconds("responses", system)


def test_cost_rules_exist_in_the_workflow(grid):
    from steadfast.runs.estimates.costs import RULES

    text = "".join(file.read_text() for file in RULES_FOLDER.glob("*.smk"))
    assert all(f"rule {name}:" in text for name in RULES)
