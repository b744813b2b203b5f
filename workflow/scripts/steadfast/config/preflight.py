"""What a run needs from outside, looked at when it starts and before its first job: keys, money, licences.

A dry run and a plan need none of it, so none of it is part of validating the configuration.
"""

from collections.abc import Collection, Iterator

from steadfast.config.grid import Grid
from steadfast.errors import ConfigError, SteadfastError


def check_before_run(grid: Grid, outputs: Collection[str]) -> None:
    """Look for missing keys, judges over their limits and models that may not be downloaded.

    Args:
        grid: the grid.
        outputs: the files that the run is about to make; what it does not need is not looked at.

    Raises:
        ConfigError: with a line per problem.
    """
    judges = [name for name in grid.paid_judges() if not set(grid.judgments([name])).isdisjoint(outputs)]
    models = [name for name in grid.models_from("hub") if grid.model_directory(name) in outputs]
    problems = [*_missing_keys(grid, judges), *_excess(grid, judges), *_refused_downloads(grid, models)]
    if problems:
        raise ConfigError("\n".join(problems))


def _missing_keys(grid: Grid, judges: list[str]) -> Iterator[str]:
    from steadfast.judges._chat.settings import ChatSettings

    for name in judges:
        stanza = grid.config["judges"][name]
        try:
            ChatSettings(prompt=stanza["prompt"], api_key_env=stanza["api_key_env"]).api_key()
        except ConfigError as error:
            yield f"judges.{name}.{error}"


def _excess(grid: Grid, names: list[str]) -> Iterator[str]:
    judges = {name: judge for name, judge in grid.paid_judges().items() if name in names}
    if not any(judge["max_requests"] is not None or judge["max_cost"] is not None for judge in judges.values()):
        return
    from steadfast.plan import refuse_excess, work_of

    try:
        refuse_excess(judges, work_of(**grid.planned_work()))
    except ConfigError as error:
        yield str(error)


def _refused_downloads(grid: Grid, models: list[str]) -> Iterator[str]:
    if not models:
        return
    from steadfast.models.hub import resolve_revision

    for name in models:
        stanza = grid.config["models"][name]
        try:
            resolve_revision(stanza["repo"], stanza["revision"])
        except SteadfastError as error:
            yield f"models.{name}: {error}"
