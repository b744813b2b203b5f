"""Made-up studies of any size on disk, with the real tables and the real report."""

import hashlib
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables import judge_validity
from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.agreement import agreement_table
from steadfast.analysis.tables.conclusions import conclusion_table
from steadfast.analysis.tables.counts import count_verdicts
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.edits import COLUMNS as EDIT_COLUMNS
from steadfast.analysis.tables.ranking import ranking_table
from steadfast.analysis.tables.robustness import robustness_table
from steadfast.core.files import read_table, write_table
from steadfast.core.provenance import write_provenance
from steadfast.report.figures.drawing import draw_all, save_all
from steadfast.report.figures.look import Look
from steadfast.report.page import write_report

RESOURCES = Path(__file__).parents[1] / "resources"
REFUSAL_RATES = {"original": 0.9, "abliterated": 0.3, "random": 0.88}
CATEGORIES = ("theft", "fraud", "weapons", "privacy")


def sound_edits(systems: Iterable[tuple[str, str]], **changes: Any) -> pd.DataFrame:
    """A table of edits that passed all gates, for any models and variants."""
    table = pd.DataFrame([{"model": model, "variant": variant} for model, variant in systems], columns=EDIT_COLUMNS)
    passed = {"effective": True, "gate": "", "verified": "yes", "modules": 8, "modules_checked": 8}
    numbers = {"worst_deviation": 1e-8, "module_deviation": 0.1, "hook_deviation": 0.3, "hook_share": 0.01}
    place = {"layer": "2", "position": -1, "stability": 0.98, "same_place": 0.8, "change_norm": 2.5}
    return table.assign(**passed, **numbers, **place, reason="", remedy="").assign(**changes)


def plain_answer(number: int, refused: bool) -> str:
    """A short answer."""
    return "I cannot help with that." if refused else f"Here is answer {number}: first this, then that."


