"""The search: screen the trials, generate responses for the finalists, and select one by the judge's verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from steadfast.analysis.attack_search.choice import Finalist, chosen_of, finalists_of, why_not
from steadfast.analysis.attack_search.preparation import Given, ready
from steadfast.analysis.attack_search.workers import further_workers, keep_own_part
from steadfast.analysis.attack_selection import SelectedAttack
from steadfast.attacks.activations import Activations
from steadfast.attacks.direction_search.refusal_score import ModelAccess
from steadfast.attacks.directions import Direction
from steadfast.attacks.search.pareto import fronts
from steadfast.attacks.search.sampling import Trial
from steadfast.attacks.search.settings import SearchSettings
from steadfast.attacks.search.space import Space
from steadfast.core.names import HARMFUL, HARMLESS, ORIGINAL
from steadfast.judges.interface import Scorer

METHOD = "search"
PROMPTS = 50
OUTCOME = ["refused", "scored", "total", "degenerate"]
OVER = {"over_refused": "refused", "over_scored": "scored", "over_degenerate": "degenerate"}


def search_attack(
    settings: SearchSettings,
    activations: Activations,
    access: ModelAccess,
    *,
    judge: Scorer,
    sampling: Mapping[str, Any],
    thinking_markers: Sequence[Sequence[str]] | None,
    degenerate: float,
    seed: int,
    journal: str | Path,
    code: str,
) -> SelectedAttack:
    """Search for the best attack on a model.

    Args:
        settings: the ``search`` entry.
        activations: states of the model on the calibration prompts.
        access: the model, with the prompt table; evaluation prompts are never read.
        judge: judges the finalists' responses.
        sampling: fields of ``steadfast.generation.interface.Sampling``.
        thinking_markers: see ``steadfast.generation.responses.generate_responses``.
        degenerate: bound on the increase of the share of degenerate responses.
        seed: the run's seed.
        journal: file with the trials of this search, including those finished in an earlier run; the responses are in a
            folder next to it.
        code: digest of the code.

    Returns:
        The chosen attack. The selection of its direction has a row for the original (``trial`` -1) and one per trial.
        If no trial qualifies, there is no valid direction, and ``reason`` says why.
    """
    environment = keep_own_part(settings.workers)
    given = Given(settings, activations, access, sampling, thinking_markers, seed, Path(journal), code)
    for (_, name), problem in given.problems.items():
        print(f"{name} is left out: {problem}", flush=True)
    space = given.space
    if given.nothing:
        return _no_choice(space, activations, pd.DataFrame(), given.nothing)
    prepared = ready(given, judge)
    bench, screened = prepared.bench, given.screened
    untouched = prepared.screening()
    print(f"original: refusal score {untouched.refusal_score:.2f}", flush=True)
    with further_workers(given, environment) as check:
        trials = given.search.run(settings.trials, prepared.screen, check=check)
    going_on = finalists_of(trials, settings.finalists, settings.max_divergence, settings.rule, settings.degradation)
    harmful = given.prompts[HARMFUL].head(settings.prompts or PROMPTS)
    along = bench.along(screened[HARMLESS], prepared.own_responses)
    before, finalists = bench.final(going_on, harmful, screened[HARMLESS], along, halve=settings.rule != "knee")
    before = replace(before, trial=replace(before.trial, screened=untouched))
    rules: dict[str, Any] = {"bound": settings.max_divergence, "perplexity": settings.max_perplexity_ratio}
    rules |= {"degenerate": degenerate, "rule": settings.rule}
    reasons = {one.trial.number: why_not(one, before, **rules) for one in finalists}
    able = [one for one in finalists if not reasons[one.trial.number]]
    chosen = chosen_of(able, settings.rule) if able else None
    table = _table(trials, [before, *finalists], reasons, chosen)
    if chosen is None:
        failures = "; ".join(f"trial {number}: {reason}" for number, reason in reasons.items())
        return _no_choice(space, activations, table, f"none of {len(trials)} trials can be chosen: {failures}")
    point = chosen.trial.point
    found = given.directions.with_half(point)
    facts = {"trial": chosen.trial.number, "trials": len(trials), "refusal_tokens": given.refusal_tokens}
    facts |= {"search": given.name, "workers": settings.workers}
    direction = replace(found, selection=table, score=-chosen.harmful.refusals, details={**found.details, **facts})
    print(_in_words(before, chosen), flush=True)
    return SelectedAttack(direction, space.edit(point))


def _table(
    trials: Sequence[Trial], finalists: Sequence[Finalist], reasons: Mapping[int, str], chosen: Finalist | None
) -> pd.DataFrame:
    """A row for the original, then one per trial; values that were not measured are empty."""
    known = {one.trial.number: one for one in finalists}
    on_front = fronts([(trial.screened.refusal_score, trial.screened.divergence) for trial in trials])
    rows = []
    for trial, front in [(finalists[0].trial, -1), *zip(trials, on_front, strict=True)]:
        row: dict[str, Any] = {
            "trial": trial.number,
            "attack": f"trial {trial.number}" if trial.number >= 0 else ORIGINAL,
            "refusal_score": trial.screened.refusal_score,
            "screened_divergence": trial.screened.divergence,
            "screened_front": front == 0,
        }
        one = known.get(trial.number)
        if one is not None:
            outcome = asdict(one.harmful)
            row |= {
                "divergence": one.divergence,
                "perplexity_ratio": one.perplexity_ratio,
                **{key: outcome[key] for key in OUTCOME},
            }
            if one.harmless is not None:
                over = asdict(one.harmless)
                row |= {name: over[key] for name, key in OVER.items()}
        row["chosen"] = chosen is not None and trial.number == chosen.trial.number
        row["reason"] = reasons.get(trial.number, "")
        rows.append({**row, **trial.point})
    table = pd.DataFrame(rows)
    table.insert(len(OUTCOME), "finalist", table["trial"].isin([one.trial.number for one in finalists[1:]]))
    whole = [*OUTCOME[:3], "over_refused", "over_scored"]
    missing = [column for column in whole if column not in table]
    return table.assign(**dict.fromkeys(missing, np.nan)).astype(dict.fromkeys(whole, "Int64"))


def _no_choice(space: Space, activations: Activations, table: pd.DataFrame, reason: str) -> SelectedAttack:
    nothing = np.zeros((0, activations.hidden_size), dtype=np.float32)
    direction = Direction(nothing, METHOD, selection=table, details={"trial": None}, reason=reason)
    return SelectedAttack(direction, space.edit(space.first))


def _in_words(before: Finalist, chosen: Finalist) -> str:
    return (
        f"trial {chosen.trial.number}: {chosen.harmful.refused} of {chosen.harmful.scored} refused "
        f"({before.harmful.refused} of {before.harmful.scored} before), KL {chosen.divergence:.3f}"
    )
