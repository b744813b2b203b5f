"""``engine: auto``: the engine that is expected to finish first, including its start."""

from collections.abc import Sequence
from pathlib import Path

from steadfast.core.plug_ins import ENGINES
from steadfast.core.registry import own_names
from steadfast.generation.interface import GenerationRequest, Runtime
from steadfast.generation.settings import EngineSettings
from steadfast.models.pointer import checkpoint_path
from steadfast.models.weights import open_checkpoint

AUTO = "auto"


def possible_engines(name: str) -> dict[str, type[EngineSettings]]:
    """The possible engines of an ``engine`` setting, with their ``Settings``; for ``auto`` the built-in ones."""
    return {engine: ENGINES.settings(engine) for engine in (own_names(ENGINES.package) if name == AUTO else [name])}


def runs_in_process(name: str) -> bool:
    """Whether every possible engine of an ``engine`` setting runs the model in the job's process."""
    return all(settings.in_process for settings in possible_engines(name).values())


def in_process_engine() -> str:
    """Name of the in-process engine."""
    return next(name for name, settings in possible_engines(AUTO).items() if settings.in_process)


def choose_engine(model_dir: str | Path, requests: Sequence[GenerationRequest], runtime: Runtime) -> tuple[str, str]:
    """Name of the chosen engine, and the reason for the log."""
    known = {name: settings for name, settings in possible_engines(AUTO).items() if settings.cpu_speed is not None}
    obstacles = {name: settings.obstacle(runtime) for name, settings in known.items()}
    able = [name for name, obstacle in obstacles.items() if not obstacle]
    if len(able) == 1:
        return able[0], "; ".join(filter(None, obstacles.values()))
    for name in able:
        if advantage := known[name].advantage(runtime):
            return name, advantage
    parameters = count_parameters(model_dir)
    tokens = sum(request.max_new_tokens for request in requests)
    expected = {name: speed.seconds(parameters, tokens) for name in able if (speed := known[name].cpu_speed)}
    fastest = min(expected, key=lambda name: expected[name])
    seconds = ", ".join(f"{name} {value:.0f} s" for name, value in expected.items())
    size = f"{parameters / 1e6:.1f} million parameters"
    return fastest, f"{size} and at most {tokens} tokens on a CPU, expected: {seconds}"


def count_parameters(model_dir: str | Path) -> int:
    """Number of stored parameters, from the headers of the safetensors files."""
    return open_checkpoint(checkpoint_path(model_dir)).parameters
