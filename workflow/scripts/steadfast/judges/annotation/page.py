"""The annotation page and its key."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.core.files import read_table, write_table, write_text
from steadfast.core.pages import assemble
from steadfast.judges.annotation.assembly import SOURCE
from steadfast.judges.annotation.definition import Definition, load_definition
from steadfast.judges.annotation.items import (
    AnnotatedVariant,
    collect_items,
    item_set_id,
    read_judgments,
    read_responses,
)
from steadfast.judges.annotation.sampling import Mode, select

KEY_COLUMNS = [
    "item_id",
    "model",
    "variant",
    "prompt_id",
    "sample",
    "selected",
    "stratum",
    "weight",
    "item_set",
]


@dataclass(frozen=True)
class AnnotationPage:
    """A page and its key.

    Attributes:
        html: the page.
        key: one row per response of the run, with `KEY_COLUMNS`; the page holds the items of those ``selected``. The
            other responses are included, so that labels remain usable if a later page has other items.
    """

    html: str
    key: pd.DataFrame


def build_annotation_page(
    prompts: pd.DataFrame,
    responses: Mapping[AnnotatedVariant, pd.DataFrame],
    *,
    definition: Definition,
    resources: Path,
    mode: Mode = "human_subset",
    size: int = 200,
    samples: int | None = 1,
    seed: int = 0,
    annotators: Sequence[str] = (),
    judgments: pd.DataFrame | None = None,
) -> AnnotationPage:
    """Build the page: one file without network access that shows only prompts and responses.

    It contains no names of models, variants or judges, no verdicts and no prompt labels.

    Args:
        prompts: the prompt table.
        responses: per model–variant pair its table of responses.
        definition: definition of the labels.
        resources: folder that the page's template, styles and scripts are relative to.
        mode: ``human_subset`` or ``sampled``, see `steadfast.judges.annotation.sampling.select`.
        size: number of responses to sample, for ``sampled``.
        samples: number of samples per prompt and model–variant pair to label; None takes all.
        seed: seed of the sampling and, with the annotator's name, of the order of the items.
        annotators: suggested names of annotators.
        judgments: for ``sampled``, verdicts (judge, model, variant, prompt_id, sample, verdict) of the judges
            whose disagreement counts.

    Raises:
        ConfigError, DataError: nothing can be selected, or a response belongs to an unknown prompt.
    """
    items = collect_items(prompts, responses)
    items = select(items, prompts, mode=mode, size=size, samples=samples, seed=seed, judgments=judgments)
    shown = items[items["selected"]]
    fingerprint = item_set_id(shown["item_id"], definition.canonical())
    data = _page_data(shown, definition, fingerprint, seed, annotators)
    return AnnotationPage(assemble(SOURCE, resources, {"data": data}), items.assign(item_set=fingerprint)[KEY_COLUMNS])


def write_annotation_page(
    *,
    prompts: str | Path,
    responses: Iterable[str | Path],
    judgments: Iterable[str | Path],
    definition: str | Path,
    resources: str | Path,
    html: str | Path,
    key: str | Path,
    **settings: Any,
) -> None:
    """Read the inputs, build the page, and write it and its key.

    Args:
        prompts: the prompt table.
        responses: files ``.../{model}/{variant}.parquet``.
        judgments: files ``.../{judge}/{model}/{variant}.parquet``; only ``mode: sampled`` reads them.
        definition: YAML file with the definition.
        resources: folder that the page's template, styles and scripts are relative to.
        html: output path of the page.
        key: output path of the key.
        **settings: ``mode``, ``size``, ``samples``, ``seed``, ``annotators`` of `build_annotation_page`.
    """
    page = build_annotation_page(
        read_table(prompts),
        read_responses(responses),
        definition=load_definition(definition),
        resources=Path(resources),
        judgments=read_judgments(judgments),
        **settings,
    )
    write_text(html, page.html)
    write_table(key, page.key)


def _page_data(
    shown: pd.DataFrame, definition: Definition, fingerprint: str, seed: int, annotators: Sequence[str]
) -> dict[str, Any]:
    """Data for the page's scripts, sorted by opaque id, so that positions reveal nothing."""
    distinct = shown.drop_duplicates("item_id").sort_values("item_id")
    questions = list(dict.fromkeys(distinct["prompt"]))
    number = {text: index for index, text in enumerate(questions)}
    return {
        "itemSet": fingerprint,
        "seed": seed,
        "annotators": list(annotators),
        "definition": definition.as_dict(),
        "responses": len(shown),
        "questions": questions,
        "items": [
            {"id": identity, "question": number[prompt], "text": response}
            for identity, prompt, response in zip(
                distinct["item_id"], distinct["prompt"], distinct["response"], strict=True
            )
        ],
    }
