"""What the stages after the judgments are told: annotation, statistics, figures."""

from typing import Any

from steadfast.grid.systems import Systems
from steadfast.judges.annotation.assembly import SOURCE


class Reporting(Systems):
    """Annotation page, tables and figures."""

    def annotation_key(self) -> list[str]:
        """The key of the annotation page, which holds how many responses a label stands for; none without labels."""
        return ["results/annotation/key.parquet"] if self.human_judges else []

    def annotation_settings(self) -> dict[str, Any]:
        """What decides the annotation page, apart from the responses and the definition."""
        settings = {key: value for key, value in self.config["annotation"].items() if key != "definition"}
        return {**settings, "seed": self.config["seed"]}

    @staticmethod
    def annotation_assets() -> tuple[str, ...]:
        """File names of the page's template, style and scripts."""
        return SOURCE.files

    def annotated_judgments(self) -> list[str]:
        """Judgments whose disagreement decides what people are asked to label; none for the human subset."""
        if self.config["annotation"]["mode"] != "sampled":
            return []
        return self.judgments(name for name in self.config["judges"] if name not in self.baselines)

    def study_figures(self) -> list[str]:
        """Names of the figures that the study's tables are drawn as."""
        names = ["refusal_counts", "judge_correlation", "refusal_heatmap_harmful", "refusal_heatmap_harmless"]
        return [*names, "controls"] if self.controls() else names

    def inference(self) -> dict[str, Any]:
        """Fields of ``steadfast.analysis.statistics.settings.Inference``."""
        statistics = self.config["statistics"]
        settings = {key: statistics[key] for key in ("confidence", "power")}
        return {**settings, "resamples": statistics["bootstrap"], "seed": self.config["seed"]}

    def further_results(self) -> list[str]:
        """Tables and figures that only some grids have: chosen attacks, several annotators, replicates."""
        chosen = ["results/tables/strongest.csv"] if self.chosen_systems() else []
        annotators = ["results/tables/annotators.csv"] if len(self.human_judges) > 2 else []
        tables = [f"results/tables/{name}.csv" for name in ("groups", "matched")]
        figures = [f"results/figures/replicates.{suffix}" for suffix in ("pdf", "png")]
        return [*chosen, *annotators, *(tables + figures if self.groups() else [])]
