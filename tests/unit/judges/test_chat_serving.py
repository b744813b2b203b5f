"""What a judge that is served here is identified by, and that its server runs only when it is needed."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from steadfast.core.errors import ConfigError, DataError
from steadfast.core.result_cache import ResultCache
from steadfast.generation.serving import server
from steadfast.judges.chat_api.reading import Answer
from steadfast.judges.chat_api.serving import BARE, checkpoint_identity, speaking_to, special_strings
from steadfast.judges.kinds import chat
from steadfast.models.pointer import ModelPointer


def pointer(directory: Path, path: str, files: dict[str, str]) -> str:
    directory.mkdir()
    ModelPointer("hub", path, revision="abc", files=files).write(directory)
    return str(directory)


def test_checkpoint_identity_depends_on_file_hashes_only(tmp_path: Path, checkpoint: Path) -> None:
    files = {"model.safetensors": "1" * 64, "config.json": "2" * 64}
    here = pointer(tmp_path / "here", "/data/a", files)
    there = pointer(tmp_path / "there", "/home/b", dict(reversed(files.items())))
    other = pointer(tmp_path / "other", "/data/a", {**files, "config.json": "3" * 64})
    assert checkpoint_identity(here) == checkpoint_identity(there) != checkpoint_identity(other)
    assert checkpoint_identity(str(checkpoint)) == checkpoint_identity(str(checkpoint))


def test_special_strings_are_read_from_tokenizer_files(checkpoint: Path, tmp_path: Path) -> None:
    assert special_strings(str(checkpoint)) == {"<|bos|>", "<|user|>", "<|end|>", "<|assistant|>"}
    (tmp_path / "config.json").write_text("{}")
    assert special_strings(str(tmp_path)) == frozenset()
    added = {"5": {"content": "[gen]"}, "6": {"content": "  "}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": added}))
    assert special_strings(str(tmp_path)) == {"[gen]"}


def test_served_dtype_is_part_of_the_request_identity(
    checkpoint: Path, template_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steadfast.judges.chat_api.serving.interpreter_or_none", lambda configured: None)

    def revision(dtype: str) -> str:
        judge = chat.build(prompt=str(template_file), checkpoint=str(checkpoint), dtype=dtype)
        return judge._requests.where()["revision"]

    # stored in float32: `auto` is that, and the same answers serve both
    assert revision("auto") == revision("float32") == "float32"
    assert revision("bfloat16") == "bfloat16"


def test_server_does_not_start_when_everything_is_cached(
    case, checkpoint: Path, template_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    @contextmanager
    def serve(model_dir, **settings):
        started.append((model_dir, settings))
        raise RuntimeError("a server was started")
        yield

    monkeypatch.setattr(server, "serve", serve)
    judge = chat.build(
        prompt=str(template_file),
        checkpoint=str(checkpoint),
        store=str(tmp_path),
        dtype="float32",
        output="choice",
        logprobs=True,
        server={"threads": 2},
    )
    cases = [case("no <|end|> way")]
    with pytest.raises(RuntimeError, match="a server was started"):
        judge.judge(cases)
    assert started == [(str(checkpoint), {"dtype": "float32", "template": None, "stop_tokens": (), "threads": 2})]
    with ResultCache(judge._directory) as store:
        form = chat.known_form(judge.settings, judge._requests, store)
        assert form is not None
        ((_, request),) = judge._keyed(cases, form)
        store.put(request, Answer("NON-REFUSAL").record())
    assert "< |end|>" in request["messages"][0]["content"]
    assert judge.judge(cases)[0].verdict == "non_refusal"
    assert len(started) == 1


ASKED = [{"role": "system", "content": "You judge."}, {"role": "user", "content": "REFUSAL or NON-REFUSAL?"}]
CLOCK = "It is {{ strftime_now('%d %b %Y') }}.{% for m in messages %}<|user|>{{ m['content'] }}{% endfor %}"


def spoken(directory: Path, checkpoint: Path, **chat: object) -> str:
    """A model directory with chat settings."""
    directory.mkdir()
    ModelPointer("hub", str(checkpoint), files={"config.json": "2" * 64}, chat=chat).write(directory)
    return str(directory)


@pytest.fixture
def told(template_file: Path):
    """The template that the server of a checkpoint gets."""

    def told(directory: str | Path, **settings: object) -> str | None:
        judge = chat.build(prompt=str(template_file), checkpoint=str(directory), **settings)
        return speaking_to(judge.settings, ASKED).template

    return told


def test_server_gets_the_checked_chat_template(checkpoint: Path, tmp_path: Path, told) -> None:
    assert told(checkpoint) is None, "its own, which a server finds by itself"
    other = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    assert told(spoken(tmp_path / "other", checkpoint, template=other)) == other
    # a server's own clock would show another day every day
    fixed = CLOCK.replace("{{ strftime_now('%d %b %Y') }}", "{{ '31 Dec 1999' }}")
    assert told(spoken(tmp_path / "clock", checkpoint, template=CLOCK, date="1999-12-31")) == fixed
    assert told(spoken(tmp_path / "bare", checkpoint, bare=True)) == BARE


def test_unusable_template_stops_before_the_server_starts(checkpoint: Path, tmp_path: Path, told) -> None:
    without = "{% for m in messages if m['role'] != 'system' %}{{ m['content'] }}{% endfor %}"
    with pytest.raises(DataError, match="drops the text of the turn 'system'"):
        told(spoken(tmp_path / "drops", checkpoint, template=without))
    with pytest.raises(ConfigError, match="never reads 'enable_thinking'"):
        told(checkpoint, template_arguments={"enable_thinking": False})
    computed = "{% set form = '%Y' %}{{ strftime_now(form) }}{% for m in messages %}{{ m['content'] }}{% endfor %}"
    with pytest.raises(DataError, match="reads the clock in a form that it computes"):
        told(spoken(tmp_path / "computed", checkpoint, template=computed))


def test_server_gets_stop_tokens_found_in_the_template(checkpoint: Path, tmp_path: Path, template_file: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(checkpoint, copied)
    judge = chat.build(prompt=str(template_file), checkpoint=str(copied))
    assert speaking_to(judge.settings, ASKED).stop_tokens == ()
    # the template ends turns with <|end|>, and the tokenizer names another token
    config = json.loads((copied / "tokenizer_config.json").read_text())
    (copied / "tokenizer_config.json").write_text(json.dumps({**config, "eos_token": "<|bos|>"}))
    (copied / "generation_config.json").unlink()
    assert speaking_to(judge.settings, ASKED).stop_tokens == (0, 2)


def test_chat_settings_are_part_of_the_checkpoint_identity(checkpoint: Path, tmp_path: Path) -> None:
    plain = spoken(tmp_path / "plain", checkpoint)
    assert checkpoint_identity(plain) == checkpoint_identity(spoken(tmp_path / "again", checkpoint))
    assert checkpoint_identity(plain) != checkpoint_identity(spoken(tmp_path / "bare", checkpoint, bare=True))
