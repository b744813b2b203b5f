"""Wiring of ``workflow/rules/judgments.smk``: the responses that each judge reads in one job."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from steadfast.core.names import HARMFUL, HARMLESS, ORIGINAL
from steadfast.core.plug_ins import JUDGES
from steadfast.grid import paths
from steadfast.grid.attack_selection import AttackSelection
from steadfast.grid.data import ForJudge, ForModel, Judge, ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import Jobs, ModelJobs, model_groups, rule_name
from steadfast.grid.judged_pairs import judged_pairs, runnable
from steadfast.grid.judging import Judging
from steadfast.grid.outcomes import compliance_rubrics, kind_rubrics, quality_rubrics
from steadfast.grid.paths import PathTemplate, Split
from steadfast.grid.self_evaluation import SelfEvaluation

# name of a rule, from its judge
PREFIXES: dict[Split, str] = {
    "evaluation": "judge_with",
    "calibration": "judge_calibration_with",
    "attack_selection": "judge_attack_selection_with",
}
RUBRIC_PREFIX = "judge_by"


@dataclass(frozen=True)
class JudgingJob:
    """One job in which a judge reads the responses of many pairs to the prompts of one split.

    Attributes:
        grid: the grid.
        judge: the judge, or a rubric.
        split: the split whose responses it reads.
        pairs: the pairs whose responses it reads.
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
        prefix = RUBRIC_PREFIX if self.label else PREFIXES[self.split]
        return rule_name(f"{prefix}_{self.judge.name}")

    @property
    def log(self) -> str:
        """Name of the log."""
        return paths.of_split(self.split, f"judgments/{self.judge.name}")

    @property
    def responses(self) -> list[str]:
        """Its input."""
        return paths.responses(self.split).of(self.pairs)

    @property
    def judgments(self) -> list[str]:
        """Its output."""
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
        """The judge's own model, if it has one."""
        return Judging(self.grid).models(self.judge)

    @property
    def side_by_side(self) -> int:
        """Number of such jobs that may run concurrently."""
        return len(Judging(self.grid).with_models(self.grid.rubrics if self.label else self.grid.judges))

    @property
    def gpus(self) -> int:
        """Number of GPUs of the job."""
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
        """Name of the verdicts' scale in ``steadfast.judges.interface``."""
        return str(JUDGES.read(self.judge.settings).scale())

    @property
    def message(self) -> str:
        """Message of the job."""
        who = f"rubric {self.judge.name}" if self.label else f"judge {self.judge.name}"
        label = f"{self.label} " if self.label else ""
        what = {
            "evaluation": f"the {label}responses of all {len(self.pairs)} model–variant pairs",
            "calibration": "the responses to the calibration prompts",
            "attack_selection": f"{len(self.pairs)} candidates on the attack-selection set",
        }
        return f"{who}: judge {what[self.split]}"

    def cases(self, pair: ModelVariant) -> int:
        """Number of responses of one pair that it reads."""
        if self.split == "attack_selection":
            samples = int(self.grid.config["generation"]["samples"])
            return AttackSelection(self.grid).prompts_for(pair.variant) * samples
        return (1 if self.label else 2) * self.grid.responses_per_label(self.split)


def judging_jobs(grid: Grid) -> list[JudgingJob]:
    """All jobs of judges and rubrics that do not run on the pair under test."""
    judging, pairs, selection = Judging(grid), tuple(judged_pairs(grid)), AttackSelection(grid)
    originals = tuple(ModelVariant(model, ORIGINAL) for model in runnable(grid))
    return [
        *(JudgingJob(grid, judge, "evaluation", pairs) for judge in judging.with_scope("grid")),
        *(JudgingJob(grid, judge, "calibration", originals) for judge in contrasting(grid, "grid")),
        *(JudgingJob(grid, judge, "attack_selection", tuple(selection.pairs(judge))) for judge in selection.judges),
        *(JudgingJob(grid, rubric, "evaluation", pairs, HARMLESS) for rubric in quality_rubrics(grid).values()),
        *(JudgingJob(grid, rubric, "evaluation", pairs, HARMFUL) for rubric in compliance_rubrics(grid).values()),
        *(JudgingJob(grid, rubric, "evaluation", pairs, HARMFUL) for rubric in kind_rubrics(grid).values()),
    ]


def contrasting(grid: Grid, scope: str) -> list[Judge]:
    """Judges of a scope whose verdicts are used by directions that contrast refused with answered prompts."""
    used = {variant.settings.get("direction", {}).get("judge") for variant in grid.variants.values()}
    return [judge for judge in Judging(grid).with_scope(scope) if judge.name in used]


