"""Progress lines."""

import pytest

from steadfast.responses.progress import Progress


@pytest.fixture
def run(capsys):
    def lines(total, seconds, **settings):
        now = [0.0]
        progress = Progress(total, interval=10, clock=lambda: now[0], **settings)
        for now[0] in seconds:
            progress.advance(100)
        return capsys.readouterr().out.splitlines()

    return lines


def test_lines_come_at_intervals_and_at_the_end(run):
    assert run(4, [4, 12, 13], resumed=1) == [
        "responses: 1/4 were finished by an earlier run",
        "responses: 3/4, 17 tokens/s, 6 s to go",
        "responses: 4/4, 23 tokens/s, 0 s to go",
    ]


def test_the_pace_leaves_out_the_time_before_the_first_response(run):
    # a hundred seconds of loading, then one response every five seconds
    assert run(5, [100, 105, 110, 115, 120]) == [
        "responses: 1/5, 1 tokens/s, 400 s to go",
        "responses: 3/5, 20 tokens/s, 10 s to go",
        "responses: 5/5, 20 tokens/s, 0 s to go",
    ]
