"""Configurations that failed late, unclearly or not at all: one message each, with key, value and what is allowed."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from steadfast.config.checks import prepare
from steadfast.config.files import check_config_file, main
from steadfast.config.schema import load_schema
from steadfast.core.errors import ConfigError
from steadfast.core.ranges import range_of

MEAN = {"method": "mean_difference"}
SERVED = {"kind": "chat", "prompt": "resources/prompts/judges/refusal.md"}
BEHAVIOR = {**MEAN, "layer": 1, "contrast": "behavior", "judge": "served"}
ABLITERATED = {"direction": MEAN, "edit": {"method": "orthogonalize"}}


def put(config: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a dotted path."""
    *parents, last = path.split(".")
    for key in parents:
        config = config.setdefault(key, {})
    config[last] = value


# values by dotted path, and what the message must hold
SETTINGS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a seed beyond 32 bits": (
        {"seed": 10**21},
        ["seed: 1000000000000000000000 is out of range; allowed: 0 to 4294967295"],
    ),
    "a negative seed": ({"models.raw.seed": -1}, ["models.raw.seed: -1 is out of range; allowed: 0 to 4294967295"]),
    "a seed in a list": ({"safety_tuning.seeds": [0, 2**32]}, ["safety_tuning.seeds.1: 4294967296 is out of range"]),
    "a scale that overflows": (
        {"variants.abliterated.edit.scale": 1e300},
        ["variants.abliterated.edit.scale: 1e+300 is out of range; allowed: 0 to 1000"],
    ),
    "a scale of 400 digits": (
        {"variants.abliterated.edit.scale": int("9" * 400)},
        ["variants.abliterated.edit.scale: a number of 400 digits is out of range; allowed: 0 to 1000"],
    ),
    "a negative number of 5000 digits": (
        {"variants.abliterated.edit.scale": -(10**4999)},
        ["edit.scale: -a number of 5000 digits is out of range"],
    ),
    "resamples that fill the memory": (
        {"statistics.bootstrap": 10**12},
        ["statistics.bootstrap: 1000000000000 is out of range; allowed: 100 to 100000"],
    ),
    "a size of the organisms": (
        {"organisms.training.layers": 10**6},
        ["organisms.training.layers: 1000000 is out of range; allowed: 1 to 128"],
    ),
    "a share out of range": (
        {"statistics.confidence": 1.0},
        ["statistics.confidence: 1.0 is out of range; allowed: above 0 and below 1"],
    ),
    "a position before the template": (
        {"variants.abliterated.direction.position": -999},
        ["direction.position: -999 is not allowed; numbers allowed: integer -64 to -1 (Template position"],
    ),
    "a block that no model has": (
        {"variants.abliterated.direction.layer": 10**9},
        ["direction.layer: 1000000000 is not allowed; numbers allowed: integer -1000 to 999, number above 0 and"],
    ),
    "two scales that multiply": (
        {
            "variants.abliterated.edit": {"method": "orthogonalize"},
            "sweeps.s": {
                "directions": {"d": MEAN},
                "edits": {"e": {"method": "orthogonalize", "scale": 900}},
                "scales": [2],
            },
        },
        ["sweeps: the scale of d-e-200 comes to 1800, which is out of range; allowed: at most 1000"],
    ),
    "blocks the wrong way round": (
        {"variants.abliterated.edit.layers": [3, 1]},
        ["variants.abliterated.edit: layers: [3, 1]: the first block comes after the last; allowed: [first, last]"],
    ),
    "blocks the wrong way round from both ends": (
        {"variants.abliterated.edit.layers": [-1, 0]},
        ["variants.abliterated.edit: skip_first: 0 and layers: [-1, 0] leave none of the", "blocks of raw to edit"],
    ),
    "blocks that are all skipped": (
        {"variants.abliterated.edit": {"method": "orthogonalize", "layers": [0, 1], "skip_first": 2}},
        ["variants.abliterated.edit: skip_first: 2 and layers: [0, 1] leave none of the"],
    ),
    "a judge that depends on itself": (
        {
            "judges.served": {**SERVED, "serve": {"model": "raw", "variant": "abliterated"}},
            "variants.abliterated.direction": BEHAVIOR,
        },
        [
            "variants.abliterated.direction.judge: served goes round in a circle: it runs on raw/abliterated, and "
            "raw/abliterated needs its verdicts first; allowed: a judge that does not run on abliterated"
        ],
    ),
    "a judge that depends on itself through another variant": (
        {
            "judges.served": {**SERVED, "serve": {"model": "raw", "variant": "matched"}},
            "variants.abliterated.direction": BEHAVIOR,
            "variants.matched": {
                "direction": {"method": "random"},
                "edit": {"method": "orthogonalize"},
                "match_change": "abliterated",
            },
        },
        ["direction.judge: served goes round in a circle: it runs on raw/matched, and raw/abliterated needs"],
    ),
    "contrast by behavior of a model without responses": (
        {
            "judges.served": {**SERVED, "serve": {"model": "tiny", "variant": "abliterated"}},
            "variants.abliterated.direction": {**BEHAVIOR, "judge": "regex"},
        },
        [
            "judges.served.serve.model: 'tiny' has `role: judge`, and abliterated contrasts",
            "allowed: a model with `role: study`",
        ],
    ),
    "a judge called original": (
        {"judges.original": {"kind": "label_only"}},
        ["judges.original: the name `original` is kept"],
    ),
    "a model called original": (
        {"models.Original": {"source": "organism", "recipe": "raw"}},
        ["models.Original: the name `original` is kept"],
    ),
    "a control character in a label": (
        {"models.raw.label": "a\x1bb"},
        ["models.raw.label: 'a\\x1bb' holds the control character '\\x1b'; allowed: text"],
    ),
    "a line break in a label": (
        {"judges.regex.label": "a\nb"},
        ["judges.regex.label", "'\\n'; allowed: one line of text"],
    ),
    "a right-to-left override in a label": ({"models.raw.label": "a\u202eb"}, ["control character '\\u202e'"]),
    "markup in a label": (
        {"variants.abliterated.label": "<b>x</b>"},
        ["variants.abliterated.label: '<b>x</b>' holds '<'; allowed: text without markup, that is without any of <"],
    ),
    "TeX in a group": ({"models.raw.group": "$x$"}, ["models.raw.group: '$x$' holds '$'"]),
    "markup in the name of a family": (
        {"statistics.families": {"a|b": ["x", "y"]}},
        ["statistics.families: 'a|b' holds '|'"],
    ),
    "white space in a judge's word": (
        {"judges.local.labels.refusal": "YES\n"},
        ["judges.local.labels.refusal: 'YES\\n' holds"],
    ),
    "an empty label": ({"models.raw.label": " "}, ["models.raw.label: ' ' is empty or begins"]),
    "a very long label": (
        {"models.raw.label": "x" * 200},
        ["models.raw.label", "has 200 characters; allowed: at most 100"],
    ),
    "a control character in a prompt": (
        {"generation.system_prompt": "a\x00"},
        ["generation.system_prompt: 'a\\x00' holds"],
    ),
    "a phrase list that is a folder": (
        {"judges.regex.patterns": "resources/organisms"},
        [
            "judges.regex.patterns: no such file: resources/organisms (it is a folder, and a file is needed;",
            "recipes.yaml",
        ],
    ),
    "a folder that is a file": (
        {"capability.include_path": "Makefile"},
        ["capability.include_path: no such directory: Makefile (it is a file, and a folder is needed)"],
    ),
    "no path at all": ({"judges.regex.patterns": ""}, ["judges.regex.patterns: '' is not a path of a file"]),
    "a very long path": ({"judges.regex.patterns": "x" * 5000}, ["judges.regex.patterns: no such file: xxx"]),
    "a name with other letters": (
        {"models.modèle": {"source": "organism", "recipe": "raw"}},
        ["models: the name 'modèle' cannot be used (it holds 'è'); allowed: Letters a-z and A-Z, digits"],
    ),
    "a name that ends in a line break": (
        {"models.raw2\n": {"source": "organism", "recipe": "raw"}},
        ["models: the name 'raw2\\n' cannot be used (it holds '\\n')"],
    ),
    "yes as a name": (
        {"judges": {True: {"kind": "label_only"}}},
        ["judges: the key True is not a string, as YAML reads yes, on and true; put it in quotes"],
    ),
    "no as a language": (
        {"prompts.language": False},
        ["prompts.language: found False, which is not of type string or null, as YAML reads no, off and false; put"],
    ),
    "a day where anything goes": (
        {"models.raw.template_arguments": {"day": datetime.date(2025, 1, 1)}},
        ["raw.template_arguments.day: found datetime.date(2025, 1, 1), which is not allowed; allowed: texts (put"],
    ),
    "no number where anything goes": (
        {"models.raw.template_arguments": {"list": [float("nan")]}},
        ["models.raw.template_arguments.list.0: nan is not allowed; allowed: a finite number"],
    ),
    "a day without quotes": (
        {"models.l": {"source": "hub", "repo": "a/b", "template_date": datetime.date(2025, 1, 1)}},
        ["template_date: found datetime.date(2025, 1, 1), which is not of type string or null; put it in quotes"],
    ),
}


