"""The judges that do not read, and what every kind of judge offers."""

import pytest

from steadfast.core.errors import ConfigError
from steadfast.core.names import NON_REFUSAL, REFUSAL
from steadfast.core.registry import load, names
from steadfast.judges.kinds import always_refuse, label_only, never_refuse
from steadfast.judges.settings import JudgeSettings


def test_baselines_do_not_read_the_response(case) -> None:
    cases = [case("Sure.", label="harmful"), case("No.", label="harmless")]
    assert [verdict.verdict for verdict in always_refuse.build().judge(cases)] == [REFUSAL, REFUSAL]
    assert [verdict.verdict for verdict in never_refuse.build().judge(cases)] == [NON_REFUSAL, NON_REFUSAL]
    assert [verdict.verdict for verdict in label_only.build().judge(cases)] == [REFUSAL, NON_REFUSAL]


@pytest.mark.parametrize("module", [always_refuse, never_refuse, label_only])
def test_baselines_have_no_settings(module) -> None:
    module.Settings.read({}).check()
    assert module.Settings.read({}).files() == []
    with pytest.raises(ConfigError, match="unknown key 'patterns'"):
        module.Settings.read({"patterns": "x"}).check()


@pytest.mark.parametrize("kind", names("steadfast.judges.kinds"))
def test_every_judge_kind_implements_the_interface(kind: str) -> None:
    module = load("steadfast.judges.kinds", kind)
    assert issubclass(module.Settings, JudgeSettings)
    assert module.Settings.scope in ("grid", "pair", "verdicts")
    assert callable(module.build)