@dataclass(frozen=True)
class SelfJudgingJob(ModelJobs):
    """Jobs in which the variants of a model judge their own responses to the prompts of one split.

    Attributes:
        judges: the self-evaluating judges.
    """

    judges: tuple[str, ...]

    @property
    def outputs(self) -> dict[str, list[str]]:
        """The verdicts; for evaluation prompts also those on control responses."""
        judgments = self._of_variants(paths.judgments(self.split), judge="{judge}")
        control = self._of_variants(paths.CONTROL_JUDGMENTS, judge="{judge}") if self.split == "evaluation" else []
        return {"judgments": judgments, "control": control}

    @property
    def first_outputs(self) -> list[str]:
        """One file of every job."""
        template, first = paths.judgments(self.split), self.variants[0]
        return [template.at(judge=judge, model=model, variant=first) for judge in self.judges for model in self.models]

    def judgments(self, judge: str) -> list[str]:
        """A judge's verdicts in all jobs."""
        pairs = [ModelVariant(model, variant) for model in self.models for variant in self.variants]
        return paths.judgments(self.split).of(pairs, judge=judge)

    @property
    def log(self) -> str:
        """Name of the log of a job."""
        return paths.of_split(self.split, f"judgments/{{judge}}/{{model}}/{self.rule}")

    def responses(self, job: ForModel) -> list[str]:
        """The responses of a job's pairs."""
        return paths.responses(self.split).of(self.pairs(job))

    def others(self, job: ForJudge) -> list[str]:
        """Responses of other models that every pair judges as controls."""
        return paths.responses().of(self._source_models(job))

    def control(self, job: ForJudge) -> dict[str, Any]:
        """Number of control responses, and settings for drawing them."""
        drawn = SelfEvaluation(self.grid).control(job.judge)
        return drawn if self.split == "evaluation" else {**drawn, "size": 0}

    def files(self, job: ForJudge) -> list[str]:
        """Resource files that the judge reads."""
        return Judging(self.grid).files(self._judge(job))

    def gpus(self, job: ForModel) -> int:
        """Number of GPUs of a job."""
        return Jobs(self.grid).gpus(job)

    def machine(self, job: ForJudge) -> str:
        """How the judge uses the machine, as JSON."""
        return Judging(self.grid).machine(self._judge(job))

    def judging(self, job: ForJudge) -> list[dict[str, Any]]:
        """Variant, arguments of the judge's ``build`` and code digest of each pair."""
        judging, judge = Judging(self.grid), self._judge(job)
        return [
            {
                "variant": pair.variant,
                "judge": judging.arguments(judge, pair),
                "code": judging.digest(judge, pair.variant),
            }
            for pair in self.pairs(job)
        ]

    def cases(self, job: ForJudge) -> int:
        """Number of responses that a job judges."""
        control = int(self.control(job)["size"]) if self._source_models(job) else 0
        split: Literal["evaluation", "calibration"] = "evaluation" if self.split == "evaluation" else "calibration"
        return len(self.variants) * (2 * self.grid.responses_per_label(split) + control)

    def _source_models(self, job: ForJudge) -> list[ModelVariant]:
        evaluated = self.split == "evaluation"
        return SelfEvaluation(self.grid).source_models(job.judge, job.model) if evaluated else []

    def _of_variants(self, template: PathTemplate, **further: str) -> list[str]:
        return [template.at(model="{model}", variant=variant, **further) for variant in self.variants]

    def _judge(self, job: ForJudge) -> Judge:
        return self.grid.judges[job.judge]


def self_judging_jobs(grid: Grid) -> list[SelfJudgingJob]:
    """All rules in which models judge their own responses."""
    judges = tuple(judge.name for judge in Judging(grid).with_scope("pair"))
    used = tuple(judge.name for judge in contrasting(grid, "pair"))
    originals = [ModelVariant(model, ORIGINAL) for model in runnable(grid)]
    return [
        *_self_judging_jobs(grid, "judge_own_responses", "evaluation", judges, grid.pairs),
        *_self_judging_jobs(grid, "judge_own_calibration_responses", "calibration", used, originals),
    ]


def _self_judging_jobs(
    grid: Grid, rule: str, split: Split, judges: tuple[str, ...], pairs: Iterable[ModelVariant]
) -> list[SelfJudgingJob]:
    return [
        SelfJudgingJob(grid, name, split, models, variants, judges)
        for name, models, variants in model_groups(grid, rule, pairs)
    ]


def judgments_of(grid: Grid, judge: str) -> list[str]:
    """All verdicts of a judge or rubric."""
    shared = [path for job in judging_jobs(grid) if job.judge.name == judge for path in job.judgments]
    own = (job for job in self_judging_jobs(grid) if judge in job.judges)
    return [
        *shared,
        *(path for job in own for path in job.judgments(judge)),
    ]


def judgment_files(grid: Grid, judges: Iterable[str] | None = None) -> list[str]:
    """Judgments of the given judges (by default all) on all responses to the evaluation prompts."""
    chosen = (*grid.judges, *grid.human_judges) if judges is None else judges
    own = {judge.name for judge in Judging(grid).with_scope("pair")}
    return [
        path
        for judge in chosen
        for path in paths.judgments().of(grid.pairs if judge in own else judged_pairs(grid), judge=judge)
    ]


def judged_sets(grid: Grid, judges: Mapping[str, Judge]) -> list[dict[str, Any]]:
    """Responses read by judges that send requests, as fields of ``steadfast.judges.cost_estimate.JudgedSet``.

    Derived from ``judging_jobs``, so that `snakemake plan` and the limits count exactly what the jobs read.

    Args:
        grid: the grid.
        judges: the judges of the grid, or its rubrics.
    """
    used = Judging(grid).paid(judges)
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for job in judging_jobs(grid):
        if judges.get(job.judge.name) is not job.judge or job.judge.name not in used:
            continue
        for cases in sorted({job.cases(pair) for pair in job.pairs}):
            alike = [pair for pair in job.pairs if job.cases(pair) == cases]
            responses = paths.responses(job.split).of(alike)
            fields = {"judges": [], "responses": responses, "cases_each": cases, "label": job.label}
            key = (str(job.label), str(cases), *responses)
            found.setdefault(key, fields)["judges"].append(job.judge.name)
    return list(found.values())
