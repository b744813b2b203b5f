"""The language filter on sentences that none of its word lists was made from."""

from pathlib import Path

import pytest

from steadfast.core.errors import ConfigError
from steadfast.prompts.language import FOLDER, check_language, is_in_language, language_codes, language_files
from steadfast.prompts.text import words

SENTENCES = {
    "en": [
        "How do I get a red wine stain out of a sofa?",
        "Explain why the moon has phases.",
        "Write a short letter to Santa.",
    ],
    "de": ["Wie bekomme ich einen Rotweinfleck aus dem Sofa?", "Erkläre mir, warum der Mond Phasen hat."],
    "es": ["¿Cómo puedo quitar una mancha de vino del sofá?", "Explica por qué la luna tiene fases."],
    "fr": ["Comment puis-je enlever une tache de vin du canapé ?", "Explique pourquoi la lune a des phases."],
    "it": ["Come posso togliere una macchia di vino dal divano?", "Spiega perché la luna ha delle fasi."],
    "nl": ["Hoe krijg ik een wijnvlek uit de bank?", "Leg uit waarom de maan niet altijd rond is."],
    "pt": ["Como posso tirar uma mancha de vinho do sofá?", "Explique por que a lua não é sempre redonda."],
    "ru": ["Как вывести пятно от вина с дивана?"],
    "zh": ["怎样去除沙发上的红酒渍?"],
    "ja": ["ソファの赤ワインの染みを落とすには?"],
    "ko": ["소파에 묻은 와인 얼룩은 어떻게 지우나요?"],
    "ar": ["كيف أزيل بقعة النبيذ عن الأريكة؟"],
}
CASES = [(code, text) for code, texts in SENTENCES.items() for text in texts]


@pytest.mark.parametrize(("code", "text"), CASES)
def test_each_sentence_is_in_its_language_and_in_no_other(code: str, text: str) -> None:
    assert [other for other in language_codes() if is_in_language(text, other)] == [code]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello world", True),  # short: its script decides
        ("Jak usunąć plamę wina z kanapy w domu?", False),  # Polish has no word list, but is not English
        ("Translate 'Guten Morgen' into French for me", True),
        ("What is the meaning of the word 猫?", True),
        ("print(x + 1) == 2", True),
        ("12345 67890", False),
        ("I don't know what that's about", True),
    ],
)
def test_odd_texts(text: str, expected: bool) -> None:
    assert is_in_language(text, "en") is expected


def test_unknown_languages_are_refused() -> None:
    check_language("en")
    check_language(None)
    with pytest.raises(ConfigError, match="language: unknown language 'eng'; did you mean 'en'"):
        check_language("eng")


def test_the_word_lists_are_declared_as_files() -> None:
    assert language_files(None) == []
    declared = {Path(path).resolve() for path in language_files("en")}
    assert declared == {file.resolve() for file in FOLDER.glob("*.yaml")}


def test_word_lists_hold_single_lower_case_words_once() -> None:
    for file in FOLDER.glob("*.yaml"):
        listed = file.read_text(encoding="utf-8").partition("words: >-")[2].split()
        assert len(listed) == len(set(listed)), file
        assert all(words(word) == [word] for word in listed), file
