"""Checks of what the configured input files hold, on trial, before any job.

They take longer than the checks of the configuration itself, so that each outcome is remembered: as long as the
settings, the files and the code are the same, inputs that have passed are not tried again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from steadfast.codedigest import code_digest
from steadfast.errors import ConfigError, DataError
from steadfast.files import sha256_file, write_text

CLASSES = ("harmful", "harmless")


def check_inputs(config: Mapping[str, Any], memory: Path) -> None:
    """Select the prompts and read the counts tables on trial.

    Args:
        config: a complete configuration.
        memory: folder that remembers what has passed.

    Raises:
        ConfigError: an empty class, too few prompts, an overlap of the splits or classes, a wrong counts table, ...
    """
    problems = [*_prompt_problems(config, memory), *_counts_problems(config["counts_tables"], memory)]
    if problems:
        raise ConfigError("\n".join(problems))


def _prompt_problems(config: Mapping[str, Any], memory: Path) -> Iterator[str]:
    from steadfast.prompts.sources import source_files
    from steadfast.prompts.table import check_prompts

    settings = {**config["prompts"], "seed": config["seed"]}
    sources = [source for label in CLASSES for source in settings[label]]
    files = sorted({file for source in sources for file in source_files(source)})
    kinds = sorted({f"steadfast.prompts.sources.{source['kind']}" for source in sources})
    mark = memory / f"prompts-{_digest(settings, files, 'steadfast.prompts.table', *kinds)}"
    if mark.exists():
        return
    try:
        check_prompts({label: settings.pop(label) for label in CLASSES}, **settings)
    except ConfigError as error:
        yield f"prompts: {error}"
    else:
        write_text(mark, "These prompts could be selected.\n")


def _counts_problems(tables: Mapping[str, str], memory: Path) -> Iterator[str]:
    from steadfast.tables.counts import read_counts

    for name, path in tables.items():
        mark = memory / f"counts-{_digest({}, [path], 'steadfast.tables.counts')}"
        if mark.exists():
            continue
        try:
            read_counts(path)
        except DataError as error:
            yield f"counts_tables.{name}: {error}"
        else:
            write_text(mark, "This counts table could be read.\n")


def _digest(settings: Mapping[str, Any], files: list[str], *modules: str) -> str:
    parts = [settings, [sha256_file(file) for file in files], code_digest(*modules)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