@pytest.mark.parametrize(("values", "words"), SETTINGS.values(), ids=SETTINGS)
def test_config_rejects_impossible_settings(config, refused, values, words):
    for path, value in values.items():
        put(config, path, value)
    message = refused(config)
    for word in words:
        assert word in message
    assert len(message.splitlines()) == 1
    assert len(message) < 700


def test_config_rejects_annotations_with_repeated_column(config, refused, tmp_path):
    (tmp_path / "a.csv").write_text("model,model\n1,2\n")
    config["annotations"] = [str(tmp_path / "a.csv")]
    assert refused(config).endswith("a.csv: column 'model' appears more than once; rename one of them")
    assert refused(config).startswith("annotations.0: ")


def numbers(schema: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema of a number, by its path."""
    if isinstance(schema, Mapping):
        kinds = schema.get("type", [])
        kinds = {kinds} if isinstance(kinds, str) else set(kinds) if isinstance(kinds, list) else set()
        # what is compared with the cells of a file may be any number
        if {"integer", "number"} & kinds and "string" not in kinds:
            yield path, schema
        for key, item in schema.items():
            yield from numbers(item, f"{path}.{key}")
    elif isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from numbers(item, f"{path}.{index}")


def test_every_number_in_the_schema_has_a_range():
    found = dict(numbers(load_schema()))
    assert len(found) > 80
    open_ends = [
        path
        for path, schema in found.items()
        if not {"minimum", "exclusiveMinimum"} & set(schema) or not {"maximum", "exclusiveMaximum"} & set(schema)
    ]
    assert open_ends == []
    assert range_of({"exclusiveMinimum": 0, "maximum": 1}) == "above 0 and at most 1"


FILES = {
    "a no-break space": (
        "a:\n\u00a0 b: 1\nc\n".encode(),
        "line 2: is indented with a no-break space; YAML takes spaces alone",
    ),
    "an octal number": (b"seed: 0777\n", "line 1: 'seed' is '0777', which YAML reads as 511; write that, or put it in"),
    "a time read as a number of minutes": (
        b"a: {b: 1:30}\n",
        "line 1: 'a.b' is '1:30', which YAML reads as 90; write that",
    ),
    "an impossible date": (b"a: 2025-13-45\n", "line 1: 'a' is '2025-13-45': month must be in 1..12; put it in quotes"),
    "an equals sign": (b"a: =\n", "line 1: 'a' is '=': could not determine a constructor for the tag"),
    "a merge of no mapping": (b"a: &a 1\nb: {<<: *a}\n", "line 1: is not valid YAML: expected a mapping"),
    "a tab": (b"seed: 1\nprompts:\n\tharmful: []\n", "line 3: is indented with a tab; YAML takes spaces alone"),
    "two documents": (
        b"seed: 1\n---\nseed: 2\n",
        "line 3: a second YAML document begins; one file is one configuration",
    ),
    "nothing": (b"", "line 1: holds nothing; a configuration begins with keys such as `prompts:`"),
    "a comment": (b"# seed: 1\n", "line 1: holds nothing"),
    "a list": (b"\n- seed\n", "line 2: holds a list; a configuration maps keys such as `prompts:`"),
    "a word in place of a mapping": (b"seed\n", "line 1: holds a single value"),
    "not UTF-8": ("seed: 1\nmodels: café\n".encode("latin-1"), "line 2: not UTF-8 (byte 0xe9); save it as UTF-8"),
    "UTF-16": ("seed: 1\n".encode("utf-16"), "is UTF-16, which Snakemake does not read; save it as UTF-8"),
    "a control character": (b"seed: 1\nx: '\x01'\n", "line 2: holds the control character '\\x01'; remove it"),
    "a number of 5000 digits": (b"seed: " + b"9" * 5000, "line 1: 'seed' is a number of 5000 digits"),
    "yes as a key": (
        b"judges:\n  yes: {}\n",
        "line 2: the key 'yes' is not a string: YAML reads it as a truth value; put it in quotes",
    ),
    "a number as a key": (
        b"models:\n  7: {}\n",
        "line 2: the key '7' is not a string: YAML reads it as a value of type int",
    ),
    "an unknown anchor": (b"a: *b\n", "line 1: is not valid YAML: found undefined alias"),
    "a colon": (b"a: b: c\n", "line 1: is not valid YAML: mapping values are not allowed in this context; put a text"),
    "an anchor that refers to itself": (b"a: &a [*a]\n", "line 1: 'a.0' refers to itself by an anchor"),
    "a tag": (b"a: !!python/name:os.system x\n", "line 1: 'a' has the tag"),
    "too deeply nested": (b"a: " + b"[" * 3000 + b"]" * 3000, "is nested too deeply"),
    "JSON with a key twice": (b'{"seed": 1,\n\t"seed": 2}', "'seed' is given twice"),
}


@pytest.mark.parametrize(("content", "words"), FILES.values(), ids=FILES)
def test_unreadable_config_file_is_rejected_with_one_message(tmp_path, capfd, content, words):
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        check_config_file(file)
    assert str(caught.value).startswith(str(file))
    assert words in str(caught.value)
    assert main(["--cores", "2", "--configfile", str(file), "-n"]) == 1
    assert capfd.readouterr().err == f"The configuration cannot be used; no job was started.\n{caught.value}\n"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffseed: 1\n",
        "seed: 1\n...\n",
        "a: |\n  x\n  \ty\n",
        '{"seed":\t1}',
        "a: &a {b: 1}\nc: {<<: *a}\nd: [*a, *a]\n",
    ],
)
def test_unusual_but_valid_yaml_is_accepted(tmp_path, text):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    check_config_file(file)
    assert main(["--configfiles", str(file), "--", "all"]) == 0


def test_missing_config_file_suggests_a_similar_name(tmp_path, capfd):
    (tmp_path / "mine.yaml").write_text("seed: 1\n")
    assert main(["--configfile", str(tmp_path / "mein.yaml")]) == 1
    assert "mein.yaml; did you mean 'mine.yaml'?" in capfd.readouterr().err
    assert main(["--configfile", str(tmp_path / "mine.yaml"), "prompts"]) == 1
    assert "no such file: prompts; " in capfd.readouterr().err
    assert main(["--configfile", str(tmp_path / "mine.yaml"), "--", "prompts"]) == 0
    assert main(["--configfile", str(tmp_path)]) == 1
    assert "it is a folder, and a file is needed" in capfd.readouterr().err


def test_config_allows_labels_in_any_script(config):
    put(config, "models.raw.label", "Modèle № 1 (原) & co, नमस्ते क्\u200dष")
    assert prepare(config)
