"""The conversation itself as the input of a guard: a user turn and an assistant turn."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from steadfast.judges.prompts.templates import Message, Template, defuse

ROLES = (("user", "{prompt}"), ("assistant", "{response}"))


@dataclass(frozen=True)
class Turns(Template):
    """A template of two turns with the unquoted texts, which the model's own chat template separates."""

    def render(self, prompt: str, response: str, special: Iterable[str] = ()) -> list[Message]:
        """The conversation; control strings of chat formats are broken up, as in any judge prompt."""
        known = list(special)
        texts = {"user": defuse(prompt, known), "assistant": defuse(response, known)}
        return [{"role": role, "content": texts[role]} for role, _ in self.parts]


def turns() -> Turns:
    """The two turns."""
    return Turns("", ROLES, hashlib.sha256(b"turns").hexdigest())
