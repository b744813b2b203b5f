"""Batch worker: runs in vLLM's environment, and imports nothing but the standard library and vLLM.

    python -P -m steadfast.generation.vllm_worker RESULTS < WORK

WORK is one JSON object: ``arguments`` (of ``vllm.LLM``), ``sampling`` (of ``vllm.SamplingParams``) and
``requests``, a list of ``{"tokens": [...], "max_tokens": n, "seed": s}``. RESULTS is the file descriptor that
gets one JSON object per line: ``{"ready": seconds}``, then ``{"index": i, "tokens": [...]}`` as they finish, and every
few seconds ``{"written": [n, share]}``: the tokens of those that are being written, and how much of their longest.
"""

import json
import sys
import time
from typing import Any

REPORT_SECONDS = 5.0


def main() -> None:
    """Load the model, generate, report."""
    work = json.load(sys.stdin)
    start = time.monotonic()
    from vllm import LLM

    # prompts arrive as tokens and leave as tokens
    model = LLM(**work["arguments"], skip_tokenizer_init=True, disable_log_stats=True)
    with open(int(sys.argv[1]), "w", encoding="utf-8") as results:
        _report(results, {"ready": time.monotonic() - start})
        _generate(model.llm_engine, work, results)


def _generate(engine: Any, work: dict[str, Any], results: Any) -> None:
    from vllm import SamplingParams

    sampling = work["sampling"]
    if sampling["logit_bias"]:
        # JSON has made texts of the tokens
        sampling["logit_bias"] = {int(token): bias for token, bias in sampling["logit_bias"].items()}
    for index, request in enumerate(work["requests"]):
        params = SamplingParams(**sampling, max_tokens=request["max_tokens"], seed=request["seed"], detokenize=False)
        engine.add_request(str(index), {"prompt_token_ids": request["tokens"]}, params)
    told = time.monotonic()
    while engine.has_unfinished_requests():
        outputs = engine.step()
        if time.monotonic() - told >= REPORT_SECONDS:
            told = time.monotonic()
            lengths = [(o.outputs[0].token_ids, work["requests"][int(o.request_id)]) for o in outputs if not o.finished]
            share = sum(len(tokens) / request["max_tokens"] for tokens, request in lengths)
            _report(results, {"written": [sum(len(tokens) for tokens, _ in lengths), share]})
        for output in outputs:
            if output.finished:
                tokens = list(output.outputs[0].token_ids)
                _report(results, {"index": int(output.request_id), "tokens": tokens})


def _report(results: Any, record: dict[str, Any]) -> None:
    results.write(json.dumps(record) + "\n")
    results.flush()


if __name__ == "__main__":
    main()
