"""Write the hub's current commits into a configuration: ``make pin CONFIG=config/paper.yaml``.

Only the ``revision`` values change; comments and layout stay.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from steadfast.errors import SteadfastError
from steadfast.files import write_text

COMMIT = re.compile(r"[0-9a-f]{40}")


def pin_text(text: str, resolve: Callable[[str, str], str]) -> str:
    """Replace every moving ``revision`` beside a ``repo`` by the commit that it stands for.

    Args:
        text: a configuration file's text.
        resolve: maps repository and revision to a commit.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    edits = [] if root is None else sorted(_edits(root, resolve), reverse=True)
    for start, end, commit in edits:
        text = text[:start] + commit + text[end:]
    return text


def _edits(node: yaml.Node, resolve: Callable[[str, str], str]) -> list[tuple[int, int, str]]:
    if isinstance(node, yaml.SequenceNode):
        return [edit for item in node.value for edit in _edits(item, resolve)]
    if not isinstance(node, yaml.MappingNode):
        return []
    values = {key.value: value for key, value in node.value}
    edits = [edit for value in values.values() for edit in _edits(value, resolve)]
    if "repo" in values and "revision" in values and not COMMIT.fullmatch(values["revision"].value):
        revision = values["revision"]
        commit = resolve(values["repo"].value, revision.value)
        edits.append((revision.start_mark.index, revision.end_mark.index, commit))
    return edits


def main(path: str) -> int:
    """Pin one configuration file; returns the exit status."""
    from steadfast.models.hub import resolve_revision

    file = Path(path)
    before = file.read_text(encoding="utf-8")
    try:
        after = pin_text(before, resolve_revision)
    except SteadfastError as error:
        print(f"{path} is unchanged. {error}", file=sys.stderr)
        return 1
    write_text(file, after)
    print(f"{path}: {'nothing to pin' if after == before else 'revisions pinned'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
