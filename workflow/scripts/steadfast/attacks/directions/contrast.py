"""Methods that contrast two groups of prompts: select the location, find the direction there, report its stability."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import HALF_DIRECTIONS, CausalScores, Direction, class_statistics
from steadfast.attacks.directions.causal_selection import CausalRule
from steadfast.attacks.directions.finders import Finder, Found, States, canonical_cosine
from steadfast.attacks.directions.selection import (
    CAUSAL,
    Halves,
    LayerSetting,
    PositionSetting,
    SelectedLocation,
    candidates,
    choose,
    separation_grid,
    split_halves,
    states_at,
)
from steadfast.attacks.directions.selection_stability import place_stability
from steadfast.attacks.directions.settings import BEHAVIOR, CausalSettings, ContrastSettings
from steadfast.core.errors import ConfigError


@dataclass(frozen=True)
class ContrastMethod:
    """A finder, with where to apply it.

    Attributes:
        name: name of the method.
        finder: finds directions at one location.
        layer: the ``layer`` setting.
        position: the ``position`` setting.
        resamples: number of bootstrap resamples for the stability, 0 for none.
        rule: how a location is selected by causal scores.
    """

    name: str
    finder: Finder
    layer: LayerSetting
    position: PositionSetting
    resamples: int
    rule: CausalRule

    @property
    def is_causal(self) -> bool:
        """Whether the selection of the location runs the model."""
        return self.layer == CAUSAL

    def find(self, activations: Activations, *, seed: int, causal: CausalScores | None = None) -> Direction:
        """Select the location, then find the direction there from all calibration prompts.

        The direction is fitted on one half of the prompts and scored on the other half.
        """
        halves = split_halves(activations, seed)
        grid = separation_grid(activations, self.finder, halves)
        allowed = candidates(grid, activations, self.layer, self.position)
        details: dict[str, Any] = {}
        again: dict[str, float] = {}
        if self.is_causal:
            if causal is None:
                raise ConfigError("layer: causal needs the model, to measure what each candidate does")
            scored = self.rule.score(grid, allowed, activations, halves, self.finder, causal, seed)
            grid, details = scored.grid, {"causal": dict(scored.details)}
            if scored.reason:
                return self._none(activations, grid, scored.reason, details)
            choice = choose(grid, scored.scores)
        else:
            choice = choose(grid, np.where(allowed, grid["separation"].to_numpy(dtype=float), -np.inf))
            again = place_stability(self.finder, activations, halves, choice, allowed, self.resamples, seed)
        return self._at(activations, choice, halves, details, again, seed)

    def _at(
        self,
        activations: Activations,
        choice: SelectedLocation,
        halves: Halves,
        details: Mapping[str, Any],
        again: Mapping[str, float],
        seed: int,
    ) -> Direction:
        index = activations.position_index(choice.position)
        harmful = states_at(activations.harmful, choice.layer, index)
        harmless = states_at(activations.harmless, choice.layer, index)
        found = self.finder.find(harmful, harmless)
        facts = {**details, **found.details, **found.tuned, "held_out": halves.held_out}
        half = self.finder.find(*(states_at(group, choice.layer, index) for group in halves.fit))
        if self.resamples:
            cosines = resampled_cosines(self.finder, found, harmful, harmless, self.resamples, seed)
            low, middle = (float(value) for value in np.quantile(cosines, (0.05, 0.5)))
            cosine = {"resamples": self.resamples, "median_cosine": middle, "low_cosine": low}
            facts["stability"] = {**cosine, **again}
        return Direction(
            found.rows.astype(np.float32),
            method=self.name,
            layer=str(choice.layer),
            position=choice.position,
            score=choice.score,
            tensors={
                **class_statistics(activations, choice.layer, index),
                HALF_DIRECTIONS: half.rows.astype(np.float32),
            },
            selection=choice.grid,
            details=facts,
        )

    def _none(self, activations: Activations, grid: pd.DataFrame, reason: str, details: Mapping[str, Any]) -> Direction:
        nothing = np.zeros((0, activations.hidden_size), dtype=np.float32)
        return Direction(nothing, method=self.name, selection=grid, details=details, reason=reason)


def resampled_cosines(
    finder: Finder, found: Found, harmful: States, harmless: States, resamples: int, seed: int
) -> NDArray[np.float64]:
    """Cosines [resamples] between the direction and those of bootstrap resamples of each group's prompts.

    For several directions: the cosine of the largest angle between the two subspaces.
    """
    generator = np.random.default_rng([seed, 1])
    settled = finder.settled(found)
    cosines = []
    for _ in range(resamples):
        drawn = [
            group.rows(np.sort(generator.integers(0, len(group.values), len(group.values))))
            for group in (harmful, harmless)
        ]
        rows = settled.find(*drawn).rows
        # a resample may span fewer directions than the full set of prompts
        cosines.append(canonical_cosine(found.rows, rows) if len(rows) == len(found.rows) else 0.0)
    return np.array(cosines)


def contrast_method(name: str, finder: Finder, settings: ContrastSettings) -> ContrastMethod:
    """A method of this family.

    Raises:
        ConfigError: its settings contradict each other.
    """
    layer = settings.layer
    if settings.causal is not None and layer != CAUSAL:
        raise ConfigError(f"causal: these settings are read only with layer: causal, not with layer: {layer!r}")
    if (settings.contrast == BEHAVIOR) != (settings.judge is not None):
        raise ConfigError("contrast: behavior needs a judge, and contrast: label takes none")
    rule = CausalRule(settings.causal or CausalSettings.read({}))
    return ContrastMethod(name, finder, layer, settings.position, settings.resamples, rule)
