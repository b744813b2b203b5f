"""YAML keys given twice: the parser keeps the last one silently, a user meant both."""

from pathlib import Path

import yaml

from steadfast.errors import ConfigError


def refuse_duplicate_keys(file: Path) -> None:
    """Raise if a mapping in a YAML file has one key twice.

    Raises:
        ConfigError: the file is no YAML, or a key stands twice; the message names the key and both lines.
    """
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{file} is not valid YAML: {error}") from error
    if root is not None:
        _visit(root, file, "")


def _visit(node: yaml.Node, file: Path, path: str) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _visit(item, file, f"{path}.{index}")
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = f"{path}.{key.value}".lstrip(".")
        if key.value in lines and key.value != "<<":
            raise ConfigError(f"{file}: {name!r} stands twice, in lines {lines[key.value]} and {line}")
        lines[key.value] = line
        _visit(value, file, name)
