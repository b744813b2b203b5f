"""The language filter: py3langid, whose model comes inside its package.

A text is kept unless another language is far more likely. With the most likely language alone, short English prompts
that hold names or code would be dropped ("Write a haiku." passes for Japanese words in Latin letters).
docs/decisions/2026-11-28-language-filter.md has the comparison.
"""

from functools import cache
from typing import Any

from steadfast.core.errors import ConfigError, suggest

# a text is kept if its language is at least this likely, relative to the most likely one: between the most likely
# sentences of other languages (0.016) and all but the oddest English ones (0.027) of the comparison
LEAST_RELATIVE_PROBABILITY = 0.02
# What py3langid 0.4 knows, less `zxx` (no language). Its model takes half a second to load, too long for a look at a
# configuration; a test compares the two.
LANGUAGE_CODES = tuple(
    """
    ace af am an ar ary arz as az ba bcl be bg bn br bs ca crh cs cy da de dz el en eo es et eu ext fa fi fo fr fuv fy
    ga gcf gcr gd gl gom grc gu gug guw ha hbo he hi hr ht hu hy id ig is it ja jv ka kab kik kk km kn ko ku ky la lb lg
    lij ln lo lt ltg lv mg mk ml mn mr ms mt my ne nl nn no nso oc om or pa pcm pl ps pt qu ro ru rw sa sdh se si sk sl
    sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz uzs vec vi vo wa wuu xh yo yue zh zu
    """.split()
)


def check_language(language: str | None) -> None:
    """Check a language code.

    Raises:
        ConfigError: py3langid does not know it.
    """
    if language is not None and language not in LANGUAGE_CODES:
        raise ConfigError(f"language: unknown language {language!r}{suggest(language, LANGUAGE_CODES)}")


def is_in_language(text: str, language: str) -> bool:
    """Whether a text may be in a language; one without letters is in none.

    Args:
        text: a prompt.
        language: one of `LANGUAGE_CODES`.
    """
    if not any(map(str.isalpha, text)):
        return False
    probabilities = dict(_identifier().rank(text))
    return bool(probabilities[language] >= LEAST_RELATIVE_PROBABILITY * max(probabilities.values()))


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
