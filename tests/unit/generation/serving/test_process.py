"""Nothing that was started outlives whoever started it, however that one ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from steadfast.generation.serving.process import supervised

SCRIPTS = Path(__file__).resolve().parents[4] / "workflow" / "scripts"

# like vLLM's server: a process with children and grandchildren, some in sessions of their own, deaf to SIGTERM
STUBBORN = """
import json, os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
depth, record = int(sys.argv[1]), sys.argv[2]
with open(record, "a") as file:
    file.write(json.dumps(os.getpid()) + "\\n")
if depth:
    for detached in (False, True):
        subprocess.Popen([sys.executable, "-c", sys.argv[3], str(depth - 1), record, sys.argv[3]],
                         start_new_session=detached)
time.sleep(600)
"""

# a job that owns such a process
OWNER = """
import os, sys, time
from steadfast.generation.serving.process import supervised
with supervised(sys.argv[1:], environment=dict(os.environ)) as process:
    print("started", flush=True)
    time.sleep(600)
"""

FAMILY = 7


def stubborn(record):
    return [sys.executable, "-c", STUBBORN, "2", str(record), STUBBORN]


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "took too long"
        time.sleep(0.05)


def family(record):
    return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []


def alive(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def none_alive(record):
    return not any(alive(process) for process in family(record))


@pytest.fixture
def quick(monkeypatch):
    """Do not wait five seconds for a process that is known to be deaf."""
    import steadfast.generation.serving.process as module

    source = module.SUPERVISOR.read_text().replace("GRACE_SECONDS = 5.0", "GRACE_SECONDS = 0.1")

    def use(folder):
        patched = folder / "supervisor.py"
        patched.write_text(source)
        monkeypatch.setattr(module, "SUPERVISOR", patched)

    return use


def test_all_processes_end_with_the_block(tmp_path, quick):
    quick(tmp_path)
    record = tmp_path / "pids"
    with supervised(stubborn(record), environment=os.environ):
        wait_for(lambda: len(family(record)) == FAMILY)
        assert all(alive(process) for process in family(record))
    assert none_alive(record)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.slow
def test_children_end_with_a_killed_parent(tmp_path, number):
    record = tmp_path / "pids"
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, *stubborn(record)],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: len(family(record)) == FAMILY)
    owner.send_signal(number)
    owner.wait(30)
    wait_for(lambda: none_alive(record))


@pytest.mark.slow
def test_children_end_when_the_process_group_is_killed(tmp_path):
    record = tmp_path / "pids"
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, *stubborn(record)],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for(lambda: len(family(record)) == FAMILY)
    os.killpg(owner.pid, signal.SIGKILL)
    owner.wait(30)
    wait_for(lambda: none_alive(record))


def test_children_end_when_the_command_crashes(tmp_path):
    record = tmp_path / "pids"
    with supervised(stubborn(record), environment=os.environ) as process:
        wait_for(lambda: len(family(record)) == FAMILY)
        os.kill(family(record)[0], signal.SIGKILL)
        assert process.wait(30) == 128 + signal.SIGKILL
        assert none_alive(record)


def test_output_is_logged_and_its_tail_is_kept(capfd):
    code = "import sys; [print('line', i) for i in range(100)]; print('cause', file=sys.stderr); sys.exit(3)"
    with supervised([sys.executable, "-c", code], environment=os.environ) as process:
        assert process.wait(30) == 3
        tail = process.tail().splitlines()
    assert tail[-1] == "cause" or "cause" in tail
    assert "line 99" in tail and "line 0" not in tail
    assert "line 0\n" in capfd.readouterr().out


def test_missing_command_is_reported():
    with supervised(["/nowhere/python"], environment=os.environ) as process:
        assert process.wait(30) == 127
        assert "cannot run /nowhere/python" in process.tail()


def test_descriptors_and_standard_input_reach_the_command():
    reading, writing = os.pipe()
    code = "import os, sys; os.write(int(sys.argv[1]), sys.stdin.read().upper().encode())"
    command = [sys.executable, "-c", code, str(writing)]
    with os.fdopen(reading) as results, supervised(command, environment=os.environ, descriptors=[writing]) as process:
        with process.stdin as stream:
            stream.write("hello")
        assert results.read() == "HELLO"
        assert process.wait(30) == 0
