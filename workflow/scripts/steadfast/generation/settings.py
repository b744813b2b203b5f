"""Settings and capabilities shared by engines."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from steadfast.core.settings import SettingsModel

if TYPE_CHECKING:
    from steadfast.generation.interface import Runtime


@dataclass(frozen=True)
class CpuSpeed:
    """Seconds that an engine takes on one CPU thread, measured by benchmarks/generation.py.

    The values of engines are fitted to benchmarks/results/generation.md.

    Attributes:
        start: seconds to import everything and load a tiny model.
        start_per_billion: additional start time per billion parameters.
        token: seconds per generated token, for any model.
        token_per_billion: additional seconds per token and billion parameters.
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
        in_process: whether it runs the model in the job's process, which interventions require.
        needs_adapters: whether it applies the factors of an edit as an adapter.
        environment: conda environment of its jobs.
        cpu_speed: its speed on a CPU; ``engine: auto`` never chooses an engine without it.
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
        """Why it is always the fastest on this machine; empty if that depends on the model and prompts."""
        del runtime
        return ""
