"""The words of docs/glossary.md are used, and those that they replaced are not."""

import ast
import re
from pathlib import Path

import regex

ROOT = Path(__file__).parents[2]
OWN = Path(__file__).name

SCOPE = (
    "CONTRIBUTING.md",
    "Makefile",
    "README.md",
    "Snakefile",
    "benchmarks/*.py",
    "benchmarks/results/*.md",
    "config/*.yaml",
    "config/README.md",
    "docs/**/*.md",
    "docs/draw.py",
    "envs/*.in",
    "envs/*.py",
    "profiles/*/*.yaml",
    "resources/**/*.css",
    "resources/**/*.html",
    "resources/**/*.js",
    "resources/**/README.md",
    "results/README.md",
    "tests/*.py",
    "tests/integration/**/*.py",
    "tests/integration/*.yaml",
    "tests/unit/**/*.py",
    "tests/workflow/*.py",
    "workflow/report/*.rst",
    "workflow/rules/*.smk",
    "workflow/scripts/**/*.py",
)
"""Finished paths, as patterns below the repository; the aim is everything that is written for people."""

REPLACEMENTS = {
    # archaic turns
    r"besides": "as well, also, in addition to",
    r"anew": "again",
    r"(there|where|here)(by|of|in|upon|from|unto)": "a plain subordinate clause",
    r"told (from|apart|as|by|that|which|in|at)": "distinguished, reported",
    r"(is|are|was|were) told": "is reported",
    r"stands? (in|for|at|beside|behind|with|there|next)": "is",
    r"stands": "is",
    r"let(s|ting)? (somebody|anybody|somebody else|it be|be)": "make, allow",
    r"what is left of": "residual, remaining",
    r"by as much": "by the same amount",
    r"none of it": "a plain negation",
    r"hangs? (on|from)": "depends on",
    r"(held|holds?|holding) against": "compared with",
    r"seldom": "rarely",
    r"(?<!there\s)is no (?!longer|more|less|better|evidence|other|change|reason)\w+": "is not a ...",
    r"in the eyes of": "as judged by",
    r"so many": "N, a number of",
    r"(what|whatever) came of": "outcome, result",
    r"(is|are|was|were) spoken to": "chat settings, chat template",
    r"from elsewhere": "imported, existing",
    r"of one's choice": "selectable",
    r"likeliest": "most likely",
    r"for want of": "without",
    r"small letters": "lowercase letters",
    r"tells? (\w+ )?apart": "distinguish, separate",
    r"to the bit": "exactly, bitwise",
    r"of like (length|size|kind)": "of similar ...",
    r"goes by": "is estimated from, uses, is called",
    r"nothing but|anything but": "only",
    r"in whatever": "in any",
    r"worked on at a time": "processed in parallel",
    r"(err|errs|erring) on the high side": "is a high estimate",
    r"lest": "so that ... not",
    # private terms
    r"stanzas?": "config entry",
    r"what may be said": "robustness assessment, outcome",
    r"on trial": "candidate evaluation, attack-selection set",
    r"tokens that tell": "refusal tokens",
    r"people's labels|labels? (by|of) people|labell?ed by people|by people": "human labels, human annotators",
    r"donors?": "source models",
    r"self[- ]monitoring": "self-evaluation",
    r"sounds? harmful": "over-refusal prompts",
    r"borderline": "over-refusal prompts",
    r"invent(s|ed|ing|ions?)": "hallucination",
    r"answer form": "format following",
    r"left whole|broke (the|a) model": "capability preserved, degraded",
    r"do(es)? damage|(the|more|less|its|no) damage": "capability degradation",
    r"answers store|store of answers": "result cache",
    r"stands? twice": "is a duplicate key",
    r"is no text": "must be a string",
    r"did what was asked|answers as with hooks": "edit verified, baked matches hooked",
    r"control held|controls? holds?": "control passed",
    r"strongest attack": "best attack",
    # American spelling
    r"behaviours?|colours?|favours?|neighbours?|honours?|rigours?": "American spelling: -or",
    r"(?<!self-)judgements?": "judgment (the study's self-judgement is a quotation)",
    r"labell(ed|ing|er)|modell(ed|ing)|cancell(ed|ing)|travell(ed|ing)|signall(ed|ing)": "American spelling: one l",
    r"licences?|defences?|offences?": "American spelling: -se",
    r"centred?|centres|metres?|fibres?": "American spelling: -er",
    r"(normal|quant|dequant|summar|recogn|organ|initial|serial|general|minim|maxim|optim|standard|random|token|orthonormal)"
    r"is(e|es|ed|ing|er|ers|ation|ations)": "American spelling: -ize",
    r"analys(e|es|ed|ing)(?<!analyses)|catalogues?|artefacts?|programmes?|fulfil|grey": "American spelling",
    r"learnt|spelt|misspelt|burnt|dreamt": "American spelling: -ed",
}

