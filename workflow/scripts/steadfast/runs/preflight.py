"""External requirements of a run, checked before its first job: API keys, cost limits, licenses.

A dry run and a plan do not need it, so it is not part of validating the configuration.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from steadfast.config.depth import blocks_beyond, wanted_blocks
from steadfast.config.serving import place_of_model
from steadfast.core.errors import ConfigError, SteadfastError
from steadfast.core.names import PROMPT_LABELS
from steadfast.core.plug_ins import JUDGES
from steadfast.grid import paths
from steadfast.grid.data import Judge
from steadfast.grid.grid import Grid
from steadfast.grid.judging import Judging
from steadfast.grid.judgments import judgments_of
from steadfast.grid.paths import PROMPTS
from steadfast.grid.plan import planned_requests
from steadfast.grid.side_effects import Measures
from steadfast.models.sources import source_of

# Place of a download in the configuration, its entry, and its type: ``model`` or ``dataset``.
Download = tuple[str, Mapping[str, Any], str]


def check_before_run(grid: Grid, outputs: Collection[str], gpus: int | None = None, *, conda: bool = False) -> None:
    """Check for missing keys and packages, judges over their limits, too few GPUs, and inaccessible downloads.

    Args:
        grid: the grid.
        outputs: the files that the run will create; only their requirements are checked.
        gpus: number of GPUs of this machine, if the run is limited to it.
        conda: whether jobs run in separate conda environments.

    Raises:
        ConfigError: with a line per problem.
    """
    sections = {"judges": grid.judges, "rubrics": grid.rubrics}
    asked = {section: _asked(grid, judges, outputs) for section, judges in sections.items()}
    problems = [
        *(problem for section, judges in asked.items() for problem in _missing_keys(judges, section)),
        *(problem for section, judges in asked.items() for problem in _excess(grid, sections[section], judges)),
        *_failing_downloads(grid, outputs),
        *_missing_blocks(grid, outputs),
    ]
    if gpus is not None:
        problems += _too_few_gpus(grid, outputs, gpus)
    if not conda:
        problems += _missing_packages(grid, outputs)
    if problems:
        raise ConfigError("\n".join(problems))


def _missing_packages(grid: Grid, outputs: Collection[str]) -> Iterator[str]:
    measured = not set(paths.SCORES.of(grid.pairs)).isdisjoint(outputs)
    if measured:
        yield from Measures(grid).missing_packages


def _makes_judgments(grid: Grid, judge: str, outputs: Collection[str]) -> bool:
    """Whether a judge reads any responses in this run, including those to calibration prompts."""
    return not set(judgments_of(grid, judge)).isdisjoint(outputs)


def _asked(grid: Grid, judges: dict[str, Judge], outputs: Collection[str]) -> list[Judge]:
    """Judges that send requests in this run."""
    return [judges[name] for name in Judging(grid).paid(judges) if _makes_judgments(grid, name, outputs)]


def _missing_keys(judges: list[Judge], section: str) -> Iterator[str]:
    for judge in judges:
        try:
            JUDGES.read(judge.settings).api_key()
        except ConfigError as error:
            yield f"{section}.{judge.name}.{error}"


def _excess(grid: Grid, section: dict[str, Judge], asked: list[Judge]) -> Iterator[str]:
    names = [judge.name for judge in asked]
    judges = {name: judge for name, judge in Judging(grid).paid(section).items() if name in names}
    if not any(judge["max_requests"] is not None or judge["max_cost"] is not None for judge in judges.values()):
        return
    from steadfast.judges.cost_estimate import reject_excess, work_of

    try:
        reject_excess(judges, work_of(**planned_requests(grid, section)))
    except ConfigError as error:
        yield str(error)


def _failing_downloads(grid: Grid, outputs: Collection[str]) -> Iterator[str]:
    downloads = [*_models(grid, outputs), *_datasets(grid, outputs)]
    if not downloads:
        return
    from steadfast.models.hub import is_cached, require_access

    for where, entry, kind in downloads:
        try:
            place = entry["repo"], entry["revision"]
            cached = kind == "model" and is_cached(*place, source_of(entry).hub_files(entry))
            require_access(*place, kind, is_cached=cached)
        except SteadfastError as error:
            yield f"{where}: {error}"


def _missing_blocks(grid: Grid, outputs: Collection[str]) -> Iterator[str]:
    """Configured blocks that a hub model does not have; other models were checked with the configuration."""
    for name, entry in grid.config["models"].items():
        fetched = "repo" in entry and not source_of(entry).hub_files(entry) and paths.MODEL.at(model=name) in outputs
        if name in grid.studied and fetched and any(wanted_blocks(name, grid.config["variants"])):
            from steadfast.models.hub import depth_on_hub

            depth = depth_on_hub(entry["repo"], entry["revision"])
            if depth is not None:
                yield from blocks_beyond(depth, name, grid.config["variants"])


def _models(grid: Grid, outputs: Collection[str]) -> Iterator[Download]:
    for name, entry in grid.config["models"].items():
        if "repo" in entry and paths.MODEL.at(model=name) in outputs:
            yield place_of_model(grid.config, name), {"revision": "main", **entry}, "model"


def _datasets(grid: Grid, outputs: Collection[str]) -> Iterator[Download]:
    if PROMPTS in outputs:
        for label in PROMPT_LABELS:
            for index, source in enumerate(grid.config["prompts"][label]):
                if source.get("repo"):
                    yield f"prompts.{label}.{index}", source, "dataset"


def _too_few_gpus(grid: Grid, outputs: Collection[str], available: int) -> Iterator[str]:
    asked = {f"models.{name}": grid.models[name].gpus for name in grid.studied if _makes_something_of(name, outputs)}
    for section, judges in (("judges", grid.judges), ("rubrics", grid.rubrics)):
        reading = (judge for name, judge in judges.items() if _makes_judgments(grid, name, outputs))
        asked |= {f"{section}.{judge.name}": Judging(grid).gpus(judge) for judge in reading}
    for where, gpus in asked.items():
        if gpus > available:
            yield (
                f"{where}.gpus: {gpus} GPUs are asked for, and {available} can be used here; use fewer, or a cluster "
                "(--profile profiles/slurm)"
            )


def _makes_something_of(model: str, outputs: Collection[str]) -> bool:
    return any(model in Path(file).with_suffix("").parts for file in set(outputs) - {paths.MODEL.at(model=model)})
