"""Chat templates: their variables, and rendering of conversations.

Templates come with checkpoints, and some have surprising effects: they drop the system turn, expect lists of parts and
ignore strings, or insert the current date. Therefore the rendered text must contain the text of every turn, and the
date is fixed.
"""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, meta, nodes
from transformers.utils import chat_template_utils

from steadfast.core.errors import ConfigError, DataError, suggest

Message = Mapping[str, str]

DATE = "2025-01-01"
"""Default date for templates that insert the current date."""
GIVEN = frozenset({"messages", "add_generation_prompt", "bos_token", "eos_token", "unk_token", "pad_token"})
SET_HERE = frozenset({"messages", "add_generation_prompt", "tools", "documents", "strftime_now"})
THINKING_END = "</think>"
FAULTS = (TemplateError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""Errors that a template may raise for a conversation."""
_PART_AS_CODE = re.compile(r"""\{\s*(["'])type\1\s*:\s*(["'])text\2\s*,[^\n]*""")
CLOCK = re.compile(r"""strftime_now\(\s*(?P<quote>["'])(?P<pattern>[^"'\\]*)(?P=quote)\s*\)""")
"""A call that inserts the current date."""


@dataclass(frozen=True)
class ChatTemplate:
    """A Jinja template.

    Attributes:
        source: its text.
        special_tokens: names and texts of the tokenizer's special tokens, which it may write.
        date: date that it inserts as the current one (YYYY-MM-DD).
        owner: name of its owner, for messages.
    """

    source: str
    special_tokens: Mapping[str, str]
    date: str = DATE
    owner: str = ""

    @property
    def _name(self) -> str:
        return f"{self.owner}: the chat template" if self.owner else "the chat template"

    @cached_property
    def _compiled(self) -> Any:
        compile_template: Any = chat_template_utils._compile_jinja_template
        try:
            return compile_template(self.source)
        except TemplateSyntaxError as error:
            raise DataError(f"{self._name} is not valid Jinja: line {error.lineno}: {error.message}") from error

    @cached_property
    def _tree(self) -> nodes.Template:
        tree: nodes.Template = self._compiled.environment.parse(self.source)
        return tree

    @cached_property
    def variables(self) -> frozenset[str]:
        """Variables that it reads but does not set.

        Raises:
            DataError: it is not valid.
        """
        return frozenset(meta.find_undeclared_variables(self._tree))

    @cached_property
    def reads_clock(self) -> bool:
        """Whether it may insert the current date."""
        return any(name.name == "strftime_now" for name in self._tree.find_all(nodes.Name))

    @property
    def with_fixed_clock(self) -> str:
        """Its text with the date inserted, for programs that would use the current date.

        Raises:
            DataError: the format of the date is computed at run time.
        """
        text = CLOCK.sub(lambda match: repr(self._strftime(match["pattern"])), self.source)
        if any(_reads_clock(call) for call in self._compiled.environment.parse(text).find_all(nodes.Call)):
            raise DataError(
                f"{self._name} reads the clock in a form that it computes; give another template with `chat_template`"
            )
        return text

    def require_read(self, arguments: Mapping[str, Any]) -> None:
        """Check that it reads every argument.

        Raises:
            ConfigError: it never reads one, which would then have no effect.
        """
        for name in arguments:
            if name in SET_HERE:
                raise ConfigError(f"template_arguments: {name!r} is not allowed: it is set for every prompt")
            if name not in self.variables:
                known = self.variables - GIVEN - self.special_tokens.keys()
                names = suggest(name, known) if known else "; it reads no further variables"
                raise ConfigError(f"template_arguments: {self._name} never reads {name!r}{names}")

    def render(
        self, conversation: Sequence[Message], arguments: Mapping[str, Any], *, add_generation_prompt: bool = True
    ) -> str:
        """The text of a conversation, which holds that of every turn.

        A template for several modalities may iterate over the parts of a turn; it gets the text as its only part.

        Args:
            conversation: messages with ``role`` and ``content``.
            arguments: further variables.
            add_generation_prompt: whether it ends where the assistant's answer begins.

        Raises:
            ConfigError: it never reads one of the arguments.
            DataError: it is not valid, rejects the conversation, or drops a turn's text.
        """
        self.require_read(arguments)
        variables = {**self.special_tokens, **arguments, "add_generation_prompt": add_generation_prompt}
        plain = [dict(message) for message in conversation]
        parts = [{**message, "content": [{"type": "text", "text": message["content"]}]} for message in plain]
        failures = []
        for messages in (plain, parts):
            try:
                text = self._fill(messages, variables)
            # a template for lists of parts may do anything with a string
            except FAULTS as error:
                failures.append(self._rejection(conversation, error))
                continue
            shown = _without_parts_as_code(text) if messages is parts else text
            dropped = [message["role"] for message in conversation if not _holds(shown, message)]
            if not dropped:
                return text
            failures.append(
                f"{self._name} drops the text of the turn {dropped[0]!r}: "
                + (
                    "give no system prompt, or another template with `chat_template`"
                    if dropped == ["system"]
                    else "give another template with `chat_template`"
                )
            )
        raise DataError(failures[0])

    def _fill(self, messages: Sequence[Mapping[str, Any]], variables: Mapping[str, Any]) -> str:
        text: str = self._compiled.render(
            messages=messages, tools=None, documents=None, strftime_now=self._strftime, **variables
        )
        return text

    def _strftime(self, pattern: str) -> str:
        return datetime.datetime.fromisoformat(self.date).strftime(pattern)

    def _rejection(self, conversation: Sequence[Message], error: Exception) -> str:
        roles = ", ".join(message["role"] for message in conversation)
        return f"{self._name} rejects a conversation of the turns {roles}: {error}"


def _reads_clock(call: nodes.Call) -> bool:
    return isinstance(call.node, nodes.Name) and call.node.name == "strftime_now"


def _without_parts_as_code(text: str) -> str:
    """A rendered text without the parts of turns that a template has put into it as code, as it does with any list."""
    return _PART_AS_CODE.sub("", text)


def _holds(text: str, message: Message) -> bool:
    """Whether a rendered text holds that of a message, spaces aside; templates drop earlier thinking."""
    content = message["content"]
    if message["role"] == "assistant":
        content = content.rpartition(THINKING_END)[2]
    return " ".join(content.split()) in " ".join(text.split())
