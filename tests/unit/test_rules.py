"""What every rule of the workflow has, beside what it does."""

import re
from pathlib import Path

import pytest

RULES = sorted((Path(__file__).parents[2] / "workflow" / "rules").glob("*.smk"))
HEAD = re.compile(r"^( *)rule(?: \w+)?:\n", re.MULTILINE)


def rules() -> list[tuple[str, str]]:
    """The location of a rule, and its text."""
    found = []
    for file in RULES:
        text = file.read_text(encoding="utf-8")
        heads = list(HEAD.finditer(text))
        for head, following in zip(heads, [*heads[1:], None], strict=False):
            body = text[head.end() : following.start() if following else len(text)]
            found.append((f"{file.stem}: {head[0].strip()}", body))
    return found


@pytest.mark.parametrize("body", [pytest.param(body, id=where) for where, body in rules()])
def test_every_rule_has_message_log_and_docstring(body):
    directives = re.findall(r"^ +(\w+):$", body, re.MULTILINE)
    assert {"log", "conda", "params", "message", "script"} <= set(directives)
    assert "benchmark" in directives or "localrule" in body
    assert body.lstrip().startswith('"""') or "name" in directives


def test_all_rules_are_found():
    assert len(rules()) > 25
