"""Prompts, responses and verdicts, packed for the response browser.

A verdict is one character, a text that several model–variant pairs gave is stored once, and positions represent names.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.tables.ordering import names_of
from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED
from steadfast.report.study import Study
from steadfast.report.view import keyed

CODES = {REFUSAL: "r", NON_REFUSAL: "n", UNSCORED: "u"}
MISSING = "-"
DEGENERATE, CUT, WHOLE = "d", "c", "."


def browser_data(study: Study) -> dict[str, Any] | None:
    """What the browser reads, or None if the responses are left out of the page.

    Returns:
        ``items`` are prompts × samples; every string of ``verdicts`` [judge][pair] and ``flags`` [pair] has one
        character per item, every list of ``scores`` [judge][pair], ``answers`` [pair] and ``tokens`` [pair] one
        entry. ``answers`` are positions in ``texts``.
    """
    if study.show == "none" or study.responses.empty:
        return None
    responses = study.responses
    answering = set(zip(responses["model"].tolist(), responses["variant"].tolist(), strict=True))
    pairs = [pair for pair in study.pairs if pair in answering]
    answered = set(responses["prompt_id"].tolist())
    prompts = study.prompts[study.prompts["prompt_id"].isin(answered)].drop_duplicates("prompt_id")
    samples = sorted({int(sample) for sample in responses["sample"].tolist()})
    items = pd.MultiIndex.from_product([prompts["prompt_id"].tolist(), samples], names=["prompt_id", "sample"])
    texts = names_of(responses, "response")
    of_pair = {key: table.set_index(["prompt_id", "sample"]).reindex(items) for key, table in _by_pair(responses)}
    position = {text: index for index, text in enumerate(texts)}
    return {
        "open": study.show == "full",
        "systems": [[study.models.index(model), study.variants.index(variant)] for model, variant in pairs],
        "models": keyed(study.models, study.labels.model),
        "variants": keyed(study.variants, study.labels.variant),
        "judges": keyed(study.judges, study.labels.judge),
        "reference": study.judges.index(study.reference),
        "baselines": [study.judges.index(judge) for judge in study.judges if judge in study.baselines],
        "samples": samples,
        "prompts": {
            "id": prompts["prompt_id"].tolist(),
            "text": prompts["text"].tolist(),
            "harmful": [int(label == "harmful") for label in prompts["label"]],
            "category": [str(category) for category in prompts["category"]],
        },
        "texts": texts,
        "answers": [
            [position.get(text, -1) if isinstance(text, str) else -1 for text in of_pair[pair]["response"].tolist()]
            for pair in pairs
        ],
        "tokens": [of_pair[pair]["n_tokens"].fillna(0).astype(int).tolist() for pair in pairs],
        "flags": [_flags(of_pair[pair]) for pair in pairs],
        **_verdicts(study, pairs, items),
    }


def _by_pair(table: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    groups = table.groupby(["model", "variant"], sort=False)
    return [((str(model), str(variant)), chosen) for (model, variant), chosen in groups]


def _flags(responses: pd.DataFrame) -> str:
    degenerate = responses["degenerate"].fillna(False).astype(bool)
    cut = responses["finish_reason"] == "length"
    codes = np.where(degenerate, DEGENERATE, np.where(cut, CUT, WHOLE))
    return "".join(codes.tolist())


def _verdicts(study: Study, pairs: list[tuple[str, str]], items: pd.MultiIndex) -> dict[str, Any]:
    """One character per verdict, and scores in percent of the judges that give them."""
    table = study.verdicts
    item = items.get_indexer(pd.MultiIndex.from_frame(table[["prompt_id", "sample"]]))
    cell = pd.MultiIndex.from_tuples(pairs).get_indexer(pd.MultiIndex.from_frame(table[["model", "variant"]]))
    judge = table["judge"].map({name: index for index, name in enumerate(study.judges)}).to_numpy(np.int64)
    known: NDArray[np.bool_] = (item >= 0) & (cell >= 0)
    shape = (len(study.judges), len(pairs), len(items))
    codes = np.full(shape, MISSING)
    scores = np.full(shape, np.nan)
    place = (judge[known], cell[known], item[known])
    codes[place] = table["verdict"].map(CODES).to_numpy()[known]
    scores[place] = 100 * table["score"].to_numpy(float)[known]
    return {
        "verdicts": [["".join(row) for row in of_judge.tolist()] for of_judge in codes],
        "scores": [
            [[None if np.isnan(score) else round(score) for score in row] for row in of_judge.tolist()]
            if not np.isnan(of_judge).all()
            else None
            for of_judge in scores
        ],
    }
