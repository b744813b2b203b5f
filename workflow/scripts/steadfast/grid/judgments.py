"""Wiring of ``workflow/rules/judgments.smk``: which judge reads whose responses in one job."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from steadfast.core.names import HARMLESS, ORIGINAL
from steadfast.grid import paths
from steadfast.grid.attack_selection import AttackSelection
from steadfast.grid.data import ForJudge, ForModel, Judge, ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import Jobs, rule_name
from steadfast.grid.judging import Judging
from steadfast.grid.paths import Split
from steadfast.grid.self_evaluation import SelfEvaluation

# what a rule is called after its judge
_PREFIXES: dict[Split, str] = {
    "evaluation": "judge_with",
    "calibration": "judge_calibration_with",
    "attack_selection": "judge_attack_selection_with",
}
RUBRIC_PREFIX = "judge_by"


@dataclass(frozen=True)
class Reading:
    """One job in which a judge reads the responses of many pairs to the prompts of one split.

    Attributes:
        grid: the grid.
        judge: the judge, or a rubric.
        split: whose responses it reads.
        pairs: the pairs that gave them.
        label: the label of the prompts whose responses it reads; None for all.
    """

    grid: Grid
    judge: Judge
    split: Split
    pairs: tuple[ModelVariant, ...]
    label: str | None = None

    @property
    def rule(self) -> str:
        """Name of the job's rule."""
        prefix = RUBRIC_PREFIX if self.label else _PREFIXES[self.split]
        return rule_name(f"{prefix}_{self.judge.name}")

    @property
    def log(self) -> str:
        """Name of the log."""
        return paths.of_split(self.split, f"judgments/{self.judge.name}")

    @property
    def responses(self) -> list[str]:
        """What it reads."""
        return paths.responses(self.split).of(self.pairs)

    @property
    def judgments(self) -> list[str]:
        """What it writes."""
        return paths.judgments(self.split).of(self.pairs, judge=self.judge.name)

    @property
    def files(self) -> list[str]:
        """Resource files that the judge reads, and the checkpoint it runs on."""
        return Judging(self.grid).files(self.judge)

    @property
    def environment(self) -> str:
        """Conda environment of the job."""
        return Judging(self.grid).environment(self.judge)

    @property
    def models(self) -> list[str]:
        """The model that the judge runs on, if it has one."""
        return Judging(self.grid).models(self.judge)

    @property
    def side_by_side(self) -> int:
        """Jobs of its kind that may run at the same time."""
        return len(Judging(self.grid).with_models(self.grid.rubrics if self.label else self.grid.judges))

    @property
    def gpus(self) -> int:
        """GPUs that the job asks for."""
        return Judging(self.grid).gpus(self.judge)

    def machine(self, _wildcards: object, threads: int) -> str:
        """How the judge uses the machine, as JSON."""
        return Judging(self.grid).machine(self.judge, threads)

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the judge's ``build``, with its kind."""
        return Judging(self.grid).arguments(self.judge)

    @property
    def digest(self) -> str:
        """Digest of the code that the verdicts depend on."""
        return Judging(self.grid).digest(self.judge)

    @property
    def scale(self) -> str:
        """Name of the scale of ``steadfast.judges.interface`` that the verdicts are on."""
        return "quality" if self.label else "refusal"

    @property
    def message(self) -> str:
        """What the job does."""
        who = f"rubric {self.judge.name}" if self.label else f"judge {self.judge.name}"
        label = f"{self.label} " if self.label else ""
        what = {
            "evaluation": f"the {label}responses of all {len(self.pairs)} model–variant pairs",
            "calibration": "the responses to the calibration prompts",
            "attack_selection": f"{len(self.pairs)} candidates on the attack-selection set",
        }
        return f"{who}: judge {what[self.split]}"

    def cases(self, pair: ModelVariant) -> int:
        """Responses of one pair that it reads."""
        if self.split == "attack_selection":
            samples = int(self.grid.config["generation"]["samples"])
            return AttackSelection(self.grid).prompts_for(pair.variant) * samples
        return (1 if self.label else 2) * self.grid.responses_per_label(self.split)


def readings(grid: Grid) -> list[Reading]:
    """All jobs in which a judge that is not the pair under test reads responses: rubrics among them."""
    judging, pairs, selection = Judging(grid), tuple(grid.pairs), AttackSelection(grid)
    originals = tuple(ModelVariant(model, ORIGINAL) for model in grid.studied)
    return [
        *(Reading(grid, judge, "evaluation", pairs) for judge in judging.with_scope("grid")),
        *(Reading(grid, judge, "calibration", originals) for judge in contrasting(grid, "grid")),
        *(Reading(grid, judge, "attack_selection", tuple(selection.pairs(judge))) for judge in selection.judges),
        *(Reading(grid, rubric, "evaluation", pairs, HARMLESS) for rubric in grid.rubrics.values()),
    ]


def contrasting(grid: Grid, scope: str) -> list[Judge]:
    """Judges of a scope by whose verdicts some direction contrasts refused with answered calibration prompts."""
    asked = {variant.settings.get("direction", {}).get("judge") for variant in grid.variants.values()}
    return [judge for judge in Judging(grid).with_scope(scope) if judge.name in asked]


