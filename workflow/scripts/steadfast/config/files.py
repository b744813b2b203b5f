"""Checks of configuration files as text: errors that Snakemake reports without file or line, and those that YAML hides.

Snakemake reads these files before any rule, so the profile ``profiles/default`` calls this module first. It needs only
the standard library and YAML.
"""

import argparse
import json
import re
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from steadfast.core.errors import ConfigError
from steadfast.core.path_checks import file_problem
from steadfast.core.terminal_encoding import show_any_text
from steadfast.core.yaml_text import LOADER, parse_yaml

DEFAULT = "config/config.yaml"
# Python does not parse longer numbers, and no setting needs them
MOST_DIGITS = 400
# characters that look like spaces but are not in YAML
NO_SPACES = {"\t": "tab", "\u00a0": "no-break space", "\u3000": "wide space"}
_INDENTED_ODDLY = re.compile(rf" *([{''.join(NO_SPACES)}])\s*[^#\s]")
# surprising number formats of YAML 1.1: 0777 is 511, and 1:30 is 90
_ODD_NUMBER = re.compile(r"[-+]?0[0-7_]*[0-7]|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_KINDS = {yaml.SequenceNode: "a list", yaml.ScalarNode: "a single value"}


def check_config_file(file: str | Path) -> None:
    """Check that a file is one mapping of YAML (or JSON) whose keys are texts and each given once.

    Raises:
        ConfigError: it is not; the message names the file and the line.
    """
    problem = file_problem(str(file))
    if problem:
        # Snakemake treats every argument after `--configfile` as a file
        hint = "" if Path(file).suffix else "; a target comes before `--configfile`, or behind `--`"
        raise ConfigError(f"the configuration file: {problem}{hint}")
    text = _text(Path(file))
    if _is_json(text):
        json.loads(text, object_pairs_hook=lambda pairs: _once(file, pairs))
        return
    _check_characters(file, text)
    try:
        _visit(_root(file, text), file, "", [])
        parse_yaml(text)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{file}{_line(error)}: is not valid YAML: {error.problem}") from None
    except RecursionError:
        raise ConfigError(f"{file}: is nested too deeply to be a configuration") from None


def main(arguments: Sequence[str]) -> int:
    """Check the files that a command line of Snakemake names, or the default one; 1 if one cannot be used."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="*", action="extend", default=[])
    named = parser.parse_known_args(list(arguments))[0].configfile
    try:
        for file in named or ([DEFAULT] if Path(DEFAULT).exists() else []):
            check_config_file(file)
    except ConfigError as error:
        show_any_text()
        print(f"The configuration cannot be used; no job was started.\n{error}", file=sys.stderr)
        return 1
    return 0


def _text(file: Path) -> str:
    raw = file.read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ConfigError(f"{file} is UTF-16, which Snakemake does not read; save it as UTF-8 in the editor")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{file}, line {line}: not UTF-8 (byte 0x{raw[error.start]:02x}); save it as UTF-8 in the editor"
        ) from None


def _check_characters(file: str | Path, text: str) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        for character in line:
            if unicodedata.category(character) == "Cc" and character not in "\t\r\x85":
                raise ConfigError(f"{file}, line {number}: holds the control character {character!r}; remove it")


def _root(file: str | Path, text: str) -> yaml.Node:
    try:
        documents = list(yaml.compose_all(text, Loader=LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        lines = text.split("\n")[: mark.line + 1] if mark else []
        for number, line in enumerate(lines, start=1):
            odd = _INDENTED_ODDLY.match(line)
            if odd:
                kind = NO_SPACES[str(odd.group(1))]
                raise ConfigError(
                    f"{file}, line {number}: is indented with a {kind}; YAML takes spaces alone"
                ) from None
        raise ConfigError(
            f"{file}{_line(error)}: is not valid YAML: {error.problem or error.context}{_advice(error)}"
        ) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file} is not valid YAML: {error}") from None
    if len(documents) > 1:
        begin = documents[1].start_mark.line + 1 if documents[1] else 1
        raise ConfigError(
            f"{file}, line {begin}: a second YAML document begins; one file is one configuration (remove `---`)"
        )
    root = documents[0] if documents else None
    if root is None or (isinstance(root, yaml.ScalarNode) and root.tag.endswith(":null")):
        raise ConfigError(
            f"{file}, line 1: holds nothing; a configuration begins with keys such as `prompts:`, `models:`"
        )
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(
            f"{file}, line {root.start_mark.line + 1}: holds {_KINDS[type(root)]}; a configuration maps keys "
            "such as `prompts:` and `models:` to values"
        )
    return root


def _line(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f", line {mark.line + 1}" if mark else ""


def _advice(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem)
    if "cannot start any token" in problem:
        return "; put the text in quotes (a value may not begin with @, ` or %)"
    if "mapping values are not allowed" in problem:
        return "; put a text that holds `: ` in quotes"
    return ""


def _visit(node: yaml.Node, file: str | Path, path: str, parents: list[yaml.Node]) -> None:
    line = node.start_mark.line + 1
    if any(node is parent for parent in parents):
        raise ConfigError(f"{file}, line {line}: {path!r} refers to itself by an anchor")
    if isinstance(node, yaml.ScalarNode):
        _check_scalar(node, file, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _visit(item, file, f"{path}.{index}", [*parents, node])
    elif isinstance(node, yaml.MappingNode):
        _visit_mapping(node, file, path, [*parents, node])


def _visit_mapping(node: yaml.MappingNode, file: str | Path, path: str, parents: list[yaml.Node]) -> None:
    lines: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"{file}, line {line}: a key of {path or 'the configuration'!r} is not a string")
        name = f"{path}.{key.value}".lstrip(".")
        if key.value in lines and key.value != "<<":
            raise ConfigError(f"{file}: {name!r} is given twice, in lines {lines[key.value]} and {line}")
        if not key.tag.endswith((":str", ":merge")):
            raise ConfigError(f"{file}, line {line}: {_untext(key)}")
        lines[key.value] = line
        _visit(value, file, name, parents)


def _untext(key: yaml.ScalarNode) -> str:
    kind = key.tag.rpartition(":")[2]
    read_as = "a truth value" if kind == "bool" else "an empty value" if kind == "null" else f"a value of type {kind}"
    return f"the key {key.value!r} is not a string: YAML reads it as {read_as}; put it in quotes"


def _check_scalar(node: yaml.ScalarNode, file: str | Path, path: str) -> None:
    line = node.start_mark.line + 1
    if node.tag.endswith(":int") and len(node.value) > MOST_DIGITS:
        raise ConfigError(f"{file}, line {line}: {path!r} is a number of {len(node.value)} digits, which no key allows")
    if not node.tag.startswith("tag:yaml.org,2002:") or "python" in node.tag:
        raise ConfigError(f"{file}, line {line}: {path!r} has the tag {node.tag!r}, which no key allows")
    if node.tag.endswith((":str", ":merge")):
        return
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else error
        raise ConfigError(f"{file}, line {line}: {path!r} is {node.value!r}: {problem}; put it in quotes") from None
    if node.tag.endswith((":int", ":float")) and _ODD_NUMBER.fullmatch(node.value):
        written = f"{path!r} is {node.value!r}, which YAML reads as {value}"
        raise ConfigError(f"{file}, line {line}: {written}; write that, or put it in quotes")


def _is_json(text: str) -> bool:
    """Whether the text is a JSON mapping, which Snakemake tries first."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _once(file: str | Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{file}: {name!r} is given twice")
    return dict(pairs)
