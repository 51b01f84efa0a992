"""``signalbox explain`` says what a request would hold of the limits."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.unit.policy.samples import SMALL
from workbench.commands.explain import app

STATE = """\
budgets:
  - {scope: caller, of: alice, window: day, cap_microusd: 7}
  - {scope: caller, window: day, cap_microusd: 9000000}
limits:
  - {scope: caller, in_flight: 3}
"""


def explained(tmp_path: Path, state: str, *more: str) -> dict[str, Any]:
    roster = SMALL.replace("small-1", "gpt-6-luna").replace("large-1", "gemini-3.8-flash")
    (tmp_path / "policy.yaml").write_text(roster + state)
    (tmp_path / "request.json").write_text('{"text": "hello"}')
    given = ["--policy", str(tmp_path / "policy.yaml"), "--request", str(tmp_path / "request.json")]
    result = CliRunner().invoke(app, [*given, "--now", "2026-11-21", *more])
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


@pytest.mark.row("E2")
@pytest.mark.parametrize(("caller", "cap"), [("alice", 7), ("bob", 9_000_000)])
def test_every_limit_is_told_with_what_the_plan_would_hold_of_it(tmp_path: Path, caller: str, cap: int) -> None:
    told = explained(tmp_path, STATE, "--caller", caller)
    worst = sum(hop["worst_cost_microusd"] for hop in told["hops"])
    assert worst > 0
    assert told["holds"] == [
        {"of": f"microusd per day of caller {caller}", "amount": worst, "limit": cap},
        {"of": f"requests in flight of caller {caller}", "amount": 1, "limit": 3},
    ]


def test_without_limits_nothing_is_held(tmp_path: Path) -> None:
    assert explained(tmp_path, "")["holds"] == []
