"""Sampling of trials: a multi-objective tree-structured Parzen estimator (Optuna) with a journal.

The first trials are an opening (``opening``). Of the later ones every third fills a gap of the Pareto front (``gaps``),
and a sampler draws the others. Both depend only on the search's seed, the trial's number and the outcomes of earlier
rounds. An interrupted search therefore resumes with the same trials, a longer search begins with those of a shorter
one, and several workers give the same trials at any speed. A round has one trial per worker; with one worker every
trial uses all earlier ones. Earlier trials of the same round count as bad points (a constant liar).

The objectives are bounded: the refusal score from below, since the log odds keep falling when no refusals remain, and
capability degradation on a logarithmic scale, which resolves small degradations as finely as those near the bound.
"""

import math
import time
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from steadfast.attacks.search.gaps import Place, fills_gap, weaker_version
from steadfast.attacks.search.opening import LENGTH, Opening
from steadfast.attacks.search.settings import Degradation
from steadfast.attacks.search.space import Point, Space
from steadfast.core.progress import Progress

MINIMIZE: Literal["minimize"] = "minimize"
NUMBER = "number"
DIVERGENCE = "divergence"
WORST = 1e9
UNNOTICED = 1e-2
"""Share of the bound below which capability degradation counts as zero."""
NO_REFUSAL = -4.0
"""Log odds (one response in 55) below which a lower score removes no more refusals."""
CANDIDATES = 64
"""Number of points that the sampler compares per trial."""
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Screened:
    """Result of the screening of an edit.

    Attributes:
        refusal_score: mean log odds that the response to a harmful prompt begins with a refusal token.
        divergence: mean KL(original ‖ edited) along the original's responses to harmless prompts, nats per token.
        perplexity_ratio: perplexity of the edited model on these responses, divided by the original's.
    """

    refusal_score: float
    divergence: float
    perplexity_ratio: float = 1.0

    def degradations(self, measures: Sequence[Degradation]) -> tuple[float, ...]:
        """Degradation by the given measures, in nats per token; for the perplexity, the log of the ratio."""
        found = {"divergence": self.divergence, "perplexity": math.log(max(self.perplexity_ratio, 1.0))}
        return tuple(found[measure] for measure in measures)


@dataclass(frozen=True)
class Trial:
    """A trial.

    Attributes:
        number: its number, counted from 0.
        point: the point of the search space.
        screened: outcome of its screening.
    """

    number: int
    point: Point
    screened: Screened


@dataclass(frozen=True)
class Search:
    """The trials of a search.

    Attributes:
        space: the search space.
        journal: the file that holds the trials.
        name: hash of everything that determines the trials; trials under another name in the file belong to other
            searches.
        bound: bound on the divergence, above which the sampler treats a trial as infeasible.
        seed: seed of the sampler.
        opening: number of first trials, which do not depend on others.
        workers: number of processes that share the trials; also the number of trials per round.
    """

    space: Space
    journal: Path
    name: str
    bound: float
    seed: int
    opening: int = LENGTH
    workers: int = 1

    def run(
        self,
        trials: int,
        screen: Callable[[Point], Screened],
        worker: int = 0,
        check: Callable[[], None] = lambda: None,
    ) -> list[Trial]:
        """Run trials until there are ``trials``, including those in the journal.

        Args:
            trials: number of trials.
            screen: runs one trial.
            worker: index of this worker; each runs every ``workers``-th trial, and waits for the others at the end of
                every round.
            check: called while waiting; raises if another worker has failed.
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
        """The finished trials in order, as soon as the first ``first`` of them are finished."""
        while True:
            done = _finished(study, trials)
            if [trial.number for trial in done[:first]] == list(range(first)):
                return done
            check()
            time.sleep(POLL_SECONDS)

    def _tried(self, known: Sequence[Trial], number: int, screen: Callable[[Point], Screened]) -> FrozenTrial:
        """Run one more trial."""
        found = screen(point := self._point(known, number))
        # a score of NaN counts as the worst value
        screened = Screened(*(min(value, WORST) if value == value else WORST for value in astuple(found)))
        return self._frozen(Trial(number, point, screened), list(astuple(screened)))

    def _point(self, known: Sequence[Trial], number: int) -> Point:
        """The point of a trial, given earlier trials and the points of the trials between them and this one."""
        if number < self.opening:
            return Opening(self.space, self.seed, self.opening).at(number)
        measures = self.space.settings.degradation
        study = optuna.create_study(directions=[MINIMIZE] * (1 + len(measures)))
        study.add_trials([self._frozen(trial, list(self._goals(trial.screened))) for trial in known])
        # after the trials between them, which other workers try
        *_, point = (self._next(study, known, each) for each in range(len(known), number + 1))
        return point

    def _next(self, study: optuna.Study, known: Sequence[Trial], number: int) -> Point:
        """The next point of a study, which fills a gap or is drawn by the sampler."""
        weaker = self._weaker(known, number) if number >= self.opening and fills_gap(number) else None
        if weaker is not None:
            study.enqueue_trial(dict(weaker))
        study.sampler = self._sampler(number)
        return dict(study.ask(self._distributions()).params)

    def _weaker(self, known: Sequence[Trial], number: int) -> Point | None:
        """A point in the largest gap of the front of refusals and divergence."""
        places = [Place(trial.screened.refusal_score, trial.screened.divergence, trial.point) for trial in known]
        return weaker_version(self.space, places, number, self.bound)

    def _goals(self, screened: Screened) -> tuple[float, ...]:
        """What the sampler minimizes: the bounded refusal score, and degradations on a logarithmic scale."""
        measured = screened.degradations(self.space.settings.degradation)
        moved = (math.log(max(value / self.bound, UNNOTICED) / UNNOTICED) for value in measured)
        return max(screened.refusal_score, NO_REFUSAL), *moved

    def _frozen(self, trial: Trial, values: list[float]) -> FrozenTrial:
        """A trial in Optuna's format."""
        return create_trial(
            values=values,
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

    def _sampler(self, number: int) -> TPESampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            seed = zlib.crc32(f"{self.seed} {number}".encode())
            return TPESampler(
                n_startup_trials=0, n_ei_candidates=CANDIDATES, multivariate=True, constant_liar=True, seed=seed
            )

    def _study(self) -> optuna.Study:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        return optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(self.journal))),
            study_name=self.name,
            directions=[MINIMIZE] * len(fields(Screened)),
            load_if_exists=True,
        )


def _finished(study: optuna.Study, trials: int) -> list[Trial]:
    """The finished trials of a journal among the first ``trials``, in order."""
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