@dataclass(frozen=True)
class OwnReading:
    """The jobs of one rule in which pairs judge their own responses to the prompts of one split.

    Attributes:
        grid: the grid.
        rule: name of the rule.
        split: whose responses are read.
        judges: the judges that are the pair under test.
        pairs: the pairs.
    """

    grid: Grid
    rule: str
    split: Split
    judges: tuple[str, ...]
    pairs: tuple[ModelVariant, ...]

    @property
    def responses(self) -> str:
        """The responses of a job's pair."""
        return paths.responses(self.split)

    @property
    def outputs(self) -> dict[str, str]:
        """The verdicts on them; of the evaluation prompts those on control responses as well."""
        control = {"control": paths.CONTROL_JUDGMENTS} if self.split == "evaluation" else {}
        return {"judgments": paths.judgments(self.split), **control}

    @property
    def all_judgments(self) -> list[str]:
        """The judgments of all jobs."""
        return [path for judge in self.judges for path in paths.judgments(self.split).of(self.pairs, judge=judge)]

    @property
    def log(self) -> str:
        """Name of the log of a job."""
        return paths.of_split(self.split, "judgments/{judge}/{model}/{variant}")

    def others(self, job: ForJudge) -> list[str]:
        """Responses of other models that the pair judges as a control."""
        source_models = (
            SelfEvaluation(self.grid).source_models(job.judge, job.model) if self.split == "evaluation" else []
        )
        return paths.responses().of(source_models)

    def control(self, job: ForJudge) -> dict[str, Any]:
        """How many of them, and how they are drawn."""
        drawn = SelfEvaluation(self.grid).control(job.judge)
        return drawn if self.split == "evaluation" else {**drawn, "size": 0}

    def files(self, job: ForJudge) -> list[str]:
        """Resource files that the judge reads."""
        return Judging(self.grid).files(self._judge(job))

    def checkpoint(self, job: ForJudge) -> str:
        """The pair's checkpoint."""
        return self.grid.checkpoint(ModelVariant(job.model, job.variant))

    def direction(self, job: ForJudge) -> list[str]:
        """The direction of the intervention that the pair runs under; none without one."""
        hooked = self.grid.variants[job.variant].is_hooked
        return [paths.DIRECTION.at(model=job.model, variant=job.variant)] if hooked else []

    def gpus(self, job: ForModel) -> int:
        """GPUs that a job asks for."""
        return Jobs(self.grid).gpus(job)

    def machine(self, job: ForJudge) -> str:
        """How the judge uses the machine, as JSON."""
        return Judging(self.grid).machine(self._judge(job))

    def arguments(self, job: ForJudge) -> dict[str, Any]:
        """Arguments of the judge's ``build``, with its kind."""
        return Judging(self.grid).arguments(self._judge(job), job)

    def digest(self, job: ForJudge) -> str:
        """Digest of the code that the verdicts depend on."""
        return Judging(self.grid).digest(self._judge(job), job.variant)

    def _judge(self, job: ForJudge) -> Judge:
        return self.grid.judges[job.judge]


def own_readings(grid: Grid) -> list[OwnReading]:
    """All rules in which pairs judge their own responses."""
    judges = tuple(judge.name for judge in Judging(grid).with_scope("system"))
    asked = tuple(judge.name for judge in contrasting(grid, "system"))
    originals = tuple(ModelVariant(model, ORIGINAL) for model in grid.studied)
    return [
        OwnReading(grid, "judge_own_responses", "evaluation", judges, tuple(grid.pairs)),
        OwnReading(grid, "judge_own_calibration_responses", "calibration", asked, originals),
    ]


def judgments_of(grid: Grid, judge: str) -> list[str]:
    """A judge's or rubric's verdicts on whatever it reads."""
    shared = [path for reading in readings(grid) if reading.judge.name == judge for path in reading.judgments]
    own = (reading for reading in own_readings(grid) if judge in reading.judges)
    return [
        *shared,
        *(path for reading in own for path in paths.judgments(reading.split).of(reading.pairs, judge=judge)),
    ]


def judgment_files(grid: Grid, judges: Iterable[str] | None = None) -> list[str]:
    """Judgments of the given judges (all by default) on the responses of all pairs to the evaluation prompts."""
    chosen = grid.judge_names if judges is None else judges
    return [path for judge in chosen for path in paths.judgments().of(grid.pairs, judge=judge)]


def judged_sets(grid: Grid, judges: Mapping[str, Judge]) -> list[dict[str, Any]]:
    """What the judges that send requests read, as fields of ``steadfast.judges.cost_estimate.JudgedSet``.

    It follows from ``readings``: whatever is read in another job is counted by `snakemake plan` and the limits.

    Args:
        grid: the grid.
        judges: the judges of the grid, or its rubrics.
    """
    asked = Judging(grid).paid(judges)
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for reading in readings(grid):
        if judges.get(reading.judge.name) is not reading.judge or reading.judge.name not in asked:
            continue
        for cases in sorted({reading.cases(pair) for pair in reading.pairs}):
            alike = [pair for pair in reading.pairs if reading.cases(pair) == cases]
            responses = paths.responses(reading.split).of(alike)
            fields = {"judges": [], "responses": responses, "cases_each": cases, "label": reading.label}
            key = (str(reading.label), str(cases), *responses)
            found.setdefault(key, fields)["judges"].append(reading.judge.name)
    return list(found.values())
