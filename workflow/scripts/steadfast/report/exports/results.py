"""The results of a run that are exported, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from steadfast.core.names import HARMFUL

Responses = Literal["all", "harmless", "none"]
LEFT_OUT = "[left out]"
PAIR = ["model", "variant"]
KEYS = [*PAIR, "prompt_id", "sample"]


@dataclass(frozen=True)
class RunResults:
    """What a run found.

    Attributes:
        prompts: the prompt table.
        responses: the response tables of all pairs as one, with ``model`` and ``variant``.
        verdicts: the verdict table.
        tables: ``robustness``, ``assessment`` and ``agreement``.
        labels: display names of models, variants and judges.
        judge: the reference judge.
        repositories: where each model comes from, for those who want to get it.
        show: whose responses are exported; the others are left out.
        commit: git commit of the workflow, if it is known.
        confidence: of the intervals.
    """

    prompts: pd.DataFrame
    responses: pd.DataFrame
    verdicts: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    labels: Mapping[str, Mapping[str, str]]
    judge: str
    repositories: Mapping[str, str]
    show: Responses = "harmless"
    commit: str = ""
    confidence: float = 0.95

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The model–variant pairs, in the order of the responses."""
        found = self.responses[PAIR].drop_duplicates()
        return [(str(model), str(variant)) for model, variant in found.itertuples(index=False, name=None)]

    def shown_responses(self) -> pd.DataFrame:
        """The responses with their prompts; those that are left out say so in place of their text."""
        known = self.prompts[["prompt_id", "text", "label", "category"]].rename(columns={"text": "prompt"})
        joined = self.responses.merge(known, on="prompt_id", how="left", validate="many_to_one")
        hidden = {"all": joined["label"] == "", "none": joined["label"] != ""}.get(
            self.show, joined["label"] == HARMFUL
        )
        return joined.assign(response=joined["response"].mask(hidden, LEFT_OUT))

    def what_is_left_out(self) -> str:
        """A sentence on the responses that are not exported."""
        texts = {
            "all": "All responses are included, those to harmful prompts among them.",
            "harmless": f"Responses to harmful prompts are left out (`{LEFT_OUT}`); every verdict on them is included.",
            "none": f"Responses are left out (`{LEFT_OUT}`); every verdict on them is included.",
        }
        return texts[self.show]

    def label(self, kind: str, name: str) -> str:
        """Display name of a model, variant or judge."""
        return str(self.labels.get(kind, {}).get(name, name))


def plain(value: Any) -> Any:
    """A cell as JSON has it: no NaN, no numbers of NumPy."""
    if value is None or value != value:
        return None
    return value.item() if hasattr(value, "item") else value
