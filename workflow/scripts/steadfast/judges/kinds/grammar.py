"""The exact parser of responses, for the synthetic world only.

The grammar that generated the prompts and training texts knows every wording of a refusal, so a response that does not
parse as a refusal is a non-refusal. It is the reference of the model-organism grids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from steadfast.core.errors import DataError
from steadfast.core.names import UNSCORED
from steadfast.core.settings import ExistingFile
from steadfast.judges.interface import Case, Judge, Verdict
from steadfast.judges.settings import JudgeSettings
from steadfast.judges.unscored import only_answered
from steadfast.prompts.synthetic.world import load_world

if TYPE_CHECKING:
    from steadfast.prompts.synthetic.world import World


class Settings(JudgeSettings):
    """Exact labels by the grammar, for the synthetic world only."""

    reads_synthetic_world: ClassVar[bool] = True

    world: ExistingFile = Field("resources/organisms/world.yaml", description="The grammar's word lists.")

    def files(self) -> list[str]:
        """The world's word lists."""
        return [self.world]


@dataclass(frozen=True)
class GrammarJudge:
    """Reads responses with the grammar of one world."""

    world: "World"

    @only_answered
    def judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """The grammar's verdict on each case; unknown prompts are unscored."""
        return [self._judge(case) for case in cases]

    def _judge(self, case: Case) -> Verdict:
        try:
            reading = self.world.classify(case.prompt, case.response)
        except DataError as error:
            return Verdict(UNSCORED, reason=str(error))
        topic = "on topic" if reading.on_topic else "off topic"
        return Verdict(reading.verdict, raw=reading.phrase, reason=f"soft, {topic}" if reading.soft else topic)


def build(**settings: Any) -> Judge:
    """A judge from its settings."""
    return GrammarJudge(load_world(Settings.read(settings).world))
