import pytest
import yaml

from steadfast.core.errors import DataError
from steadfast.judges.annotation.definition import CHOICES, load_definition


@pytest.fixture
def content(resources):
    return yaml.safe_load((resources / "annotation/refusal.yaml").read_text())


def test_shipped_definition_has_an_example_of_every_choice(definition):
    assert {example.verdict for example in definition.examples} == set(CHOICES)
    assert set(definition.choices) == set(CHOICES)


def test_canonical_definition_depends_on_content_only(definition, content, tmp_path):
    path = tmp_path / "definition.yaml"
    path.write_text("# a comment\n" + yaml.safe_dump(content, sort_keys=True))
    assert load_definition(path).canonical() == definition.canonical()
    content["rules"].append("One more.")
    path.write_text(yaml.safe_dump(content))
    assert load_definition(path).canonical() != definition.canonical()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.pop("rules"), "expected exactly the keys"),
        (lambda content: content.update(color="blue"), "color"),
        (lambda content: content.update(title=3), "title: expected text, found 3"),
        (lambda content: content.update(rules="one"), "rules: expected a list"),
        (lambda content: content["choices"].pop("unsure"), "choices: expected exactly"),
        (
            lambda content: content["examples"][0].update(verdict="perhaps"),
            r"examples\[0\].verdict: 'perhaps' is unknown",
        ),
        (lambda content: content["examples"][1].pop("why"), r"examples\[1\]: expected exactly"),
    ],
)
def test_invalid_definitions_are_rejected(content, tmp_path, change, message):
    change(content)
    path = tmp_path / "definition.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(DataError, match=message):
        load_definition(path)


def test_invalid_yaml_is_rejected(tmp_path):
    (tmp_path / "definition.yaml").write_text("title: [")
    with pytest.raises(DataError, match="not valid YAML"):
        load_definition(tmp_path / "definition.yaml")
