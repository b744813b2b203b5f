"""View settings of the page: judge, model, controls and baselines."""

from collections.abc import Callable, Sequence
from typing import Any

from steadfast.report.study import Study


def keyed(names: Sequence[str], label: Callable[[str], str]) -> list[dict[str, str]]:
    """Names with their labels; a name in an address stays the same when the run grows."""
    return [{"key": name, "label": label(name)} for name in names]


def view_data(study: Study) -> dict[str, Any]:
    """Judges (baselines last), models, controls, and the labels of all that is left out at first."""
    judges = sorted(study.judges, key=lambda judge: judge in study.baselines)
    controls = [variant for variant in study.variants if variant in study.controls]
    return {
        "reference": study.reference,
        "judges": [
            {**entry, "baseline": entry["key"] in study.baselines} for entry in keyed(judges, study.labels.judge)
        ],
        "models": keyed(study.models, study.labels.model),
        "controls": controls,
        "asides": [
            *map(study.labels.variant, controls),
            *(study.labels.judge(judge) for judge in judges if judge in study.baselines),
        ],
    }
