"""Write the hub's current commits into a configuration: ``make pin CONFIG=config/paper.yaml``.

Only the ``revision`` values change; comments and layout stay.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from steadfast.core.errors import ConfigError, SteadfastError
from steadfast.core.files import write_text
from steadfast.core.plug_ins import PROMPT_SOURCES

COMMIT = re.compile(r"[0-9a-f]{40}")
Resolve = Callable[[str, str, str], str]


@dataclass(frozen=True, order=True)
class TextEdit:
    """A span of the file's text and what takes its place."""

    start: int
    end: int
    text: str


def pin_text(text: str, resolve: Resolve) -> str:
    """Write the commit that each moving ``revision`` represents in its place.

    A entry that has a ``repo`` and no ``revision`` means ``main``, and gets one.

    Args:
        text: a configuration file's text.
        resolve: maps repository, revision and kind (``model`` or ``dataset``) to a commit.

    Raises:
        ConfigError: the text is not YAML, or one revision is shared, by an alias, by several repositories.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(f"not valid YAML: {error}") from error
    edits = set() if root is None else set(_edits(root, resolve))
    if len({edit.start for edit in edits}) < len(edits):
        raise ConfigError("one `revision` is shared by several repositories; give each its own")
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _edits(node: yaml.Node, resolve: Resolve) -> Iterator[TextEdit]:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _edits(item, resolve)
    if not isinstance(node, yaml.MappingNode):
        return
    for _, value in node.value:
        yield from _edits(value, resolve)
    keys = {key.value: key for key, _ in node.value}
    values = {key.value: value for key, value in node.value}
    key, repo, kind = _repository({key: node.value for key, node in values.items() if _is_text(node)})
    if not repo:
        return
    revision = values["revision"].value if "revision" in values else "main"
    if COMMIT.fullmatch(revision):
        return
    commit = resolve(repo, revision, kind)
    if "revision" in values:
        yield TextEdit(values["revision"].start_mark.index, values["revision"].end_mark.index, commit)
    else:
        mark = keys[key].start_mark
        separator = ", " if node.flow_style else "\n" + " " * mark.column
        yield TextEdit(mark.index, mark.index, f"revision: {commit}{separator}")


def _is_text(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.tag.endswith(":null")


def _repository(entry: Mapping[str, str]) -> tuple[str, str, str]:
    """Key that names a repository of the hub, its id (empty without one) and whether it is a model or a data set."""
    kind = PROMPT_SOURCES.whole(entry).get(PROMPT_SOURCES.key)
    if kind in PROMPT_SOURCES.names() and PROMPT_SOURCES.settings(kind).hub_key:
        settings = PROMPT_SOURCES.settings(kind)
        return settings.hub_key, settings.hub_repository(entry), "dataset"
    return "repo", entry.get("repo", ""), "model"


def main(path: str) -> int:
    """Pin one configuration file; returns the exit status."""
    from steadfast.models.hub import resolve_revision

    file = Path(path)
    try:
        before = file.read_text(encoding="utf-8")
        after = pin_text(before, resolve_revision)
    except (SteadfastError, OSError) as error:
        print(f"{path} is unchanged. {error}", file=sys.stderr)
        return 1
    write_text(file, after)
    print(f"{path}: {'nothing to pin' if after == before else 'revisions pinned'}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m steadfast.models.pin CONFIG.yaml")
    sys.exit(main(sys.argv[1]))
