"""Models of the Hugging Face hub: one pinned revision, safetensors only, never copied out of the cache."""

import glob
from collections.abc import Sequence
from pathlib import Path

from httpx2 import HTTPError
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from steadfast.core.errors import DataError, SteadfastError
from steadfast.core.registry import load
from steadfast.models.depth import depth_of_directory
from steadfast.models.download import cached_file, download
from steadfast.models.local import file_hashes
from steadfast.models.pointer import ModelPointer
from steadfast.models.weights import CONFIG, require_files

# pickled weights can run code when loaded, so they are not downloaded
WANTED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.tiktoken"]
# some repositories hold the same weights again in another layout
UNWANTED = ["*/*.safetensors", "consolidated*.safetensors"]
# the client raises OSError for the hub's errors and a missing cache, HTTPError for a broken connection
FAILURES = (OSError, HTTPError, HFValidationError)


def fetch(repo: str, revision: str, *, trust_remote_code: bool = False) -> ModelPointer:
    """Download one revision of a model into the hub's cache.

    Args:
        repo: the model's id.
        revision: commit, tag or branch; it is resolved to a commit, which the pointer records.
        trust_remote_code: also download the model's Python files, and let loaders run them.

    Raises:
        SteadfastError: the hub cannot be reached, the model or revision does not exist or is gated, or it holds no
            whole checkpoint in safetensors.
    """
    patterns = [*WANTED, "*.py"] if trust_remote_code else WANTED
    try:
        path = download(repo, revision, patterns, UNWANTED)
    except FAILURES as error:
        raise SteadfastError(_message(repo, revision, error)) from error
    try:
        # imported by name, so that a changed check does not cause models to be fetched again
        load("steadfast.models", "check").check_checkpoint(path, trust_remote_code=trust_remote_code)
    except DataError as error:
        raise DataError(f"{repo} at {revision}: {error}") from error
    # the snapshot's folder is named after the commit that the revision resolved to
    return ModelPointer(
        source="hub",
        path=str(path),
        revision=path.name,
        files=file_hashes(path),
        trust_remote_code=trust_remote_code,
        details={"repo": repo, "requested_revision": revision},
    )


def fetch_adapter(repo: str, revision: str) -> Path:
    """Download one revision of an adapter into the hub's cache.

    Returns:
        Its directory, named after the commit that the revision resolved to.

    Raises:
        SteadfastError: the hub cannot be reached, or the repository or revision does not exist or is gated.
    """
    try:
        return download(repo, revision, WANTED, UNWANTED)
    except FAILURES as error:
        raise SteadfastError(_message(repo, revision, error)) from error


def fetch_file(repo: str, revision: str, name: str) -> tuple[Path, str]:
    """Download one file of a model's repository into the hub's cache.

    Args:
        repo: the model's id.
        revision: commit, tag or branch.
        name: path of the file in the repository.

    Returns:
        The file, and the commit that the revision resolved to.

    Raises:
        SteadfastError: the hub cannot be reached, or the model, revision or file does not exist or is gated.
    """
    try:
        snapshot = download(repo, revision, [glob.escape(name)], [])
    except FAILURES as error:
        raise SteadfastError(_message(repo, revision, error)) from error
    if not (snapshot / name).is_file():
        raise SteadfastError(f"{repo} at {revision} has no file {name!r}")
    return snapshot / name, snapshot.name


def require_access(repo: str, revision: str, kind: str = "model", *, is_cached: bool = False) -> None:
    """Check access to a revision, without downloading it.

    The hub shows gated models to everyone but restricts their files, so both are checked. Cached files need no hub.

    Args:
        repo: the id.
        revision: commit, tag or branch.
        kind: ``model`` or ``dataset``.
        is_cached: whether all required files are cached.

    Raises:
        SteadfastError: the hub cannot be reached, or the model or revision does not exist or is gated.
    """
    try:
        _ask_for_access(repo, kind)
        HfApi().repo_info(repo, revision=revision, repo_type=kind)
    except FAILURES as error:
        if not is_cached:
            raise SteadfastError(_message(repo, revision, error, kind)) from error


def _ask_for_access(repo: str, kind: str) -> None:
    try:
        HfApi().auth_check(repo, repo_type=kind)
    except RepositoryNotFoundError:  # includes gated ones
        raise
    except HfHubHTTPError as error:
        # some mirrors do not support this request; the download reports errors
        if error.response.status_code != 404:
            raise


def is_cached(repo: str, revision: str, names: Sequence[str] = ()) -> bool:
    """Whether files of a revision are cached.

    Args:
        repo: the id.
        revision: commit, tag or branch.
        names: the files; empty for a whole checkpoint.
    """
    if names:
        return all(cached_file(repo, revision, name) for name in names)
    try:
        path = snapshot_download(
            repo, revision=revision, allow_patterns=WANTED, ignore_patterns=UNWANTED, local_files_only=True
        )
        require_files(Path(path))
    except (*FAILURES, DataError):
        return False
    return True


def depth_on_hub(repo: str, revision: str) -> int | None:
    """Number of blocks of a model, from its downloaded ``config.json``; None if it is not available."""
    try:
        return depth_of_directory(Path(hf_hub_download(repo, CONFIG, revision=revision)).parent)
    except FAILURES:
        return None


def resolve_revision(repo: str, revision: str, kind: str = "model") -> str:
    """Commit that a branch or tag currently points to.

    Args:
        repo: the id.
        revision: commit, tag or branch.
        kind: ``model`` or ``dataset``.

    Raises:
        SteadfastError: the hub cannot be reached, or the model or revision does not exist or is gated.
    """
    try:
        commit = HfApi().repo_info(repo, revision=revision, repo_type=kind).sha
    except FAILURES as error:
        raise SteadfastError(_message(repo, revision, error, kind)) from error
    if commit is None:
        raise SteadfastError(f"{repo}: the hub names no commit for {revision!r}")
    return commit


def _message(repo: str, revision: str, error: Exception, kind: str = "model") -> str:
    """One-line description of an error, with advice."""
    if isinstance(error, GatedRepoError):
        return (
            f"{repo} is gated: accept its license on its page of the hub, create an access token there and set it as "
            "HF_TOKEN in the environment"
        )
    if isinstance(error, RepositoryNotFoundError):
        return f"{repo}: no such {kind} on the hub, or it is private and HF_TOKEN is not set to a token with access"
    if isinstance(error, RevisionNotFoundError):
        return f"{repo} has no revision {revision!r}"
    cause = error.__cause__ or error
    reason = (str(cause).splitlines() or [type(cause).__name__])[0]
    if any(isinstance(one, HTTPError) and not isinstance(one, HfHubHTTPError) for one in (error, cause)):
        return f"{repo} at {revision}: the hub cannot be reached ({reason})"
    return f"{repo} at {revision} could not be downloaded: {reason}"