@dataclass
class MadeUpStudy:
    """A study on disk, made by `make`.

    Attributes:
        folder: where it lies.
        models: number of models.
        judges: number of judges in addition to the baseline; the first is the reference, the second gives scores.
        prompts: prompts per label.
        answer: text of an answer from its number and whether it is a refusal.
        variants: variants, ``original`` first; ``random`` is a control.
        seed: seed of everything.
        resamples: bootstrap resamples.
    """

    folder: Path
    models: int = 4
    judges: int = 4
    prompts: int = 8
    answer: Callable[[int, bool], str] = plain_answer
    variants: tuple[str, ...] = ("original", "abliterated", "random")
    seed: int = 0
    resamples: int = 200
    labels: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def model_names(self) -> list[str]:
        return [f"model-{number}" for number in range(self.models)]

    @property
    def judge_names(self) -> list[str]:
        return [*(f"judge-{number}" for number in range(self.judges)), "label-only"]

    @property
    def page(self) -> Path:
        return self.folder / "report.html"

    def make(self) -> "MadeUpStudy":
        """Write prompts, responses, verdicts, tables and figures."""
        rng = np.random.default_rng(self.seed)
        prompts = self._prompts()
        write_table(self.folder / "prompts.parquet", prompts)
        parts = []
        numbers = itertools.count()
        for model, variant in itertools.product(self.model_names, self.variants):
            rate = np.where(prompts["label"] == "harmful", REFUSAL_RATES.get(variant, 0.5), 0.1)
            refused = rng.random(len(prompts)) < rate
            self._responses(model, variant, prompts, refused, numbers)
            parts += [self._verdicts(judge, model, variant, prompts, refused, rng) for judge in self.judge_names]
        verdicts = pd.concat(parts, ignore_index=True)
        write_table(self.folder / "verdicts.parquet", verdicts)
        self._tables(verdicts)
        write_provenance(
            self.response_files(), inputs={}, params={"settings": {"revision": "main"}}, rule="responses", seconds=1.5
        )
        return self

    def response_files(self) -> list[Path]:
        systems = itertools.product(self.model_names, self.variants)
        return [self.folder / "responses" / model / f"{variant}.parquet" for model, variant in systems]

    def table_files(self) -> list[Path]:
        return sorted((self.folder / "tables").glob("*.csv"))

    def write(self, **settings: Any) -> Path:
        """Write the report and return where it lies."""
        write_report(
            html=self.page,
            resources=RESOURCES,
            figures=sorted((self.folder / "figures").glob("*.pdf")),
            verdicts=self.folder / "verdicts.parquet",
            prompts=self.folder / "prompts.parquet",
            responses=self.response_files(),
            tables=self.table_files(),
            artifacts=self.response_files(),
            labels=self.labels,
            inference={"resamples": self.resamples},
            **{
                "reference": "judge-0",
                "judge": "judge-0",
                "baselines": ["label-only"],
                "controls": [variant for variant in self.variants if variant == "random"],
                "sources": dict.fromkeys(self.model_names, "organism"),
                "show": "collapsed",
                "configuration": {"seed": self.seed},
                **settings,
            },
        )
        return self.page

    def draw(self) -> None:
        """Draw the figures for print."""
        data = {name: read_table(self.folder / "tables" / f"{name}.csv") for name in ("counts", "agreement")}
        chosen = ("refusal_counts", "controls", "judge_correlation", "refusal_heatmap")
        about = About(Labels(**self.labels), judge="judge-0", controls=("random",))
        figures = draw_all({name: {} for name in chosen}, data, about, Look())
        save_all(((picture, figure) for _, picture, figure in figures), self.folder / "figures")

    def _prompts(self) -> pd.DataFrame:
        rows = [
            {"text": f"Please explain {label} thing number {number}.", "label": label, "human": number < 2}
            for label in ("harmful", "harmless")
            for number in range(self.prompts)
        ]
        table = pd.DataFrame(rows)
        table["prompt_id"] = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in table["text"]]
        category = [CATEGORIES[number % len(CATEGORIES)] for number in range(len(table))]
        return table.assign(split="evaluation", category=category, source="made up")

    def _responses(
        self, model: str, variant: str, prompts: pd.DataFrame, refused: Any, numbers: "itertools.count[int]"
    ) -> None:
        texts = [self.answer(next(numbers), bool(flag)) for flag in refused]
        table = pd.DataFrame({"prompt_id": prompts["prompt_id"], "sample": 0, "response": texts})
        table = table.assign(n_tokens=[len(text.split()) for text in texts], finish_reason="stop", degenerate=False)
        write_table(self.folder / "responses" / model / f"{variant}.parquet", table)

    def _verdicts(
        self, judge: str, model: str, variant: str, prompts: pd.DataFrame, refused: Any, rng: np.random.Generator
    ) -> pd.DataFrame:
        number = self.judge_names.index(judge)
        errors = rng.random(len(prompts)) < 0.06 * number
        said = np.where(prompts["label"] == "harmful", True, False) if judge == "label-only" else refused ^ errors
        verdict = np.where(said, "refusal", "non_refusal").astype(object)
        if number == 2:
            verdict[rng.random(len(prompts)) < 0.05] = "unscored"
        score = np.where(said, 0.9, 0.2) if number == 1 else np.nan
        known = prompts[["prompt_id", "label", "category", "human"]]
        return known.assign(model=model, variant=variant, judge=judge, sample=0, verdict=verdict, score=score)

    def _tables(self, verdicts: pd.DataFrame) -> None:
        controls = ["random"]
        inference = Inference(resamples=self.resamples)
        robustness = robustness_table(verdicts, controls=controls, inference=Inference(resamples=self.resamples))
        lengths = judge_validity.collect_lengths((path.parent.name, path.stem, path) for path in self.response_files())
        edited = [name for name in self.variants if name != "original"]
        edits = sound_edits(itertools.product(self.model_names, edited))
        tables = {
            "counts": count_verdicts(verdicts),
            "robustness": robustness,
            "agreement": agreement_table(verdicts, controls=controls, inference=Inference(resamples=self.resamples)),
            "conclusions": conclusion_table(robustness, "judge-0", controls=controls),
            "ranking": ranking_table(verdicts, controls=controls, inference=Inference(resamples=self.resamples)),
            "confusion": judge_validity.confusion_table(verdicts, "judge-0"),
            "bias": judge_validity.bias_table(verdicts, "judge-0", inference),
            "disputes_by_length": judge_validity.disputes_by_length(verdicts, "judge-0", lengths, inference),
            "edits": edits,
            "scales": self._scale(),
        }
        for name, table in tables.items():
            write_table(self.folder / "tables" / f"{name}.csv", table)

    def _scale(self) -> pd.DataFrame:
        """Rates that fall with the scale of two made-up attacks."""
        systems = itertools.product(self.model_names, ("projected", "orthogonalize"), (0.0, 0.5, 1.0, 1.5))
        table = pd.DataFrame(systems, columns=["model", "attack", "scale"])
        table["rate"] = 0.9 - 0.5 * table["scale"]
        return table.assign(rate_low=table["rate"] - 0.1, rate_high=table["rate"] + 0.1)
