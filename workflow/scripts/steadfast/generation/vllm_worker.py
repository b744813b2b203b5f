"""Batch worker: runs in vLLM's environment, and imports only the standard library and vLLM.

    python -P -m steadfast.generation.vllm_worker RESULTS < WORK

WORK is JSON, one object per line. The first holds the arguments of ``vllm.LLM``. Every further line is a batch:
``sampling`` (of ``vllm.SamplingParams``), ``requests``, a list of ``{"tokens": [...], "max_tokens": n, "seed": s}``,
and ``adapter``, the folder of a LoRA adapter or null. RESULTS is the file descriptor that gets one JSON object per
line: ``{"ready": seconds}``, then for each batch ``{"index": i, "tokens": [...]}`` as responses finish, every few
seconds ``{"written": [n, share]}`` (tokens of unfinished responses, and their share of the maximum), and ``{"end":
n}``. The model remains loaded until WORK ends.
"""

import json
import sys
import time
from typing import Any

REPORT_SECONDS = 5.0


def main() -> None:
    """Load the model, generate, report."""
    arguments = json.loads(sys.stdin.readline())
    start = time.monotonic()
    from vllm import LLM

    # input and output are tokens
    model = LLM(**arguments, skip_tokenizer_init=True, disable_log_stats=True)
    with open(int(sys.argv[1]), "w", encoding="utf-8") as results:
        _report(results, {"ready": time.monotonic() - start})
        adapters: dict[str, int] = {}
        for line in sys.stdin:
            work = json.loads(line)
            _generate(model.llm_engine, work, results, adapters)
            _report(results, {"end": len(work["requests"])})


def _generate(engine: Any, work: dict[str, Any], results: Any, adapters: dict[str, int]) -> None:
    """Generate a batch; all its requests have the same adapter, since vLLM's CPU build has mixed them up."""
    from vllm import SamplingParams

    lora = _lora(work["adapter"], adapters) if work["adapter"] else None

    sampling = work["sampling"]
    if sampling["logit_bias"]:
        # JSON converted token ids to strings
        sampling["logit_bias"] = {int(token): bias for token, bias in sampling["logit_bias"].items()}
    for index, request in enumerate(work["requests"]):
        params = SamplingParams(**sampling, max_tokens=request["max_tokens"], seed=request["seed"], detokenize=False)
        engine.add_request(str(index), {"prompt_token_ids": request["tokens"]}, params, lora_request=lora)
    reported = time.monotonic()
    while engine.has_unfinished_requests():
        outputs = engine.step()
        if time.monotonic() - reported >= REPORT_SECONDS:
            reported = time.monotonic()
            lengths = [(o.outputs[0].token_ids, work["requests"][int(o.request_id)]) for o in outputs if not o.finished]
            share = sum(len(tokens) / request["max_tokens"] for tokens, request in lengths)
            _report(results, {"written": [sum(len(tokens) for tokens, _ in lengths), share]})
        for output in outputs:
            if output.finished:
                tokens = list(output.outputs[0].token_ids)
                _report(results, {"index": int(output.request_id), "tokens": tokens})


def _lora(path: str, adapters: dict[str, int]) -> Any:
    from vllm.lora.request import LoRARequest

    return LoRARequest(path, adapters.setdefault(path, len(adapters) + 1), path)


def _report(results: Any, record: dict[str, Any]) -> None:
    results.write(json.dumps(record) + "\n")
    results.flush()


if __name__ == "__main__":
    main()
