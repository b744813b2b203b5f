"""The results of a run as data frames: part of the Python API."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from steadfast.attacks.directions import Direction, load_direction
from steadfast.core.errors import DataError, suggest
from steadfast.core.files import read_table

SUFFIXES = (".csv", ".parquet")
PAIR = ["model", "variant"]
RESPONSE = [*PAIR, "prompt_id", "sample"]


@dataclass(frozen=True)
class Tables(Mapping[str, pd.DataFrame]):
    """The tables of a run by name, read lazily.

    Attributes:
        folder: directory of the tables.
    """

    folder: Path

    def __getitem__(self, name: str) -> pd.DataFrame:
        """A table by name; ``robustness`` reads ``robustness.csv``.

        Raises:
            DataError: there is no table of that name; the message lists the known names.
        """
        if name not in self._files:
            raise DataError(f"{self.folder} has no table {name!r}{suggest(name, self._files)}")
        return read_table(self._files[name])

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    @cached_property
    def _files(self) -> dict[str, Path]:
        return {file.stem: file for file in sorted(self.folder.iterdir()) if file.suffix in SUFFIXES}


@dataclass(frozen=True)
class Results:
    """A results folder.

    Attributes:
        folder: its path.
    """

    folder: Path

    @cached_property
    def tables(self) -> Tables:
        """The tables of ``tables/`` by name; ``results/README.md`` describes their rows."""
        return Tables(self.folder / "tables")

    @cached_property
    def prompts(self) -> pd.DataFrame:
        """One row per prompt: ``prompt_id``, ``text``, ``label``, ``split``, ``human``, ``category``, ``source``."""
        return read_table(self.folder / "prompts" / "prompts.parquet")

    @cached_property
    def responses(self) -> pd.DataFrame:
        """One row per response of all models and variants, with the text and label of its prompt.

        Raises:
            DataError: the folder holds no responses.
        """
        files = sorted((self.folder / "responses").glob("*/*.parquet"))
        if not files:
            raise DataError(f"{self.folder} holds no responses")
        parts = [read_table(file).assign(model=file.parent.name, variant=file.stem) for file in files]
        table = pd.concat(parts, ignore_index=True).merge(self._texts, on="prompt_id", how="left")
        return table[[*PAIR, *(column for column in table if column not in PAIR)]]

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """One row per verdict: ``judge``, ``verdict``, ``score``, ..., with ``prompt`` and ``response``.

        A response that is no longer in the folder is NaN; its verdict is kept.
        """
        responses = self.responses[[*RESPONSE, "prompt", "response", "n_tokens", "finish_reason"]]
        return self.tables["verdicts"].merge(responses, on=RESPONSE, how="left", validate="many_to_one")

    def direction(self, model: str, variant: str) -> Direction:
        """The direction of a variant of a model.

        Raises:
            DataError: there is no such direction; the message lists the variants that have one.
        """
        file = self.folder / "directions" / model / f"{variant}.safetensors"
        if not file.is_file():
            known = [f"{other.parent.name}/{other.stem}" for other in file.parents[1].glob("*/*.safetensors")]
            raise DataError(f"{self.folder} has no direction {model}/{variant}{suggest(f'{model}/{variant}', known)}")
        return load_direction(file)

    @cached_property
    def _texts(self) -> pd.DataFrame:
        prompts = self.prompts.rename(columns={"text": "prompt"})
        return prompts[["prompt_id", "prompt", "label"]]


def read_results(folder: str | Path = "results") -> Results:
    """Open the results folder of a run, finished or not; its files are read lazily.

    Raises:
        DataError: the folder has no tables.
    """
    path = Path(folder)
    if not (path / "tables").is_dir():
        found = ", ".join(sorted(entry.name for entry in path.iterdir())[:8]) if path.is_dir() else "no such folder"
        raise DataError(f"{path} is not a results folder with tables; found: {found or 'nothing'}")
    return Results(path)
