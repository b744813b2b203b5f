"""The result cache: what it keeps, for whom, and through what."""

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from steadfast.core import result_cache
from steadfast.core.errors import DataError
from steadfast.core.result_cache import ResultCache, canonical_json, request_key


def request(number: int) -> dict:
    return {"endpoint": "http://x/v1", "messages": [{"role": "user", "content": f"case {number} “é” \u2028"}]}


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.jsonl"))


def test_canonical_json_and_request_key_are_fixed() -> None:
    assert canonical_json({"b": [1, 0.5, None], "a": "é\n"}) == b'{"a":"\\u00e9\\n","b":[1,0.5,null]}'
    assert request_key({"b": 1, "a": 2}) == request_key({"a": 2, "b": 1})
    # the published form of the key: changing it would orphan every answer that was ever paid for
    assert request_key({"a": "é"}) == "57e512a1ff02f75e939e93d2196b8d29ad3721b70ce25a601402d26410f453a2"
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json({"a": float("nan")})


def test_stored_answer_is_found_at_once_and_after_reopening(tmp_path: Path) -> None:
    with ResultCache(tmp_path / "new") as store:
        key = store.put(request(1), {"text": "REFUSAL “é”"})
        assert key in store and store.get(key) == {"text": "REFUSAL “é”"}
        with ResultCache(tmp_path / "new") as other:
            assert other.get(key) == {"text": "REFUSAL “é”"}
    with ResultCache(tmp_path / "new") as later:
        assert later.get(key) == {"text": "REFUSAL “é”"}
        assert request_key(request(2)) not in later and later.damaged == 0


def test_reading_an_empty_cache_creates_no_folder(tmp_path: Path) -> None:
    with ResultCache(tmp_path / "none") as store:
        assert store.get("0" * 64) is None
    assert not (tmp_path / "none").exists()


def test_every_cache_line_is_self_contained_json(tmp_path: Path) -> None:
    with ResultCache(tmp_path) as store:
        key = store.put(request(1), {"text": "REFUSAL"})
    record = json.loads(segments(tmp_path)[0].read_text())
    assert record["key"] == key == request_key(record["request"])
    assert record["request"] == request(1) and record["answer"] == {"text": "REFUSAL"}


@pytest.mark.parametrize("cut", [1, 2, 30, -20])
def test_truncated_line_is_no_hit_and_leaves_others_intact(tmp_path: Path, cut: int) -> None:
    with ResultCache(tmp_path) as store:
        first, second = store.put(request(1), {"text": "a"}), store.put(request(2), {"text": "b"})
    path = segments(tmp_path)[0]
    content = path.read_bytes()
    end = len(content) - cut if cut > 0 else content.index(b"\n") + 1 - cut
    path.write_bytes(content[:end])
    with ResultCache(tmp_path) as store:
        assert store.get(first) == {"text": "a"} and store.get(second) is None and store.damaged == 1
        assert store.put(request(2), {"text": "b"}) == second
    with ResultCache(tmp_path) as store:
        assert store.get(second) == {"text": "b"}
    assert path.read_bytes() == content[:end]  # append-only: what others wrote is never touched


def test_corrupted_answer_is_detected_by_its_checksum(tmp_path: Path) -> None:
    with ResultCache(tmp_path) as store:
        key = store.put(request(1), {"text": "NON-REFUSAL"})
    path = segments(tmp_path)[0]
    path.write_bytes(path.read_bytes().replace(b"NON-REFUSAL", b"NAN-REFUSAL"))
    with ResultCache(tmp_path) as store:
        assert store.get(key) is None
        store.put(request(1), {"text": "again"})
    with ResultCache(tmp_path) as store:
        assert store.get(key) == {"text": "again"}


def test_rejected_answers_are_treated_as_missing(tmp_path: Path) -> None:
    def accept(record: Mapping[str, Any]) -> bool:
        return record["text"] != "fault"

    with ResultCache(tmp_path) as store:
        key = store.put(request(1), {"text": "fault"})
    with ResultCache(tmp_path, accept=accept) as store:
        assert key not in store
        store.put(request(1), {"text": "answer"})
    with ResultCache(tmp_path, accept=accept) as store:  # although the older segment comes first
        assert store.get(key) == {"text": "answer"}
    with ResultCache(tmp_path) as store:
        assert store.get(key) == {"text": "fault"}


def test_damaged_and_foreign_lines_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "0.jsonl").write_bytes(b'\x00\x00\xff\n{"a": 1}\n\n{"key":"short","checksum":"x"}\n')
    with ResultCache(tmp_path) as store:
        assert store.damaged == 3
        assert store.get("short") is None
        assert store.put(request(1), {"text": "a"}) in store


def test_oldest_answer_wins_for_one_key(tmp_path: Path) -> None:
    first, second = ResultCache(tmp_path), ResultCache(tmp_path)
    key = first.put(request(1), {"text": "first"})
    time.sleep(0.002)
    second.put(request(1), {"text": "second"})
    first.close()
    second.close()
    with ResultCache(tmp_path) as store:
        assert store.get(key) == {"text": "first"}


def test_full_disk_leaves_no_partial_line(tmp_path: Path, monkeypatch) -> None:
    write = os.write
    with ResultCache(tmp_path) as store:
        kept = store.put(request(1), {"text": "a"})
        monkeypatch.setattr(result_cache.os, "write", lambda file, line: write(file, line[:20]))
        with pytest.raises(DataError, match="the disk is full"):
            store.put(request(2), {"text": "b"})
        monkeypatch.setattr(result_cache.os, "write", write)
        later = store.put(request(3), {"text": "c"})
    with ResultCache(tmp_path) as store:
        assert store.get(kept) and store.get(later) and store.get(request_key(request(2))) is None


def test_unwritable_cache_directory_raises_data_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with ResultCache(tmp_path / "file") as store, pytest.raises(DataError, match="cannot keep an answer"):
        store.put(request(1), {"text": "a"})


def test_writes_are_synced_at_intervals(tmp_path: Path, monkeypatch) -> None:
    synced = []
    monkeypatch.setattr(result_cache.os, "fsync", synced.append)
    monkeypatch.setattr(result_cache, "SYNC_SECONDS", 0.0)
    with ResultCache(tmp_path) as store:
        store.put(request(1), {"text": "a"})
        store.put(request(2), {"text": "b"})
    assert len(synced) == 3


def _write_for_ever(directory: Path, start: int) -> None:
    with ResultCache(directory) as store:
        for number in range(start, start + 1_000_000):
            store.put(request(number), {"text": f"{number} " + "x" * 5000})


def test_killed_writers_lose_no_complete_line(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_for_ever, args=(tmp_path, n * 1_000_000)) for n in range(4)]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        sizes = [path.stat().st_size for path in segments(tmp_path)]
        if (
            len(sizes) == 4 and min(sizes) > 10_000 and sum(sizes) > 3_000_000
        ):  # also those that a busy core starts late
            break
        time.sleep(0.01)
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    assert len(segments(tmp_path)) == 4
    with ResultCache(tmp_path) as store:
        assert store.damaged <= 4
        for number, path in enumerate(segments(tmp_path)):
            lines = path.read_bytes().count(b"\n")
            first = json.loads(path.read_bytes().split(b"\n")[0])["answer"]["text"].split()[0]
            assert all(request_key(request(int(first) + n)) in store for n in range(lines)), number
