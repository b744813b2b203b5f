"""Checks of the content of the configured input files before any job.

They take longer than the checks of the configuration, so results are cached: inputs that passed are not checked again
until the settings, the files or the code change.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from steadfast.core.code_digest import code_digest
from steadfast.core.errors import ConfigError, DataError
from steadfast.core.files import sha256_file, write_text
from steadfast.core.locations import SCRIPTS
from steadfast.core.names import ORIGINAL, PROMPT_LABELS
from steadfast.grid.data import ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.models import ModelDirectoryJobs
from steadfast.models.sources import source_of


def check_inputs(config: Mapping[str, Any], memory: Path) -> None:
    """Select the prompts, read the counts tables and check the local models before the run.

    Args:
        config: a complete configuration.
        memory: folder with the cache of passed checks.

    Raises:
        ConfigError: too few prompts of a label, an overlap of the splits or labels, a wrong counts table, a
            checkpoint that lacks a tensor or a chat template, ...
    """
    problems = [
        *_prompt_problems(config, memory),
        *_counts_problems(config["counts_tables"], memory),
        *_model_problems(config, memory),
    ]
    if problems:
        raise ConfigError("\n".join(problems))


def _prompt_problems(config: Mapping[str, Any], memory: Path) -> Iterator[str]:
    from steadfast.prompts.sources import source_files
    from steadfast.prompts.table import check_prompts

    settings = {**config["prompts"], "seed": config["seed"]}
    sources = [source for label in PROMPT_LABELS for source in settings[label]]
    files = sorted({file for source in sources for file in source_files(source)})
    kinds = sorted({f"steadfast.prompts.sources.kinds.{source['kind']}" for source in sources})
    mark = memory / f"prompts-{_digest(settings, files, 'steadfast.prompts.table', *kinds)}"
    if mark.exists():
        return
    try:
        check_prompts({label: settings.pop(label) for label in PROMPT_LABELS}, **settings)
    except ConfigError as error:
        yield f"prompts: {error}"
    else:
        _remember(mark, "These prompts could be selected.\n")


def _counts_problems(tables: Mapping[str, str], memory: Path) -> Iterator[str]:
    from steadfast.analysis.tables.counts import read_counts

    for name, path in tables.items():
        mark = memory / f"counts-{_digest({}, [path], 'steadfast.analysis.tables.counts')}"
        if mark.exists():
            continue
        try:
            read_counts(path)
        except DataError as error:
            yield f"counts_tables.{name}: {error}"
        else:
            _remember(mark, "This counts table could be read.\n")


def _remember(mark: Path, text: str) -> None:
    # a check that cannot be cached is repeated
    with suppress(OSError):
        write_text(mark, text)


def _model_problems(config: Mapping[str, Any], memory: Path) -> Iterator[str]:
    """Errors in the local models; models that may run their own code are checked only in their jobs."""
    local = {name: model for name, model in config["models"].items() if source_of(model).in_place}
    jobs, marks, requests = ModelDirectoryJobs(Grid(config)), {}, {}
    for name, model in local.items():
        root = Path(model["path"]).resolve()
        job = ModelVariant(name, ORIGINAL)
        request = {"path": str(root), **jobs.chat(job), **json.loads(jobs.trial(job))}
        # the configuration check has counted their blocks
        request.pop("blocks", None)
        files = sorted(file for file in root.rglob("*") if file.is_file())
        stats = [(str(file), stat.st_size, stat.st_mtime_ns) for file in files if (stat := file.stat())]
        template = jobs.template(job)
        mark = memory / f"model-{_digest({**request, 'files': stats}, template, 'steadfast.models.check')}"
        if not (model["trust_remote_code"] or mark.exists()):
            marks[name], requests[name] = mark, request
    for name, problem in zip(requests, _checked(list(requests.values())), strict=True):
        if problem:
            yield f"models.{name}: {problem}"
        else:
            _remember(marks[name], "This model was whole.\n")


def _checked(models: list[dict[str, Any]]) -> list[str]:
    """Errors in each model, found in a separate process so that this one does not load torch."""
    if not models or find_spec("transformers") is None:  # with conda, only jobs may have it
        return [""] * len(models)
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "steadfast.models.check"]
    done = subprocess.run(command, input=json.dumps(models), capture_output=True, text=True, env=environment)
    if done.returncode:
        raise ConfigError(f"the local models could not be checked:\n{done.stderr.strip()}")
    problems: list[str] = json.loads(done.stdout)
    return problems


def _digest(settings: Mapping[str, Any], files: list[str], *modules: str) -> str:
    parts = [settings, [sha256_file(file) for file in files], code_digest(*modules)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
