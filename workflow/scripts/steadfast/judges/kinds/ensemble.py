"""Several judges combined into one: by majority, or by Dawid and Skene's model of their votes."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from steadfast.core.errors import ConfigError
from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED, VerdictName
from steadfast.core.settings import Text, UniqueItems
from steadfast.judges.interface import Judge
from steadfast.judges.settings import JudgeSettings, Scope

Method = Literal["dawid_skene", "majority"]
LEAST: dict[Method, int] = {"majority": 2, "dawid_skene": 3}
"""Minimum number of members per method; the errors of two judges cannot be identified from their votes alone."""


class Settings(JudgeSettings):
    """Several judges of the configuration as one judge, from their verdicts."""

    scope: ClassVar[Scope] = "verdicts"

    members: UniqueItems[Text] = Field(min_length=2, description="Names of the judges, under `judges`.")
    method: Method = Field(
        "majority",
        description=(
            "`majority` counts votes. `dawid_skene` (at least three members) estimates each member's sensitivity "
            "and specificity from the votes and weights the votes accordingly; the score is the probability of a "
            "refusal."
        ),
    )
    ties: Literal["non_refusal", "refusal", "unscored"] = Field(UNSCORED, description="Verdict in case of a tie.")
    minimum_votes: int = Field(
        1, ge=1, le=100, description="Minimum number of verdicts of members; responses with fewer are `unscored`."
    )
    smoothing: float = Field(
        0.5,
        ge=0,
        le=1000,
        description=(
            "For `dawid_skene`: pseudo-count added to each cell of a member's confusion matrix, so that no member "
            "is considered infallible."
        ),
    )

    def check(self) -> None:
        """Check that there are enough members."""
        found, least = len(self.members), LEAST[self.method]
        if found < least:
            raise ConfigError(f"members: {found} given; `method: {self.method}` needs at least {least}")
        if self.minimum_votes > found:
            raise ConfigError(f"minimum_votes: {self.minimum_votes} is more than there are members ({found})")

    @property
    def tied(self) -> VerdictName:
        """The verdict of a tie."""
        names: dict[str, VerdictName] = {name: name for name in (REFUSAL, NON_REFUSAL, UNSCORED)}
        return names[self.ties]


def build(**settings: Any) -> Judge:
    """An ensemble reads no responses; `steadfast.analysis.tables.ensembles` combines the verdicts of a run.

    Raises:
        ConfigError: always.
    """
    members = ", ".join(Settings.read(settings).members)
    raise ConfigError(f"an ensemble combines verdicts and reads no responses: judge by each of {members}")
