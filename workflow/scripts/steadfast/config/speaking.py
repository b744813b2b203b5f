"""Chat formats that the models of a configuration must support, for the prompts and for judges that run on them."""

from collections.abc import Iterator, Mapping
from typing import Any

from steadfast.core.plug_ins import JUDGES

SYSTEM = "system"


def uses_of_template(model: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Required features of a model's chat template; keyword arguments of ``steadfast.models.chat_settings.try_chat``.

    Args:
        model: its name.
        config: a complete configuration.

    Returns:
        ``system``, whether any conversation has a system turn, and ``arguments``, the variables of all of them; empty
        for a model without prompts.
    """
    uses = list(_uses(model, config))
    if not uses:
        return {}
    arguments = {name: value for _, given in uses for name, value in given.items()}
    return {"system": any(system for system, _ in uses), "arguments": arguments}


def _uses(model: str, config: Mapping[str, Any]) -> Iterator[tuple[bool, Mapping[str, Any]]]:
    entry = config["models"][model]
    if entry["role"] == "study":
        yield bool(config["generation"]["system_prompt"]), entry["template_arguments"]
    for judge in (*config["judges"].values(), *config["rubrics"].values()):
        kind, own = JUDGES.settings(judge["kind"]), JUDGES.read(judge).weights()
        if not kind.converses:
            continue
        if own and own[0] == model:
            yield _has_system_turn(judge), (entry if kind.speaks_as_model else judge)["template_arguments"]
        elif kind.scope == "pair" and entry["role"] == "study":
            yield _has_system_turn(judge), entry["template_arguments"]


def _has_system_turn(judge: Mapping[str, Any]) -> bool:
    from steadfast.judges.prompts.templates import load_template

    if judge["prompt"] is None:  # the input of a guard is the conversation
        return False
    return any(role == SYSTEM for role, _ in load_template(judge["prompt"]).parts)
