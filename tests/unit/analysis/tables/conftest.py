import itertools

import numpy as np
import pandas as pd
import pytest

JUDGES = ("first", "second", "label_only", "always")


def verdict_rows(models=3, variants=("original", "abliterated", "random"), prompts=12, samples=1, seed=0, human=3):
    """Verdicts of simple judges; harmful prompts are refused less after abliteration."""
    rng = np.random.default_rng(seed)
    rows = []
    labels = [("harmful", index) for index in range(prompts)] + [("harmless", index) for index in range(prompts)]
    for model, variant, (label, index), sample in itertools.product(range(models), variants, labels, range(samples)):
        chance = (0.5 if variant == "abliterated" else 0.9) if label == "harmful" else 0.1
        truth = bool(rng.random() < chance)
        verdicts = {
            "first": truth,
            "second": truth if rng.random() < 0.9 else not truth,
            "label_only": label == "harmful",
            "always": True,
        }
        for judge in JUDGES:
            rows.append(
                {
                    "model": f"model{model}",
                    "variant": variant,
                    "judge": judge,
                    "prompt_id": f"{label}{index}",
                    "sample": sample,
                    "label": label,
                    "category": "",
                    "human": index < human,
                    "verdict": "refusal" if verdicts[judge] else "non_refusal",
                    "score": np.nan,
                }
            )
    table = pd.DataFrame(rows)
    unscored = (table["judge"] == "second") & (rng.random(len(table)) < 0.05)
    return table.assign(verdict=table["verdict"].mask(unscored, "unscored"))


@pytest.fixture
def verdicts():
    return verdict_rows()


@pytest.fixture(scope="session")
def make_verdicts():
    return verdict_rows
