"""Properties of a run that figures use in addition to its tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steadfast.analysis.tables.display_names import Labels


@dataclass(frozen=True)
class About:
    """Names and settings of a run that figures need.

    Attributes:
        labels: display labels of models, variants and judges.
        judge: judge whose verdicts are shown.
        reference: judge whose verdicts decide conclusions and assessments.
        truth: judge that the others are compared with: human labels if there are any, otherwise the reference.
        baselines: judges that do not read the response.
        controls: variants with the role *control*.
        swept: variants of sweeps, which have a separate figure.
        self_judges: judges that are the model under test.
        groups: group by model, for models that are replicates.
        group_labels: display labels of groups.
        rubric_labels: display labels of rubrics.
        margin: margin of the conclusions.
        confidence: level of the intervals.
    """

    labels: Labels = field(default_factory=Labels)
    judge: str = ""
    reference: str = ""
    truth: str = ""
    baselines: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    swept: tuple[str, ...] = ()
    self_judges: tuple[str, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    group_labels: Mapping[str, str] = field(default_factory=dict)
    rubric_labels: Mapping[str, str] = field(default_factory=dict)
    margin: float = 0.10
    confidence: float = 0.95

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "About":
        """Build from the JSON values in a job's params."""
        lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        return cls(**{**values, **lists, "labels": Labels(**values["labels"])})
