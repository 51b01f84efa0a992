"""What a request leaves in the log, and that the live log can show it."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from router.incoming import Incoming
from router.record import record
from signalbox.execution.served import Served
from tests.unit.execution.serving import Desk, desk
from workbench.local.live_log import as_line

WHO = Incoming("req_9", "alice", "standard", "k1", "/v1/infer", 0)
SAID = "a-private-sentence"


@dataclass(frozen=True)
class Log:
    """What came out while a test ran."""

    lines: pytest.LogCaptureFixture
    printed: pytest.CaptureFixture[str]

    def of(self, served: Served) -> tuple[dict[str, Any], dict[str, Any]]:
        """The log line's fields and the metrics."""
        self.lines.set_level("INFO")
        self.lines.clear()
        record(WHO, served, 12)
        (line,) = [one.__dict__ for one in self.lines.records if one.message == "decision"]
        (blob,) = [json.loads(text) for text in self.printed.readouterr().out.splitlines() if "_aws" in text]
        return line, blob


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Log:
    return Log(caplog, capsys)


def failing() -> Served:
    return desk(faults=lambda: "lost").ask()


def replayed() -> Served:
    here: Desk = desk()
    here.ask(SAID, key="k")
    return here.ask(SAID, key="k")


@pytest.mark.row("B10")
@pytest.mark.parametrize(
    ("served", "outcome", "shown"),
    [
        (desk().ask(SAID), "ok", "all"),
        (replayed(), "replayed:idempotency", "again, by idempotency"),
        (desk().ask("word " * 60_000), "context_length_exceeded", "422 context_length_exceeded"),
        (failing(), "state_unavailable", "503 state_unavailable"),
    ],
)
def test_every_end_is_one_line_and_one_set_of_metrics(served: Served, outcome: str, shown: str, log: Log) -> None:
    line, blob = log.of(served)
    assert shown in as_line(line)
    assert blob["outcome"] == outcome
    assert blob["route"] == line["signalbox.route"]
    assert SAID not in json.dumps([line, blob], default=str)


@pytest.mark.row("E1")
def test_an_answer_given_again_costs_nothing(log: Log) -> None:
    line, blob = log.of(replayed())
    assert (line["cost_microusd"], line["gen_ai.usage.output_tokens"]) == (0, 0)
    assert (line["signalbox.route"], line["gen_ai.request.model"]) == ("all", "small")
    assert blob["replays"] == [1]
