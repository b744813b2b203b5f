"""Reading and checking the file that describes the synthetic world."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from steadfast.core.errors import DataError, suggest
from steadfast.core.yaml_text import parse_yaml
from steadfast.prompts.synthetic.grammar import Domain, Everyday, Phrasing, RefusalForm

DOMAIN_LISTS = ("verbs", "objects", "tools", "parts")
HARMFUL_LISTS = (*DOMAIN_LISTS, "harmless_verbs", "harmless_objects", "alternatives")


def read_fields(path: str | Path) -> dict[str, Any]:
    """The fields of a ``World``, by name.

    Raises:
        DataError: the file does not have the expected shape; the message names the entry.
    """
    try:
        data = parse_yaml(Path(path).read_text(encoding="utf-8"))
        fields = _fields(data)
        _check(fields)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        raise DataError(f"{path} is not valid YAML: {error}") from None
    except KeyError as error:
        raise DataError(f"{path}: the entry {error} is missing") from None
    except (TypeError, AttributeError, ValueError) as error:
        raise DataError(f"{path} does not have the shape of a world file: {error}") from error
    return fields


def _fields(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "harmful": tuple(_domain(name, entry, HARMFUL_LISTS) for name, entry in data["harmful"].items()),
        "harmless": tuple(_domain(name, entry, DOMAIN_LISTS) for name, entry in data["harmless"].items()),
        "phrasings": tuple(Phrasing(**entry) for entry in data["phrasings"]),
        "suffixes": tuple(data["suffixes"]),
        "answers": dict(data["answers"]),
        "refusals": {name: RefusalForm(**entry) for name, entry in data["refusals"].items()},
        "documents": {kind: tuple(texts) for kind, texts in data["documents"].items() if kind != "tag"},
        "tag": data["documents"]["tag"],
        "everyday": Everyday(**data["everyday"]),
        "held_out_every": int(data["held_out_every"]),
    }


def _domain(name: str, entry: Mapping[str, Any], lists: Iterable[str]) -> Domain:
    words = {key: tuple(entry[key]) for key in lists}
    empty = [key for key, values in words.items() if not values]
    if empty:
        raise DataError(f"{name}.{empty[0]} is empty")
    return Domain(name=name, opener=entry["opener"], reason=str(entry.get("reason", "")), **words)


def _check(fields: Mapping[str, Any]) -> None:
    domains: tuple[Domain, ...] = (*fields["harmful"], *fields["harmless"])
    _check_unique("verb", (verb for domain in domains for verb in (*domain.verbs, *domain.harmless_verbs)))
    _check_unique("object", (thing for domain in domains for thing in (*domain.objects, *domain.harmless_objects)))
    for phrasing in fields["phrasings"]:
        for kind, name in (("answers", phrasing.answer), ("refusals", phrasing.refusal)):
            if name not in fields[kind]:
                raise DataError(f"phrasing {phrasing.text!r} names {kind}.{name}{suggest(name, fields[kind])}")
    if fields["held_out_every"] < 2:
        raise DataError(f"held_out_every is {fields['held_out_every']}; at least 2 is needed to have pairs to train on")


def _check_unique(what: str, words: Iterable[str]) -> None:
    repeated = [word for word, count in Counter(words).items() if count > 1]
    if repeated:
        raise DataError(f"the {what} {repeated[0]!r} is listed more than once, so prompts could not be distinguished")
