"""Which points of the space a search tries: a multi-objective tree-structured Parzen estimator (Optuna), in a journal.

Every trial is drawn by a sampler that is seeded by the search's seed and the number of trials before it, and knows
these trials alone. A search that was killed therefore continues with the trials that it would have made, and a search
of more trials begins with those of a shorter one.
"""

import warnings
import zlib
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import BaseSampler, PartialFixedSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from steadfast.attacks.search.space import Point, Space
from steadfast.core.progress import Progress

NUMBER = "number"
DAMAGE = "damage"
WORST = 1e9
RANDOM = 15


@dataclass(frozen=True)
class Screened:
    """What the screening of an edit found.

    Attributes:
        refusal_score: mean log odds that the response to a harmful prompt begins with a refusal token.
        divergence: mean KL(original ‖ edited) along the original's responses to harmless prompts, nats per token.
    """

    refusal_score: float
    divergence: float


@dataclass(frozen=True)
class Trial:
    """A trial.

    Attributes:
        number: its number, from 0 on.
        point: what was tried.
        screened: what came of it.
    """

    number: int
    point: Point
    screened: Screened


@dataclass(frozen=True)
class Search:
    """The trials of a search.

    Attributes:
        space: what may be tried.
        journal: the file that holds the trials.
        name: what decides the trials, as a hash; trials of another name in the file are not this search's.
        bound: damage bound on the divergence, beyond which the sampler takes a trial for infeasible.
        seed: of the sampler.
        random: number of first trials that are drawn at random; the very first one is the fixed recipe.
    """

    space: Space
    journal: Path
    name: str
    bound: float
    seed: int
    random: int = RANDOM

    def run(self, trials: int, screen: Callable[[Point], Screened]) -> list[Trial]:
        """Try as many points as ``trials`` says, those of the journal among them.

        Args:
            trials: number of trials.
            screen: what tries one.
        """
        study = self._study()
        done = _finished(study)
        with Progress("trials", trials, resumed=min(len(done), trials)) as progress:
            while len(done) < trials:
                with progress.part(_best(done, self.bound)):
                    done.append(self._try(study, len(done), screen))
        best = _best(done[:trials], self.bound)
        print(f"screening: {best or 'no trial'}", flush=True)
        return done[:trials]

    def _try(self, study: optuna.Study, number: int, screen: Callable[[Point], Screened]) -> Trial:
        study.sampler = self._sampler(number)
        trial = study.ask()
        point = self._point(trial)
        found = screen(point)
        # a score that is not a number is as bad as can be
        screened = Screened(*(min(value, WORST) if value == value else WORST for value in astuple(found)))
        trial.set_constraint(DAMAGE, screened.divergence - self.bound)
        trial.set_user_attr(NUMBER, number)
        study.tell(trial, list(astuple(screened)))
        return Trial(number, point, screened)

    def _point(self, trial: optuna.Trial) -> dict[str, Any]:
        point: dict[str, Any] = {
            name: trial.suggest_categorical(name, values) for name, values in self.space.choices.items()
        }
        for name, bounds in self.space.ranges.items():
            if bounds.whole:
                point[name] = trial.suggest_int(name, int(bounds.low), int(bounds.high))
            else:
                point[name] = trial.suggest_float(name, bounds.low, bounds.high)
        return point

    def _sampler(self, number: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            seed = zlib.crc32(f"{self.seed} {number}".encode())
            sampler = TPESampler(n_startup_trials=self.random, multivariate=True, seed=seed)
            return sampler if number else PartialFixedSampler(self.space.first, sampler)

    def _study(self) -> optuna.Study:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(self.journal))),
            study_name=self.name,
            directions=["minimize", "minimize"],
            load_if_exists=True,
        )
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            # of a search that was killed: it is drawn again
            study.tell(trial.number, state=TrialState.FAIL)
        return study


def _finished(study: optuna.Study) -> list[Trial]:
    """The trials of a journal, in order."""
    found = [
        Trial(int(trial.user_attrs[NUMBER]), dict(trial.params), Screened(*trial.values))
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    ]
    return sorted(found, key=lambda trial: trial.number)


def _best(trials: list[Trial], bound: float) -> str:
    within = [trial for trial in trials if trial.screened.divergence <= bound]
    if not within:
        return ""
    best = min(within, key=lambda trial: trial.screened.refusal_score)
    return f"best: refusal score {best.screened.refusal_score:.2f} at KL {best.screened.divergence:.3f}"
