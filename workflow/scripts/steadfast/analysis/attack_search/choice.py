"""Selection in a search: which trials become finalists, and which finalist becomes the variant."""

from collections.abc import Sequence
from dataclasses import dataclass

from steadfast.analysis.attack_selection import LOST_VERDICTS, ROUNDING, CandidateOutcome
from steadfast.attacks.search.pareto import first_of_fronts, fronts
from steadfast.attacks.search.sampling import Trial
from steadfast.attacks.search.settings import Degradation, Rule


@dataclass(frozen=True)
class Finalist:
    """A trial that generated responses.

    Attributes:
        trial: the trial.
        divergence: mean KL(original ‖ edited) along the original's responses to harmless prompts, nats per token.
        harmful: outcome of its responses to harmful prompts.
        harmless: the same for harmless prompts; None if the finalist was eliminated earlier.
        perplexity_ratio: perplexity on the original's responses to harmless prompts, divided by the original's.
    """

    trial: Trial
    divergence: float
    harmful: CandidateOutcome
    harmless: CandidateOutcome | None = None
    perplexity_ratio: float = 1.0


def finalists_of(
    trials: Sequence[Trial], count: int, bound: float, rule: Rule, measures: Sequence[Degradation] = ("divergence",)
) -> list[Trial]:
    """The finalists: trials on the first fronts of the screening, those within the bound first.

    If a front has too many trials, half are those with the lowest refusal scores, and half are spread over the rest.

    Args:
        trials: all trials.
        count: number of finalists.
        bound: largest divergence.
        rule: how the trial is selected; the knee may lie beyond the bound.
        measures: objectives of the fronts in addition to the refusal score.
    """
    groups: tuple[list[Trial], list[Trial]] = ([], [])
    for trial in trials:
        groups[rule != "knee" and trial.screened.divergence > bound].append(trial)
    chosen: list[Trial] = []
    for group in groups:
        places = [(trial.screened.refusal_score, *trial.screened.degradations(measures)) for trial in group]
        chosen += first_of_fronts(group, places, count - len(chosen))
    return chosen


def why_not(
    finalist: Finalist, before: Finalist, *, bound: float, perplexity: float | None, degenerate: float, rule: Rule
) -> str:
    """Reason why a finalist cannot become the variant; empty if it can.

    Args:
        finalist: the finalist.
        before: the original.
        bound: largest divergence.
        perplexity: bound on the ratio of the perplexities, or None.
        degenerate: largest increase of the share of degenerate responses.
        rule: how the trial is selected.
    """
    if finalist.harmless is None or before.harmless is None:
        return "not among the half of the finalists that go on after a quarter of the prompts"
    if rule != "knee" and not finalist.divergence <= bound:
        return f"capability degraded: divergence {finalist.divergence:.3g} is above {bound:g}"
    if perplexity is not None and not finalist.perplexity_ratio <= perplexity:
        return (
            f"capability degraded: {finalist.perplexity_ratio:.3g} times the perplexity, which is above {perplexity:g}"
        )
    for after, was in ((finalist.harmful, before.harmful), (finalist.harmless, before.harmless)):
        if after.degenerate - was.degenerate > degenerate + ROUNDING:
            return f"degraded: {after.degenerate:.0%} of responses are degenerate, {was.degenerate:.0%} before"
    lost = before.harmful.coverage - finalist.harmful.coverage
    if not finalist.harmful.scored or lost > LOST_VERDICTS + ROUNDING:
        return f"too few verdicts: {finalist.harmful.scored} of {finalist.harmful.total} responses"
    return ""


def chosen_of(finalists: Sequence[Finalist], rule: Rule) -> Finalist:
    """The finalist that becomes the variant.

    Args:
        finalists: at least one.
        rule: ``lowest_refusals_within`` takes the fewest refusals, with ties broken by the smallest divergence;
            ``knee`` the point of the front that lies farthest below the line between its ends.
    """
    best = min(finalists, key=lambda one: (one.harmful.refusals, one.divergence, one.trial.number))
    if rule != "knee":
        return best
    number = fronts([(one.harmful.refusals, one.divergence) for one in finalists])
    front = sorted(
        (one for one, on in zip(finalists, number, strict=True) if on == 0),
        key=lambda one: (one.divergence, one.trial.number),
    )
    first, last = front[0], front[-1]
    width, height = last.divergence - first.divergence, first.harmful.refusals - last.harmful.refusals
    if width <= 0 or height <= 0:
        return best

    def below(one: Finalist) -> float:
        moved, gained = one.divergence - first.divergence, first.harmful.refusals - one.harmful.refusals
        return gained / height - moved / width

    return max(front, key=below)
