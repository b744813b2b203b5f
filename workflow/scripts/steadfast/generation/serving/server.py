"""vLLM's OpenAI-compatible server, which runs during a job."""

import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadfast.core.files import write_json
from steadfast.generation.interface import Runtime
from steadfast.generation.serving.arguments import command_line, engine_arguments, process_environment
from steadfast.generation.serving.failure import failure
from steadfast.generation.serving.interpreter import find_interpreter
from steadfast.generation.serving.process import SupervisedProcess, supervised

# `vllm serve` looks up its version under the name of the CUDA distribution, which the CPU build does not have
MODULE = "vllm.entrypoints.openai.api_server"
HOST = "127.0.0.1"
POLL_SECONDS = 0.25
# a line per request would flood the job's log
QUIET = ("--disable-log-stats", "--disable-uvicorn-access-log")
CPU_CACHED_TOKENS = 65_536
# vLLM's value for an automatic length; otherwise long-context models do not start if the maximum does not fit
WHAT_FITS = -1


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        base_url: address of the API, up to and including ``/v1``.
        model: name under which the model is served.
    """

    base_url: str
    model: str


@contextmanager
def serve(
    model_dir: str | Path,
    *,
    name: str = "model",
    dtype: str = "auto",
    max_model_len: int = WHAT_FITS,
    template: str | None = None,
    stop_tokens: Sequence[int] = (),
    options: Sequence[str] = (),
    **runtime: Any,
) -> Iterator[Server]:
    """Context with a server: start it, wait until it answers, and stop it on exit.

    All its processes end, even if this process is killed (``steadfast.generation.serving.process``).

    Args:
        model_dir: a model directory of the workflow, or a plain checkpoint directory.
        name: name under which the model is served.
        dtype: ``auto`` (see ``steadfast.models.number_format``) or a torch number format.
        max_model_len: longest conversation, in tokens; by default the model's maximum, or less if the key-value cache
            is too small.
        template: text of the chat template; None for the checkpoint's own.
        stop_tokens: token ids that end an answer; empty for those in the checkpoint's files.
        options: further command line options of vLLM's server.
        runtime: fields of ``steadfast.generation.interface.Runtime``.

    Raises:
        ConfigError: there is no environment with vLLM.
        ServingError: the server did not start; the message ends with its log and advice.
    """
    settings = Runtime(**runtime)
    interpreter = find_interpreter(settings.vllm_python)
    arguments = engine_arguments(
        model_dir,
        settings,
        interpreter,
        dtype=dtype,
        max_model_len=max_model_len,
        cached_tokens=max(CPU_CACHED_TOKENS, max_model_len),
    )
    environment = process_environment(settings, interpreter, in_process=False)
    port = _free_port()
    command = [str(interpreter.python), "-P", "-m", MODULE, *command_line(arguments)]
    command += ["--served-model-name", name, "--host", HOST, "--port", str(port), *QUIET, *options]
    print(f"vLLM {interpreter.version} ({interpreter.python}) serves {model_dir} on port {port}", flush=True)
    with (
        _chat_arguments(template, stop_tokens) as chat,
        supervised([*command, *chat], environment=environment) as process,
    ):
        start = time.monotonic()
        _await_health(process, f"http://{HOST}:{port}/health", settings.start_timeout)
        print(f"vLLM's server is ready after {time.monotonic() - start:.1f} s", flush=True)
        yield Server(f"http://{HOST}:{port}/v1", name)


@contextmanager
def _chat_arguments(template: str | None, stop_tokens: Sequence[int]) -> Iterator[list[str]]:
    """Context with options for temporary files of the chat template and the stop tokens."""
    with tempfile.TemporaryDirectory() as folder:
        options = []
        if template is not None:
            file = Path(folder) / "chat_template.jinja"
            file.write_text(template, encoding="utf-8")
            options += ["--chat-template", str(file)]
        if stop_tokens:
            # replaces the checkpoint's file, of which only these tokens are needed
            write_json(Path(folder) / "generation_config.json", {"eos_token_id": list(stop_tokens)})
            options += ["--generation-config", folder]
        yield options


def _await_health(process: SupervisedProcess, url: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not _healthy(url):
        status = process.poll()
        if status is not None:
            raise failure("vLLM's server did not start", status, process.tail())
        if time.monotonic() > deadline:
            message = f"vLLM's server did not answer within {timeout:.0f} s (runtime.start_timeout)"
            raise failure(message, None, process.tail())
        time.sleep(POLL_SECONDS)


def _healthy(url: str) -> bool:
    try:
        # no proxy from the environment for a local address
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
