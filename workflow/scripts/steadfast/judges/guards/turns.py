"""The conversation itself as what a guard is given: turns of the user and the assistant."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from steadfast.judges.prompts.templates import Message, Template, defuse

ROLES = (("user", "{prompt}"), ("assistant", "{response}"))


@dataclass(frozen=True)
class Turns(Template):
    """A template of two turns that hold the texts as they are: the model's own chat template keeps them apart."""

    def render(self, prompt: str, response: str, special: Iterable[str] = ()) -> list[Message]:
        """The conversation; strings that chat formats give a meaning are broken, as in any prompt of a judge."""
        known = list(special)
        texts = {"user": defuse(prompt, known), "assistant": defuse(response, known)}
        return [{"role": role, "content": texts[role]} for role, _ in self.parts]


def turns() -> Turns:
    """The two turns."""
    return Turns("", ROLES, hashlib.sha256(b"turns").hexdigest())
