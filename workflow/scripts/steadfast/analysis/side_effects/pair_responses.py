"""Responses of a model–variant pair, with the properties of their prompts."""

from dataclasses import dataclass

import pandas as pd

PROMPT = ["prompt_id", "text", "label", "category"]


@dataclass(frozen=True)
class PairResponses:
    """The responses of one model–variant pair.

    Attributes:
        table: one row per prompt and sample: ``PROMPT``, ``sample``, ``response``, ``n_tokens``, ``degenerate``, and
            ``verdict`` of the judge used for side effects.
    """

    table: pd.DataFrame

    @classmethod
    def join(cls, responses: pd.DataFrame, prompts: pd.DataFrame, verdicts: pd.DataFrame) -> "PairResponses":
        """Join responses to their prompts and verdicts; a missing verdict is empty."""
        known = responses.merge(prompts[PROMPT], on="prompt_id", how="left", validate="many_to_one")
        judged = verdicts[["prompt_id", "sample", "verdict"]]
        joined = known.merge(judged, on=["prompt_id", "sample"], how="left", validate="one_to_one")
        return cls(joined.fillna({"verdict": "", "category": ""}))

    def chosen(self, rows: "pd.Series[bool]") -> "PairResponses":
        """The selected responses."""
        return PairResponses(self.table[rows])

    def of_label(self, label: str) -> "PairResponses":
        """The responses to harmful or to harmless prompts."""
        return self.chosen(self.table["label"] == label)

    def per_prompt(self, values: "pd.Series[float]") -> "pd.Series[float]":
        """Mean over the samples of each prompt, by prompt id; NaN values are ignored."""
        return values.groupby(self.table["prompt_id"], sort=False).mean()