IDENTIFIERS = {
    "damage": "degradation, divergence, worse",
    "damages": "perturbations, degradations",
    "strongest": "best",
    "fidelity": "agreement, validity",
    "people": "human judges, annotators",
    "donor": "source model",
    "donated": "source model",
    "stanza": "entry",
    "said": "verdict, predicted, message",
    "told": "reported",
    "tell": "report",
    "telling": "indicative",
    "readings": "judgments",
    "invented": "hallucination",
    "borderline": "over-refusal",
    "strangers": "excluded",
    "standardised": "standardized",
    "quantised": "quantized",
    "stabilised": "stabilized",
    "refuse": "reject, where our code does it",
}
"""Words that names of modules, functions, classes, arguments and variables of the package do not have."""
REFUSING_MODELS = {"always_refuse", "never_refuse", "refuse"}
"""Names of what models and judges do."""

CODE = re.compile(r"```.*?```|`[^`\n]+`|\]\([^)]*\)|https?://\S+", re.S)
"""What a page quotes from code: keys, commands, addresses."""

QUOTATIONS = (
    "Poison control centres explain",
    "the colour of the sky",
    "Which colour is the sky",
    "What is the colour",
    '"judgement", "annotation"',
    '"judgement": "REFUSED"',
    "A lighthouse stands tall",
    '"INVENTED"',
    '{"contrast": "behaviour"}',
    '("invented",)',
    '["invented"]',
    "'invented' is not allowed",
    '"dequantise": "dequantize"',
    '"borderline": "over_refusal_categories"',
)
"""Texts that stay: words of models and for models, and names that users' files may still have."""

ALTERNATIVES = "|".join(f"(?P<w{number}>{phrase})" for number, phrase in enumerate(REPLACEMENTS))
# of small letters, by a library that is three times as fast at it
PATTERN = regex.compile(rf"\b(?:{ALTERNATIVES})\b")

NAME = re.compile(r"def test_(\w+)")
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def findings(text: str) -> list[str]:
    """Each banned phrase in a text: line, phrase, replacement."""
    replacements = list(REPLACEMENTS.values())
    found = []
    for match in PATTERN.finditer(text.lower()):
        line = text.count("\n", 0, match.start()) + 1
        found.append(f"line {line}: {match.group()!r}; write: {replacements[int((match.lastgroup or 'w0')[1:])]}")
    return found


def prose(file: Path) -> str:
    """The text of a file; of a page without the code that it quotes, line numbers kept."""
    text = file.read_text(encoding="utf-8")
    for quotation in QUOTATIONS:
        text = text.replace(quotation, "")
    if file.suffix != ".md":
        return text
    return CODE.sub(lambda match: "\n" * match.group().count("\n"), text)


def test_banned_phrases_are_absent():
    files = sorted({file for pattern in SCOPE for file in ROOT.glob(pattern) if file.name != OWN})
    assert files
    found = [f"{file.relative_to(ROOT)}, {finding}" for file in files for finding in findings(prose(file))]
    assert not found, "\n".join(["words that docs/glossary.md replaces:", *found])


def test_identifiers_use_the_words_of_the_glossary():
    found = []
    for file in (ROOT / "workflow" / "scripts").rglob("*.py"):
        for name in identifiers(file) - REFUSING_MODELS:
            words = {word.casefold() for part in name.split("_") for word in WORD.findall(part)}
            found += [
                f"{file.relative_to(ROOT)}: {name}; use: {IDENTIFIERS[word]}" for word in words & set(IDENTIFIERS)
            ]
    assert not found, "\n".join(sorted(found))


def identifiers(file: Path) -> set[str]:
    """The name of a module, and every name that it defines."""
    names = {file.stem}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def test_every_scope_pattern_matches_a_file():
    assert not [pattern for pattern in SCOPE if not any(ROOT.glob(pattern))]


def test_banned_phrases_are_found():
    assert findings("one\nThe stanza of a model") == ["line 2: 'stanza'; write: config entry"]
    assert findings("It is colour, labelled and quantised; judgement.")
    assert not findings("The colors of an analysis; these analyses are quantized.")


def test_names_of_tests_have_at_most_ten_words():
    names = {name for file in (ROOT / "tests").rglob("*.py") for name in NAME.findall(file.read_text(encoding="utf-8"))}
    assert len(names) > 1000
    assert not sorted(name for name in names if len(name.split("_")) > 10)
