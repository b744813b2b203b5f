"""Prompts of a data set on the Hugging Face hub, by its id.

Only the data files of the split are downloaded, and no code of the data set is ever run. Where the repository holds no
file of a known format, the hub's own conversion to Parquet (branch ``refs/convert/parquet``) serves. A private or
gated data set needs ``HF_TOKEN`` in the environment.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from steadfast.errors import ConfigError, DataError
from steadfast.prompts.sources import SourcePrompt, Split, check_assign
from steadfast.prompts.sources._hub_files import converted_files, split_files
from steadfast.prompts.sources._rows import read_rows, to_prompts

if TYPE_CHECKING:
    from huggingface_hub import DatasetInfo, HfApi

CONVERTED = "refs/convert/parquet"


def load(
    *,
    repo: str,
    subset: str | None = None,
    split: str = "train",
    revision: str = "main",
    column: str = "text",
    category_column: str | None = None,
    assign: Split | None = None,
) -> list[SourcePrompt]:
    """Download one split of a data set and read its prompts.

    Args:
        repo: its id, such as ``mlabonne/harmful_behaviors``.
        subset: which of its configurations, where it has several.
        split: which of its splits.
        revision: commit, tag or branch; the commit it stands for is named in the prompts' ``source``.
        column: column of the prompt.
        category_column: column of the category, if any.
        assign: split of ours that all its prompts are pinned to.

    Raises:
        DataError: the hub cannot be reached, or the data set, revision, subset, split or column does not exist.
    """
    from huggingface_hub import HfApi

    api = HfApi(token=_token())
    with _clear_errors(repo, revision):
        commit, names = _locate(api, repo, revision, subset, split)
        paths = [api.hf_hub_download(repo, name, repo_type="dataset", revision=commit) for name in names]
        columns = [name for name in (column, category_column) if name]
        rows = [row for path in paths for row in read_rows(path, columns)]
        return to_prompts(
            rows,
            column=column,
            category_column=category_column,
            split_column=None,
            assign=assign,
            source="/".join(part for part in (f"{repo}@{commit[:12]}", subset, split) if part),
        )


def check(*, repo: str, assign: Split | None = None, **_: object) -> None:
    """Check the settings as far as that goes without the hub.

    Raises:
        ConfigError: ``repo`` cannot be an id, or ``assign`` is no split.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise ConfigError(f"repo: {repo!r} is not the id of a data set; allowed: owner/name")
    check_assign(assign)


def files(**_: object) -> list[str]:
    """No local files."""
    return []


def _locate(api: "HfApi", repo: str, revision: str, subset: str | None, split: str) -> tuple[str, list[str]]:
    """Commit and names of the files that hold a split."""
    info = api.dataset_info(repo, revision=revision)
    # the card's metadata are attributes, and None without a card
    configs = getattr(info.card_data, "configs", None) or []
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
    """The token of the environment; False keeps the library from looking for one elsewhere."""
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
