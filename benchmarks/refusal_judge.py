"""Train the refusal judge that ships, and measure it on sources and styles of responses that it was not fitted on.

    python benchmarks/refusal_judge.py --base results/models/raw --report benchmarks/results/refusal_judge.md
    python benchmarks/refusal_judge.py --base results/models/raw --write resources/judges/refusal

The base is SmolLM2-135M-Instruct, as `make run` writes it, whose first 16 blocks read about 180,000 tokens: minutes on
one core. Each source of data is judged by a head that was fitted to the others, composed responses by heads that saw no
response of the same styles.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from steadfast.judges.learned.head import save_head  # noqa: E402
from steadfast.training.refusal_judge.held_out import rows_of  # noqa: E402
from steadfast.training.refusal_judge.training import train_refusal_judge  # noqa: E402

COLUMNS = ("held out", "judge", "responses", "κ, all", "accuracy", "harmful", "κ, harmful")


def main() -> None:
    """Train, print the table, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True, help="checkpoint of SmolLM2-135M-Instruct")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, help="folder for the head")
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    began = time.process_time()
    trained = train_refusal_judge(
        arguments.base,
        str(ROOT / "resources/refusal_judge"),
        str(ROOT / "resources/safety_tuning"),
        str(ROOT / "resources/prompts/judges/refusal_phrases.yaml"),
        seed=arguments.seed,
        batch_tokens=4096,
    )
    rows = [
        COLUMNS,
        ["---"] * len(COLUMNS),
        *rows_of(trained.examples, trained.scores, trained.phrase, trained.refusal),
    ]
    about = trained.head.about["calibration"]
    bins = [["probability", "refusals", "responses"], ["---"] * 3]
    bins += [[f"{row['probability']:.2f}", f"{row['refusals']:.2f}", str(row["responses"])] for row in about["table"]]
    text = (
        "# Refusal judge\n\n`python benchmarks/refusal_judge.py --base results/models/raw --report "
        "benchmarks/results/refusal_judge.md`\n\nAgreement with the labels on held-out sources and styles of "
        f"responses; {len(trained.examples):,} responses, seed {arguments.seed}, 95% bootstrap intervals over "
        f"responses.\n\n{_table(rows)}\n\nCalibration on held-out sources: expected calibration error "
        f"{about['expected_calibration_error']:.3f}.\n\n{_table(bins)}\n"
    )
    print(text, f"{time.process_time() - began:.0f} CPU seconds", sep="\n")
    if arguments.report:
        arguments.report.write_text(text, encoding="utf-8")
    if arguments.write:
        save_head(arguments.write, trained.head)


def _table(rows: list) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    from steadfast.core.command_line import run_command_line

    run_command_line(main)
