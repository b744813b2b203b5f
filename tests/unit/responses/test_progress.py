"""Progress lines."""

from steadfast.responses.progress import Progress


def test_lines_come_at_intervals_and_at_the_end(capsys):
    now = [0.0]
    progress = Progress(4, resumed=1, interval=10, clock=lambda: now[0])
    for seconds in (4, 12, 13):
        now[0] = seconds
        progress.advance(100)
    assert capsys.readouterr().out.splitlines() == [
        "responses: 1/4 were finished by an earlier run",
        "responses: 3/4, 17 tokens/s, 6 s to go",
        "responses: 4/4, 23 tokens/s, 0 s to go",
    ]
