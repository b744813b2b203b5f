"""Which points of the space a search tries: a multi-objective tree-structured Parzen estimator (Optuna), in a journal.

Every trial is drawn by a sampler that is seeded by the search's seed and the trial's number, and knows the trials of
the rounds before it alone, whenever others end. A search that was killed therefore continues with the trials that it
would have made, a search of more trials begins with those of a shorter one, and several workers, each of which screens
one trial of every round, make the same trials however fast each of them is. A round has as many trials as there are
workers; with one worker every trial knows all before it.
"""

import time
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, PartialFixedSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from steadfast.attacks.search.space import Point, Space
from steadfast.core.progress import Progress

DIRECTIONS: tuple[Literal["minimize"], ...] = ("minimize", "minimize")
NUMBER = "number"
DIVERGENCE = "divergence"
WORST = 1e9
RANDOM = 15
POLL_SECONDS = 0.2


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
        bound: bound on the divergence, beyond which the sampler takes a trial for infeasible.
        seed: of the sampler.
        random: number of first trials that are drawn at random; the very first one is the fixed recipe.
        workers: number of processes that share the trials, and of the trials of a round.
    """

    space: Space
    journal: Path
    name: str
    bound: float
    seed: int
    random: int = RANDOM
    workers: int = 1

    def run(
        self,
        trials: int,
        screen: Callable[[Point], Screened],
        worker: int = 0,
        check: Callable[[], None] = lambda: None,
    ) -> list[Trial]:
        """Try as many points as ``trials`` says, those of the journal among them.

        Args:
            trials: number of trials.
            screen: what tries one.
            worker: which of the workers this is; each tries every ``workers``-th point, and waits for the others at the
                end of every round.
            check: called while it waits; raises if another worker has failed.
        """
        study = self._study()
        done = _finished(study, trials)
        with Progress("trials", trials, resumed=len(done)) as progress:
            for number in range(worker, trials, self.workers):
                done = self._wait_for(study, number - worker, trials, check)
                if number in {trial.number for trial in done}:
                    continue
                progress.advance(len(done) - progress.done)
                with progress.part(_best(done, self.bound)):
                    study.add_trial(self._tried(done[: number - worker], number, screen))
            done = self._wait_for(study, trials, trials, check)
            progress.advance(len(done) - progress.done)
        print(f"screening: {_best(done, self.bound) or 'no trial'}", flush=True)
        return done

    def _wait_for(self, study: optuna.Study, first: int, trials: int, check: Callable[[], None]) -> list[Trial]:
        """The finished trials in order, once the first ones are all among them."""
        while True:
            done = _finished(study, trials)
            if [trial.number for trial in done[:first]] == list(range(first)):
                return done
            check()
            time.sleep(POLL_SECONDS)

    def _tried(self, known: Sequence[Trial], number: int, screen: Callable[[Point], Screened]) -> FrozenTrial:
        """One more trial, drawn by a sampler that knows some others."""
        study = optuna.create_study(directions=DIRECTIONS, sampler=self._sampler(number))
        study.add_trials([self._frozen(trial) for trial in known])
        point = dict(study.ask(self._distributions()).params)
        found = screen(point)
        # a score that is not a number is as bad as can be
        screened = Screened(*(min(value, WORST) if value == value else WORST for value in astuple(found)))
        return self._frozen(Trial(number, point, screened))

    def _frozen(self, trial: Trial) -> FrozenTrial:
        """A trial as Optuna keeps it."""
        return create_trial(
            values=list(astuple(trial.screened)),
            params=dict(trial.point),
            distributions=self._distributions(),
            constraints={DIVERGENCE: trial.screened.divergence - self.bound},
            user_attrs={NUMBER: trial.number},
        )

    def _distributions(self) -> dict[str, BaseDistribution]:
        found: dict[str, BaseDistribution] = {
            name: CategoricalDistribution(values) for name, values in self.space.choices.items()
        }
        for name, bounds in self.space.ranges.items():
            kind = IntDistribution if bounds.whole else FloatDistribution
            found[name] = kind(bounds.low, bounds.high)  # type: ignore[arg-type]
        return found

    def _sampler(self, number: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            seed = zlib.crc32(f"{self.seed} {number}".encode())
            sampler = TPESampler(n_startup_trials=self.random, multivariate=True, seed=seed)
            return sampler if number else PartialFixedSampler(self.space.first, sampler)

    def _study(self) -> optuna.Study:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        return optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(self.journal))),
            study_name=self.name,
            directions=DIRECTIONS,
            load_if_exists=True,
        )


def _finished(study: optuna.Study, trials: int) -> list[Trial]:
    """The trials of a journal in order, as far as they are among the first ones."""
    found = {
        int(trial.user_attrs[NUMBER]): Trial(int(trial.user_attrs[NUMBER]), dict(trial.params), Screened(*trial.values))
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    }
    return [found[number] for number in sorted(found) if number < trials]


def _best(trials: list[Trial], bound: float) -> str:
    within = [trial for trial in trials if trial.screened.divergence <= bound]
    if not within:
        return ""
    best = min(within, key=lambda trial: trial.screened.refusal_score)
    return f"best: refusal score {best.screened.refusal_score:.2f} at KL {best.screened.divergence:.3f}"
