"""Settings and capabilities that engines share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from steadfast.core.settings import SettingsModel

if TYPE_CHECKING:
    from steadfast.generation.interface import Runtime


@dataclass(frozen=True)
class CpuSpeed:
    """Seconds that an engine takes on one CPU thread, as benchmarks/generation.py measures them.

    The values of engines are fitted to benchmarks/results/generation.md.

    Attributes:
        start: to import everything and to load a tiny model.
        start_per_billion: more of it per billion parameters.
        token: per generated token, whatever the model.
        token_per_billion: more of it per billion parameters.
    """

    start: float
    start_per_billion: float
    token: float
    token_per_billion: float

    def seconds(self, parameters: int, tokens: int) -> float:
        """Expected duration of a job that generates this number of tokens."""
        billions = parameters / 1e9
        return (
            self.start + self.start_per_billion * billions + tokens * (self.token + self.token_per_billion * billions)
        )


class EngineSettings(SettingsModel):
    """Settings of every engine: keys of the section ``runtime``.

    Attributes:
        in_process: whether it runs the model in the job's own process, where interventions can change it.
        needs_adapters: whether it applies the factors of an edit as an adapter.
        environment: conda environment of its jobs.
        cpu_speed: how long it takes on a CPU; ``engine: auto`` never takes one of which nothing is known.
    """

    in_process: ClassVar[bool] = False
    needs_adapters: ClassVar[bool] = False
    environment: ClassVar[str] = "base"
    cpu_speed: ClassVar[CpuSpeed | None] = None

    @classmethod
    def obstacle(cls, runtime: "Runtime") -> str:
        """Why ``engine: auto`` cannot use it here; empty if it can."""
        del runtime
        return ""

    @classmethod
    def advantage(cls, runtime: "Runtime") -> str:
        """Why it is the fastest here for any model and prompts; empty if that depends on them."""
        del runtime
        return ""
