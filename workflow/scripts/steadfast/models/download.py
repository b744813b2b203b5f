"""Download of a revision from the hub with progress lines, and size of a download."""

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import constants, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import HFValidationError
from huggingface_hub.file_download import DryRunFileInfo, repo_folder_name

from steadfast.core.files import stored_bytes
from steadfast.core.progress import IN_BYTES, Progress, watched


def download(repo: str, revision: str, wanted: Sequence[str], unwanted: Sequence[str]) -> Path:
    """Download the files of one revision into the hub's cache; cached files are not downloaded again.

    Args:
        repo: the id.
        revision: commit, tag or branch.
        wanted: patterns of the files.
        unwanted: patterns of files that are left out.

    Returns:
        The snapshot's directory, which is named after the commit.

    Raises:
        OSError: the hub cannot be reached or refuses, and the cache does not hold the revision.
    """
    size = sum((missing_files(repo, revision, wanted, unwanted) or {}).values())
    before = _cached_bytes(repo)
    with Progress("files to be downloaded", 1, unit=IN_BYTES, work=size or None, brief=not size) as progress:
        with watched(progress, lambda: _cached_bytes(repo) - before):
            path = snapshot_download(
                repo, revision=revision, allow_patterns=list(wanted), ignore_patterns=list(unwanted)
            )
        progress.advance(1, size)
    return Path(path)


def missing_files(repo: str, revision: str, wanted: Sequence[str], unwanted: Sequence[str]) -> dict[str, int] | None:
    """Size in bytes of each file that a download would fetch; None if unknown.

    Args:
        repo: the id.
        revision: commit, tag or branch.
        wanted: patterns of the files.
        unwanted: patterns of files that are left out.
    """
    try:
        files = snapshot_download(
            repo, revision=revision, allow_patterns=list(wanted), ignore_patterns=list(unwanted), dry_run=True
        )
    except OSError:
        # the hub is unreachable or denies access; the download itself reports which
        return None
    return {
        file.filename: file.file_size or 0 for file in files if isinstance(file, DryRunFileInfo) and file.will_download
    }


def cached_file(repo: str, revision: str, name: str) -> Path | None:
    """A file of a revision in the hub's cache, without a request; None if it is not cached."""
    try:
        found = try_to_load_from_cache(repo, name, revision=revision)
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None


def cache_directory() -> Path:
    """Cache directory of the hub's client."""
    return Path(constants.HF_HUB_CACHE)


def _cached_bytes(repo: str) -> int:
    """Bytes of a repository in the cache, including unfinished files."""
    return stored_bytes(cache_directory() / repo_folder_name(repo_id=repo, repo_type="model") / "blobs")
