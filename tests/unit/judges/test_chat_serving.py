"""What a judge that is served here is identified by, and that its server runs only when it is needed."""

import json
from contextlib import contextmanager
from pathlib import Path

import pytest

from steadfast.answers import AnswerStore
from steadfast.judges import chat
from steadfast.judges._chat.reading import Answer
from steadfast.judges._chat.serving import checkpoint_identity, special_strings
from steadfast.models.pointer import ModelPointer
from steadfast.serving import server


def pointer(directory: Path, path: str, files: dict[str, str]) -> str:
    directory.mkdir()
    ModelPointer("hub", path, revision="abc", files=files).write(directory)
    return str(directory)


def test_a_checkpoint_is_what_its_files_are(tmp_path: Path, checkpoint: Path) -> None:
    files = {"model.safetensors": "1" * 64, "config.json": "2" * 64}
    here = pointer(tmp_path / "here", "/data/a", files)
    there = pointer(tmp_path / "there", "/home/b", dict(reversed(files.items())))
    other = pointer(tmp_path / "other", "/data/a", {**files, "config.json": "3" * 64})
    assert checkpoint_identity(here) == checkpoint_identity(there) != checkpoint_identity(other)
    assert checkpoint_identity(str(checkpoint)) == checkpoint_identity(str(checkpoint))


def test_the_tokenizer_s_special_strings_are_read_from_its_files(checkpoint: Path, tmp_path: Path) -> None:
    assert special_strings(str(checkpoint)) == {"<|bos|>", "<|user|>", "<|end|>", "<|assistant|>"}
    (tmp_path / "config.json").write_text("{}")
    assert special_strings(str(tmp_path)) == frozenset()
    added = {"5": {"content": "[gen]"}, "6": {"content": "  "}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": added}))
    assert special_strings(str(tmp_path)) == {"[gen]"}


def test_what_is_served_in_two_number_formats_is_asked_apart(
    checkpoint: Path, template_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steadfast.judges._chat.serving.interpreter_or_none", lambda configured: None)

    def revision(dtype: str) -> str:
        judge = chat.build(prompt=str(template_file), checkpoint=str(checkpoint), dtype=dtype)
        return judge._requests.where()["revision"]

    # stored in float32: `auto` is that, and the same answers serve both
    assert revision("auto") == revision("float32") == "float32"
    assert revision("bfloat16") == "bfloat16"


def test_the_server_is_not_started_when_everything_is_answered(
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
    assert started == [(str(checkpoint), {"dtype": "float32", "threads": 2})]
    with AnswerStore(judge._directory) as store:
        form = chat.known_form(judge.settings, judge._requests, store)
        assert form is not None
        ((_, request),) = judge._keyed(cases, form)
        store.put(request, Answer("NON-REFUSAL").record())
    assert "< |end|>" in request["messages"][0]["content"]
    assert judge.judge(cases)[0].verdict == "non_refusal"
    assert len(started) == 1
