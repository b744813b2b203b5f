"""Prompts of a data set, from the Hugging Face hub by id, or from a local copy.

Of the hub only the data files of the split are downloaded, and no code of the data set is ever run. Where the
repository holds no file of a known format, the hub's own conversion to Parquet (branch ``refs/convert/parquet``)
serves. A private or gated data set needs ``HF_TOKEN`` in the environment.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import yaml
from pydantic import Field

from steadfast.core.errors import ConfigError, DataError
from steadfast.core.files import visible_files
from steadfast.core.path_checks import directory_problem
from steadfast.core.settings import ExistingDirectory
from steadfast.core.text_files import read_any_text
from steadfast.core.yaml_text import parse_yaml
from steadfast.models.settings import REPOSITORY, REVISION
from steadfast.prompts.sources import Loaded
from steadfast.prompts.sources.reading.hub_files import converted_files, split_files
from steadfast.prompts.sources.reading.rows import RowReading
from steadfast.prompts.sources.settings import RowSettings

if TYPE_CHECKING:
    from huggingface_hub import DatasetInfo, HfApi


class Settings(RowSettings):
    """A data set of the Hugging Face hub, or a folder with a copy of one."""

    hub_key: ClassVar[str] = "repo"

    repo: str | None = Field(
        None, pattern=REPOSITORY, description=("Id of the data set, for example `mlabonne/harmful_behaviors`.")
    )
    path: ExistingDirectory | None = Field(
        None, description="Instead of `repo`, a folder with its files, and its card (`README.md`) if it has one."
    )
    revision: str = Field("main", pattern=REVISION, description="Commit, tag or branch of `repo`.")
    subset: str | None = Field(
        None,
        description=(
            "Configuration (subset) of the data set, if it has several: a name in its card or, where the card "
            "names none, what the names of its files or folders have in addition to the split (`*` reads them as "
            "one)."
        ),
    )
    split: str = Field("train", description="Split of the data set.")


CONVERTED = "refs/convert/parquet"
CARD = "README.md"
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)^---\s*$", re.MULTILINE | re.DOTALL)


def load(
    *,
    repo: str | None = None,
    path: str | None = None,
    subset: str | None = None,
    split: str = "train",
    revision: str = "main",
    **reading: Any,
) -> Loaded:
    """Read the prompts of one split of a data set, which is downloaded where it is on the hub.

    Args:
        repo: its id, such as ``mlabonne/harmful_behaviors``.
        path: instead of ``repo``, a folder with its files.
        subset: name of its configuration, if it has several.
        split: name of its split.
        revision: commit, tag or branch; the resolved commit is part of the prompts' ``source``.
        reading: how prompts are read from its rows (see ``RowReading``).

    Raises:
        ConfigError: the settings cannot be used.
        DataError: the hub cannot be reached, or the data set, revision, subset, split or column does not exist.
    """
    if path is not None:
        return RowReading(**reading).read(local_files(path, subset, split), _name(path, subset, split))
    paths, source = downloaded(str(repo), revision, subset, split)
    with _clear_errors(str(repo), revision):
        return RowReading(**reading).read(paths, source)


def downloaded(repo: str, revision: str, subset: str | None, split: str) -> tuple[list[str], str]:
    """The files of a split of the hub's data set, which are downloaded, and what the prompts' source is called.

    Raises:
        DataError: the hub cannot be reached, or the data set, revision, subset or split does not exist.
    """
    from huggingface_hub import HfApi

    api = HfApi(token=_token())
    with _clear_errors(repo, revision):
        commit, names = _locate(api, repo, revision, subset, split)
        paths = [api.hf_hub_download(repo, name, repo_type="dataset", revision=commit) for name in names]
    return paths, _name(f"{repo}@{commit[:12]}", subset, split)


def check(
    *,
    repo: str | None = None,
    path: str | None = None,
    subset: str | None = None,
    split: str = "train",
    revision: str = "main",
    **reading: Any,
) -> None:
    """Check the settings: those of a folder whole, those of the hub as far as that goes without it.

    Raises:
        ConfigError: the message names the key, what was found and what is allowed.
    """
    if (repo is None) == (path is None):
        found = f"repo: {repo!r} and path: {path!r}" if repo else "neither"
        raise ConfigError(f"{found} is given; give `repo` for a data set of the hub, or `path` for a folder here")
    if path is None:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", str(repo)):
            raise ConfigError(f"repo: {repo!r} is not the id of a data set; allowed: owner/name")
        RowReading(**reading).check()
        return
    problem = directory_problem(path)
    if problem:
        raise ConfigError(f"path: {problem}")
    if revision != "main":
        raise ConfigError(f"revision: {revision!r} is of a data set of the hub (`repo`), and path: {path!r} has none")
    try:
        files = local_files(path, subset, split)
    except DataError as error:
        raise ConfigError(f"path: {error}") from error
    RowReading(**reading).check_files(files)


def notices(
    *,
    repo: str | None = None,
    path: str | None = None,
    subset: str | None = None,
    split: str = "train",
    revision: str = "main",
    **reading: Any,
) -> list[str]:
    """What the files of a folder hold that the settings pass over; nothing of a data set of the hub."""
    return RowReading(**reading).notices(local_files(path, subset, split), path) if path is not None else []


def files(*, path: str | None = None, subset: str | None = None, split: str = "train", **_: object) -> list[str]:
    """The files of a folder that are read, its card among them; none of a data set of the hub."""
    if path is None:
        return []
    card = Path(path, CARD)
    return [*local_files(path, subset, split), *([str(card)] if card.is_file() else [])]


def local_files(path: str, subset: str | None, split: str) -> list[str]:
    """The data files of a split in a folder that is laid out as a data set of the hub.

    Raises:
        DataError: there are none, or the subset or the split is not there.
    """
    root = Path(path)
    names = [file.relative_to(root).as_posix() for file in visible_files(root)]
    try:
        found = split_files(names, _local_configs(root / CARD), subset, split)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    if not found:
        raise DataError(f"{path} holds no data file of a known format")
    return [str(root / name) for name in found]


def _local_configs(card: Path) -> list[dict[str, Any]]:
    """The configurations that a card names in its front matter."""
    matter = _FRONT_MATTER.match(read_any_text(card).replace("\r\n", "\n")) if card.is_file() else None
    try:
        metadata = parse_yaml(matter.group(1)) if matter else {}
    except yaml.YAMLError as error:
        raise DataError(f"the front matter of {card.name} is not valid YAML: {error}") from error
    return _configs(metadata.get("configs") if isinstance(metadata, dict) else None)


def _configs(value: Any) -> list[dict[str, Any]]:
    if value is not None and not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
        raise DataError("`configs` of its card is not a list of mappings")
    return value or []


def _name(name: str, subset: str | None, split: str) -> str:
    return "/".join(part for part in (name, subset, split) if part)


def _locate(api: "HfApi", repo: str, revision: str, subset: str | None, split: str) -> tuple[str, list[str]]:
    """Commit and names of the files that hold a split."""
    info = api.dataset_info(repo, revision=revision)
    # the card's metadata are attributes; None without a card
    configs = _configs(getattr(info.card_data, "configs", None))
    names = split_files(_names(info), configs, subset, split)
    if names:
        return str(info.sha), names
    if revision != "main":
        # the conversion follows the main branch, so it says nothing about another revision
        raise DataError("no data file of a known format; only the revision 'main' can be read from its conversion")
    converted = api.dataset_info(repo, revision=CONVERTED)
    return str(converted.sha), converted_files(_names(converted), subset, split)


def _names(info: "DatasetInfo") -> list[str]:
    return [sibling.rfilename for sibling in info.siblings or []]


def _token() -> str | bool:
    """The token from the environment; False prevents the library from looking elsewhere."""
    return os.environ.get("HF_TOKEN") or False


@contextmanager
def _clear_errors(repo: str, revision: str) -> Iterator[None]:
    from httpx2 import HTTPError
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    where = f"data set {repo}"
    try:
        yield
    except DataError as error:
        raise DataError(f"{where} at {revision}: {error}") from error
    except GatedRepoError as error:
        raise DataError(f"{where} is gated: accept its terms on the hub and set HF_TOKEN") from error
    except RepositoryNotFoundError as error:
        raise DataError(f"{where}: not on the hub, or private and HF_TOKEN does not open it") from error
    except RevisionNotFoundError as error:
        raise DataError(f"{where}: no revision {revision!r}; allowed: a commit, tag or branch") from error
    except (HTTPError, OSError) as error:
        advice = "without the network, name a copy of its file as a source of the kind `file`"
        raise DataError(f"{where} at {revision} could not be downloaded ({error}); {advice}") from error
