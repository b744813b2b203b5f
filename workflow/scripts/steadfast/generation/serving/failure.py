"""Failures of vLLM, reported with the end of its log and with what can be done about them."""

import re

from steadfast.core.errors import SteadfastError

SHOWN_LINES = 25

# patterns in the log, with advice; the first match is shown, so specific ones come first
HINTS = (
    (
        r"NaNs detected in logits",
        "the model's numbers exceed what the format that it runs in holds: set `dtype` of its config entry to float32, "
        "or to bfloat16 in place of float16; if that does not help, its weights are damaged, or an edit is too strong "
        "(`scale`)",
    ),
    (
        r"out of memory|No available memory for the cache blocks|Free memory on device|less than desired GPU memory",
        "not enough memory: lower runtime.memory_fraction if others use the GPU, raise it if the model is alone, "
        "spread the model over more GPUs (its key `gpus`), or set runtime.kv_cache_gib on a CPU",
    ),
    (
        r"larger than the maximum number of tokens that can be stored in KV cache|KV cache is needed",
        "the longest prompt with its response does not fit into the key-value cache: raise runtime.kv_cache_gib "
        "(CPU) or runtime.memory_fraction (GPU), or lower generation.max_new_tokens",
    ),
    (
        r"torchvision::nms|torchaudio|torchcodec",
        "a package of another torch build is in vLLM's environment: remove torchvision, torchaudio and torchcodec "
        "from it, or set the environment up again with `make vllm`",
    ),
    (
        r"ModuleNotFoundError|ImportError|cannot open shared object file",
        "vLLM's environment is incomplete: set it up again with `make vllm`",
    ),
    (
        r"[Hh]ead.?size",
        "vLLM has no attention kernel for this head size; use generation.engine: transformers for this model",
    ),
    (
        r"trust_remote_code|trust-remote-code",
        "the checkpoint contains custom code: set trust_remote_code: true on this model if you trust it",
    ),
    (
        r"Model architectures .* (are|is) not supported|no vLLM implementation",
        "this vLLM does not know the architecture; use generation.engine: transformers for this model",
    ),
    (
        r"must be divisible by tensor parallel size|World size .* is larger than",
        "the model's key `gpus` must divide its attention heads and not exceed the number of GPUs",
    ),
    (r"Failed to infer device type|No CUDA GPUs are available|NVIDIA driver", "the CUDA build found no usable GPU"),
    (r"Address already in use", "the port was taken meanwhile: run the job again"),
)


class ServingError(SteadfastError):
    """vLLM did not start, or ended too early."""


def failure(what: str, status: int | None, log: str) -> ServingError:
    """Describe a failure.

    Args:
        what: the failure, as the beginning of a sentence.
        status: exit status, or None if the process did not end by itself.
        log: the last lines of its output.
    """
    ended = "" if status is None else f" (exit status {status})"
    hint = next((hint for pattern, hint in HINTS if re.search(pattern, log)), None)
    advice = f"\nWhat may help: {hint}." if hint else ""
    shown = "\n".join(f"    {line}" for line in log.splitlines()[-SHOWN_LINES:])
    return ServingError(f"{what}{ended}.{advice}\nThe end of its log:\n{shown or '    (empty)'}")
