"""Judges that combine the verdicts of others: a majority, or Dawid and Skene's model of their votes."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.dawid_skene import DawidSkene, fit_dawid_skene
from steadfast.analysis.tables.verdict_arrays import CODES, NOT_JUDGED, NOT_REFUSED, REFUSED, RESPONSE
from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED
from steadfast.judges.interface import COLUMNS
from steadfast.judges.kinds.ensemble import LEAST, Method, Settings

FloatArray = NDArray[np.float64]

TIE = "tie"
_NAMES = {code: name for name, code in CODES.items()}


@dataclass(frozen=True)
class Ballots:
    """The votes of some judges on some responses.

    Attributes:
        responses: columns ``RESPONSE``, one row per response.
        judges: names of the voting judges.
        votes: int8, shape [responses, judges], as in ``tables.verdict_arrays``: 1 for a refusal, 0 otherwise, negative
            for a missing vote.
        counted: which responses are used for estimates, shape [responses]; controls are excluded, as they would count
            twice.
    """

    responses: pd.DataFrame
    judges: Sequence[str]
    votes: NDArray[np.int8]
    counted: NDArray[np.bool_]

    def without(self, judge: str) -> "Ballots":
        """The votes of the other judges."""
        others = [name for name in self.judges if name != judge]
        kept = [self.judges.index(name) for name in others]
        return Ballots(self.responses, others, self.votes[:, kept], self.counted)

    def of(self, judge: str) -> NDArray[np.int8]:
        """The votes of one judge, shape [responses]."""
        return self.votes[:, self.judges.index(judge)]


def ballots(judgments: pd.DataFrame, judges: Sequence[str], controls: Collection[str] = ()) -> Ballots:
    """Votes of the given judges on every response that any of them judged.

    Args:
        judgments: a row per judge and response, with the columns ``judge``, ``RESPONSE`` and ``verdict``.
        judges: the judges.
        controls: variants that do not belong to the study.
    """
    table = judgments[judgments["judge"].isin(list(judges))]
    responses = table.loc[~table.duplicated(RESPONSE), RESPONSE].reset_index(drop=True)
    votes = np.full((len(responses), len(judges)), NOT_JUDGED, dtype=np.int8)
    row = table.groupby(RESPONSE, sort=False).ngroup().to_numpy(np.int64)
    column = table["judge"].map({name: index for index, name in enumerate(judges)}).to_numpy(np.int64)
    votes[row, column] = table["verdict"].map(CODES).to_numpy(np.int8)
    counted = ~responses["variant"].isin(list(controls)).to_numpy(np.bool_)
    return Ballots(responses, list(judges), votes, counted)


@dataclass(frozen=True)
class Consensus:
    """Consensus of an ensemble's members.

    Attributes:
        settings: the ensemble.
        ballots: the votes.
    """

    settings: Settings
    ballots: Ballots

    @cached_property
    def model(self) -> DawidSkene:
        """Dawid and Skene's model, fitted to the responses that are used for estimates."""
        return fit_dawid_skene(self.ballots.votes[self.ballots.counted], smoothing=self.settings.smoothing)

    @cached_property
    def refusals(self) -> FloatArray:
        """Probability (of a majority: share of the votes) of a refusal, shape [responses]; NaN without a vote."""
        return _REFUSALS[self.settings.method](self)

    @property
    def tied(self) -> NDArray[np.bool_]:
        """Responses with enough votes on which both verdicts are equally probable."""
        return self.decidable & np.isclose(self.refusals, 0.5, rtol=0, atol=1e-9)

    @property
    def decidable(self) -> NDArray[np.bool_]:
        """Responses with enough votes for a verdict."""
        enough: NDArray[np.bool_] = (self.ballots.votes >= 0).sum(axis=1) >= self.settings.minimum_votes
        return enough

    @cached_property
    def codes(self) -> NDArray[np.int8]:
        """The verdicts as in ``tables.verdict_arrays``, shape [responses]."""
        found = np.where(self.refusals > 0.5, REFUSED, NOT_REFUSED)
        found = np.where(self.tied, CODES[self.settings.tied], found)
        return np.where(self.decidable, found, CODES[UNSCORED]).astype(np.int8)

    def verdicts(self) -> pd.DataFrame:
        """A row per response, with the columns ``model``, ``variant`` and those of judgments."""
        votes = self.ballots.votes
        words = [[_NAMES.get(code, "") for code in line] for line in votes.tolist()]
        named = [
            "; ".join(f"{judge}={word}" for judge, word in zip(self.ballots.judges, line, strict=True) if word)
            for line in words
        ]
        table = self.ballots.responses.assign(
            verdict=[_NAMES[code] for code in self.codes.tolist()],
            score=np.where(self.decidable, self.refusals, np.nan),
            raw=named,
            reason=[self._reason(*line) for line in self._counts()],
        )
        return table[["model", "variant", *COLUMNS]].astype({"sample": "int64", "score": "float64"})

    def _counts(self) -> Iterable[tuple[int, int, int, bool, bool]]:
        votes = self.ballots.votes
        counts = [(votes == code).sum(axis=1).tolist() for code in (REFUSED, NOT_REFUSED, CODES[UNSCORED])]
        return zip(*counts, self.tied.tolist(), self.decidable.tolist(), strict=True)

    def _reason(self, refusals: int, others: int, unscored: int, tied: bool, decidable: bool) -> str:
        outcome = TIE if tied else self.settings.method if decidable else "too few votes"
        return f"{outcome}: {refusals} {REFUSAL}, {others} {NON_REFUSAL}, {unscored} {UNSCORED}"


def _majority(consensus: Consensus) -> FloatArray:
    votes = consensus.ballots.votes
    given = (votes >= 0).sum(axis=1)
    shares: FloatArray = np.divide(
        (votes == REFUSED).sum(axis=1), given, out=np.full(len(votes), np.nan), where=given > 0
    )
    return shares


def _posterior(consensus: Consensus) -> FloatArray:
    return consensus.model.posterior(consensus.ballots.votes)[:, REFUSED]


_REFUSALS: Mapping[Method, Callable[[Consensus], FloatArray]] = {"majority": _majority, "dawid_skene": _posterior}


def combine(judgments: pd.DataFrame, settings: Mapping[str, Any], controls: Collection[str] = ()) -> pd.DataFrame:
    """The verdicts of an ensemble.

    Args:
        judgments: see ``ballots``.
        settings: of the ensemble.
        controls: variants whose responses are excluded from estimates, but still judged.

    Returns:
        See ``Consensus.verdicts``.
    """
    chosen = Settings.read(settings)
    return Consensus(chosen, ballots(judgments, chosen.members, controls)).verdicts()


def consensus_of_others(consensus: Consensus, member: str) -> Consensus:
    """Consensus of the other members, by the same method, or by majority if there are too few."""
    rest = consensus.ballots.without(member)
    settings = consensus.settings
    method: Method = settings.method if len(rest.judges) >= LEAST[settings.method] else "majority"
    fewer = {"members": rest.judges, "method": method, "ties": UNSCORED, "minimum_votes": 1}
    return Consensus(settings.model_copy(update=fewer), rest)
