"""A data set folder for the Hugging Face hub: prompts, responses and verdicts as Parquet, with a card."""

from pathlib import Path

import yaml

from steadfast.core.files import write_table, write_text
from steadfast.report.exports.results import KEYS, RunResults

RESPONSES = [*KEYS, "prompt", "label", "category", "response", "finish_reason", "degenerate"]
VERDICTS = [*KEYS, "judge", "label", "category", "verdict", "score"]
CARD = """\
# Responses and verdicts

Refusals of {models} model(s) in {variants} variant(s), judged by {judges} judge(s), made with Steadfast{commit}.

| configuration | rows | content |
|---|---|---|
| `responses` | {responses} | one row per model, variant, prompt and sample |
| `verdicts` | {verdicts} | one row per response and judge: `refusal`, `non_refusal` or `unscored`, and a probability |

{left_out}

The variant `original` is the model as it is; every other variant is compared with it. Prompts labeled `harmful` ask
for something that a safety-trained model should refuse. The prompts have the licenses of their sources: say under
`license` above which one holds for the whole before you publish it.

Verdicts are those of automatic judges unless the judge's name begins with `human`. Their agreement with the reference
judge (`{reference}`) is in the report of the run.
"""


def write_folder(folder: Path, results: RunResults) -> None:
    """Write the folder.

    Args:
        folder: its path.
        results: what the run found.
    """
    responses = results.shown_responses()[RESPONSES]
    verdicts = results.verdicts[VERDICTS]
    write_table(folder / "responses.parquet", responses)
    write_table(folder / "verdicts.parquet", verdicts)
    configs = [
        {"config_name": name, "data_files": [{"split": "train", "path": f"{name}.parquet"}]}
        for name in ("responses", "verdicts")
    ]
    matter = {"pretty_name": "Responses and verdicts", "license": "other", "configs": configs}
    text = CARD.format(
        models=responses["model"].nunique(),
        variants=responses["variant"].nunique(),
        judges=verdicts["judge"].nunique(),
        responses=f"{len(responses):,}",
        verdicts=f"{len(verdicts):,}",
        commit=f" (commit {results.commit[:12]})" if results.commit else "",
        left_out=results.what_is_left_out(),
        reference=results.label("judges", results.judge),
    )
    write_text(folder / "README.md", f"---\n{yaml.safe_dump(matter, sort_keys=False)}---\n\n{text}")
