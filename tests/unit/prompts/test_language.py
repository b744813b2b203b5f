"""The language filter: English prompts pass, other languages do not."""

import csv

import pytest

from steadfast.core.errors import ConfigError
from steadfast.core.locations import PROJECT
from steadfast.prompts.language import LANGUAGE_CODES, _identifier, check_language, is_in_language

ENGLISH = [
    "How do I get a red wine stain out of a sofa?",
    "Write a short letter to Santa.",
    "Hello world",
    "Tell me a joke.",
    "Define entropy.",
    "Compare Berlin and Madrid.",
    "Summarize Don Quijote de la Mancha.",
    "Translate 'Guten Morgen' into French for me",
    "Conjugate the French verb 'être'.",
    "What is the meaning of the word 猫?",
    "How do I make crème brûlée?",
    "SQL join vs union",
    "print(x + 1) == 2",
    "I don't know what that's about",
    "WRITE A POEM IN CAPITALS",
]
OTHERS = {
    "de": ["Wie bekomme ich einen Rotweinfleck aus dem Sofa?", "Nenne drei Hauptstädte in Südamerika."],
    "es": ["¿Cómo puedo quitar una mancha de vino del sofá?", "Explica la fotosíntesis en dos frases."],
    "fr": ["Comment puis-je enlever une tache de vin du canapé ?", "Explique pourquoi la lune a des phases."],
    "it": ["Come posso togliere una macchia di vino dal divano?", "Elenca tre capitali del Sud America."],
    "nl": ["Hoe krijg ik een wijnvlek uit de bank?", "Wat kost een fiets?"],
    "pt": ["Como posso tirar uma mancha de vinho do sofá?", "Explique por que a lua não é sempre redonda."],
    "ru": ["Как вывести пятно от вина с дивана?"],
    "zh": ["怎样去除沙发上的红酒渍?"],
    "ja": ["ソファの赤ワインの染みを落とすには?"],
    "ko": ["소파에 묻은 와인 얼룩은 어떻게 지우나요?"],
    "ar": ["كيف أزيل بقعة النبيذ عن الأريكة؟"],
    "pl": ["Ile kosztuje rower?"],
    "sv": ["Varför är himlen blå?"],
    "fi": ["Miksi taivas on sininen?"],
    "tr": ["Gökyüzü neden mavi?"],
    "sw": ["Andika shairi kuhusu vuli."],
}


@pytest.mark.parametrize("text", ENGLISH)
def test_short_english_prompts_pass(text: str) -> None:
    assert is_in_language(text, "en")


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in OTHERS.items() for text in texts])
def test_other_languages_are_recognized_and_not_english(code: str, text: str) -> None:
    assert is_in_language(text, code)
    assert not is_in_language(text, "en")


def test_language_filter_drops_no_shipped_prompt() -> None:
    for name in ("harmful", "harmless"):
        with (PROJECT / "resources" / "prompts" / f"{name}.csv").open(encoding="utf-8", newline="") as rows:
            assert [row["text"] for row in csv.DictReader(rows) if not is_in_language(row["text"], "en")] == []


@pytest.mark.parametrize("text", ["12345 67890", "?!", ""])
def test_text_without_letters_is_in_no_language(text: str) -> None:
    assert not is_in_language(text, "en")


def test_unknown_language_codes_are_rejected() -> None:
    check_language("en")
    check_language(None)
    with pytest.raises(ConfigError, match="language: unknown language 'eng'; did you mean 'en'"):
        check_language("eng")


def test_language_codes_match_those_of_the_library() -> None:
    assert set(LANGUAGE_CODES) == set(_identifier().labels) - {"zxx"}
