"""Parameters of a judge: its arguments, its files, and its model."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from steadfast.core.names import ORIGINAL
from steadfast.core.plug_ins import JUDGES
from steadfast.grid import paths
from steadfast.grid.data import ForPair, Judge, ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import Jobs, digest
from steadfast.judges.settings import JudgeSettings, Scope

SCRIPTS: Mapping[Scope, str] = {
    "grid": "judge_responses.py",
    "pair": "judge_own_responses.py",
    "verdicts": "combine_judgments.py",
}
"""The script of a judge's jobs."""


def settings_of(judge: Judge) -> type[JudgeSettings]:
    """The settings class of a judge's kind, with its capabilities."""
    settings: type[JudgeSettings] = JUDGES.settings(judge.kind)
    return settings


def judge_settings(judge: Judge) -> dict[str, Any]:
    """A judge's config entry, without the display label and keys that cannot change verdicts."""
    idle = settings_of(judge).idle
    return {key: value for key, value in judge.settings.items() if key not in idle}


@dataclass(frozen=True)
class Judging:
    """Judges and rubrics of a grid.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    def with_scope(self, scope: str, judges: Iterable[Judge] | None = None) -> list[Judge]:
        """Judges with one job for the whole grid (``grid``), with one job per pair (``pair``), or on verdicts."""
        known = self.grid.judges.values() if judges is None else judges
        return [judge for judge in known if settings_of(judge).scope == scope]

    def own_model(self, judge: Judge) -> ModelVariant | None:
        """A judge's own model, if it has one."""
        weights = JUDGES.read(judge.settings).weights()
        return ModelVariant(*weights) if weights else None

    def models(self, judge: Judge) -> list[str]:
        """The name of that model; empty if there is none."""
        own = self.own_model(judge)
        return [own.model] if own else []

    def with_models(self, judges: Mapping[str, Judge]) -> list[Judge]:
        """Judges with their own model."""
        return [judge for judge in judges.values() if self.own_model(judge)]

    def checkpoint(self, judge: Judge) -> str | None:
        """Checkpoint of a judge's own model, if it has one."""
        own = self.own_model(judge)
        return self.grid.checkpoint(own) if own else None

    def files(self, judge: Judge) -> list[str]:
        """Resource files that a judge reads, and the checkpoint that it runs on."""
        own = JUDGES.read(judge.settings).files()
        weights = self.checkpoint(judge)
        return [*own, weights] if weights else own

    def arguments(self, judge: Judge, itself: ForPair | None = None) -> dict[str, Any]:
        """Arguments of a judge's ``build``, with its kind; names are replaced by paths.

        Args:
            judge: the judge.
            itself: the pair under test, for judges that run on its own checkpoint.
        """
        kind = settings_of(judge)
        arguments = {key: value for key, value in judge_settings(judge).items() if key not in kind.resolved}
        own = self.own_model(judge)
        if own and kind.speaks_as_model:
            arguments |= self._speaking(own.model)
        if kind.resolved:
            return {**arguments, "checkpoint": self.checkpoint(judge)}
        if itself is not None:
            return {**arguments, **self._speaking(itself.model), **self._weights(itself)}
        return arguments

    def _speaking(self, model: str) -> dict[str, Any]:
        settings = self.grid.models[model].settings
        return {"template_arguments": settings["template_arguments"], "dtype": settings["dtype"]}

    def _weights(self, pair: ForPair) -> dict[str, Any]:
        """Checkpoint and intervention of a pair."""
        variant = self.grid.variants[pair.variant]
        direction = paths.DIRECTION.at(model=pair.model, variant=pair.variant)
        hook = {"hook": dict(variant.settings["intervention"]), "direction": direction} if variant.is_hooked else {}
        return {**hook, "checkpoint": self.grid.checkpoint(ModelVariant(pair.model, pair.variant))}

    def machine(self, judge: Judge, threads: int = 1) -> str:
        """Machine settings of a judge, as JSON: arguments of its ``build`` that do not change verdicts.

        Args:
            judge: the judge.
            threads: threads of its job, for a model that it serves (torch uses the threads of the job).
        """
        kind = settings_of(judge)
        settings = {key: judge.settings[key] for key in sorted(kind.runtime_keys) if key in judge.settings}
        settings |= {key: self.grid.config["runtime"][key] for key in kind.machine_keys}
        if kind.serves:
            settings["server"] = json.loads(Jobs(self.grid).serving(judge.settings["gpus"], threads))
        return json.dumps(settings)

    def environment(self, judge: Judge) -> str:
        """Conda environment of a judge's job: one with vLLM if it serves its model."""
        return "vllm" if judge.settings.get("serve") else "base"

    def gpus(self, judge: Judge) -> int:
        """GPUs of a judge's job."""
        own = self.own_model(judge)
        if own and not settings_of(judge).serves:
            return self.grid.models[own.model].gpus
        return int(judge.settings.get("gpus", 0))

    def paid(self, judges: Mapping[str, Judge]) -> dict[str, dict[str, Any]]:
        """Arguments of the judges that send requests, by judge."""
        return {
            name: {**self.arguments(judge), **json.loads(self.machine(judge))}
            for name, judge in judges.items()
            if settings_of(judge).sends_requests
        }

    def digest(self, judge: Judge, variant: str = ORIGINAL) -> str:
        """Digest of the code that a judge's verdicts depend on, including a self-evaluating pair's intervention."""
        settings = self.grid.variants[variant].settings
        hook = (
            [f"attacks.interventions.methods.{settings['intervention']['method']}"]
            if "intervention" in settings
            else []
        )
        return digest(SCRIPTS[settings_of(judge).scope], f"judges.kinds.{judge.kind}", *hook)
