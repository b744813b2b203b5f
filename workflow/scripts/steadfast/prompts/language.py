"""A deterministic language filter without a model: scripts and function words.

A text is taken for a language if most of its letters are of the language's script and no other known language of
that script has more of its function words in it. The limits: a text of fewer than ``SHORT`` words may hold no function
word at all, so it passes on its script alone; closely related languages need a sentence to be told apart; a language
without a word list is recognised only as "not this one". Word lists are ``resources/prompts/languages/<code>.yaml``.
"""

import os
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from steadfast.core.errors import ConfigError, suggest
from steadfast.core.locations import PROJECT
from steadfast.prompts.text import words

FOLDER = PROJECT / "resources" / "prompts" / "languages"
MOSTLY = 0.8
SHORT = 5
_SPACES_FOR_APOSTROPHES = str.maketrans({"'": " ", "’": " ", "ʼ": " ", "`": " "})


@dataclass(frozen=True)
class Language:
    """What is known of a language.

    Attributes:
        scripts: scripts of its letters, as the first word of their Unicode names (``LATIN``, ``HIRAGANA``).
        required: scripts of which at least one letter must occur; empty if none is required.
        words: function words in lower case, split at apostrophes; empty if its script tells enough.
    """

    scripts: frozenset[str]
    required: frozenset[str]
    words: frozenset[str]


def language_codes() -> list[str]:
    """Codes that the filter knows, sorted."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def language_files(language: str | None) -> list[str]:
    """Files that the filter reads, relative to the working directory; none without a filter."""
    return [os.path.relpath(FOLDER / f"{code}.yaml") for code in language_codes()] if language else []


def check_language(language: str | None) -> None:
    """Check a language code.

    Raises:
        ConfigError: there is no word list for it; the message names those that there are.
    """
    if language is not None and language not in language_codes():
        raise ConfigError(f"language: unknown language {language!r}{suggest(language, language_codes())}")


def is_in_language(text: str, language: str) -> bool:
    """Whether a text is in a language, as far as script and function words tell."""
    wanted = _languages()[language]
    scripts = _scripts(text)
    fitting = sum(script in wanted.scripts for script in scripts)
    if not scripts or fitting < MOSTLY * len(scripts):
        return False
    if wanted.required and wanted.required.isdisjoint(scripts):
        return False
    return not wanted.words or _sounds_like(text, wanted)


def function_words(code: str) -> frozenset[str]:
    """Function words of a language that the filter knows, in lower case."""
    return _languages()[code].words


def _sounds_like(text: str, wanted: Language) -> bool:
    found = words(text.translate(_SPACES_FOR_APOSTROPHES))
    hits = sum(word in wanted.words for word in found)
    rivals = (other for other in _languages().values() if other.scripts == wanted.scripts)
    most = max(sum(word in rival.words for word in found) for rival in rivals)
    return hits == most and (hits > 0 or len(found) < SHORT)


def _scripts(text: str) -> list[str]:
    """Script of each letter of a text."""
    return [unicodedata.name(letter, "UNKNOWN").split()[0] for letter in text if letter.isalpha()]


@cache
def _languages() -> dict[str, Language]:
    return {code: _read(FOLDER / f"{code}.yaml") for code in language_codes()}


def _read(file: Path) -> Language:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    return Language(
        scripts=frozenset(content["scripts"]),
        required=frozenset(content.get("required", [])),
        words=frozenset(str(content.get("words", "")).split()),
    )
