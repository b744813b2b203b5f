"""Models of the Hugging Face hub: one pinned revision, safetensors only, never copied out of the cache."""

from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

from steadfast.errors import SteadfastError
from steadfast.models.local import file_hashes
from steadfast.models.pointer import ModelPointer

# pickled weights can run code when they are loaded, so they are not even downloaded
WANTED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.tiktoken"]


def fetch(repo: str, revision: str, *, trust_remote_code: bool = False) -> ModelPointer:
    """Download one revision of a model into the hub's cache.

    Args:
        repo: the model's id.
        revision: commit, tag or branch; it is resolved to a commit, which the pointer records.
        trust_remote_code: also download the model's Python files, and let loaders run them.

    Raises:
        SteadfastError: the hub cannot be reached, or the model or revision does not exist or is gated.
    """
    patterns = [*WANTED, "*.py"] if trust_remote_code else WANTED
    try:
        path = Path(snapshot_download(repo, revision=revision, allow_patterns=patterns))
    except GatedRepoError as error:
        raise SteadfastError(gated_message(repo)) from error
    except RepositoryNotFoundError as error:
        raise SteadfastError(f"{repo}: no such model on the hub, or it is private and HF_TOKEN is not set") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise SteadfastError(f"{repo} at {revision} could not be downloaded: {error}") from error
    # the snapshot's folder is named after the commit that the revision resolved to
    return ModelPointer(
        source="hub",
        path=str(path),
        revision=path.name,
        files=file_hashes(path),
        trust_remote_code=trust_remote_code,
        details={"repo": repo, "requested_revision": revision},
    )


def resolve_revision(repo: str, revision: str) -> str:
    """Commit that a branch or tag of a model points to at present.

    Raises:
        SteadfastError: the hub cannot be reached, or the model or revision does not exist or is gated.
    """
    try:
        commit = HfApi().model_info(repo, revision=revision).sha
    except GatedRepoError as error:
        raise SteadfastError(gated_message(repo)) from error
    except (HfHubHTTPError, OSError) as error:
        raise SteadfastError(f"{repo}: its commit could not be looked up: {error}") from error
    if commit is None:
        raise SteadfastError(f"{repo}: the hub names no commit for {revision!r}")
    return commit


def gated_message(repo: str) -> str:
    """What to do about a model that is behind a licence."""
    return (
        f"{repo} is gated: accept its licence on its page of the hub, create an access token there and set it as "
        "HF_TOKEN in the environment"
    )
