"""The one function behind the state machine's tasks, over stores in memory."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

import cascade.app as app
from cascade.services import Services
from signalbox.execution.cascade.failures import JobUnknown, NobodyToAsk, StateUnavailable
from signalbox.policy.resolved import Policy, Webhook
from signalbox.transport.dynamodb import StoreUnavailable
from signalbox.webhooks.deliver import WebhookFailed
from signalbox.webhooks.sign import sign
from tests.builders import planned, policy, reply
from tests.unit.execution.serving import Desk, desk
from tests.unit.execution.test_plans import FAST, STRONG, UNSURE

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtMTIz"
WORDS = "the words that nobody may log"


class Context:
    """What a Lambda context tells."""

    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "x"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


class Key:
    def key(self, *, fresh: bool) -> str | None:
        return SECRET


@dataclass
class Receiver:
    """A server that takes webhooks, each with ``status``."""

    status: int = 200
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    server: HTTPServer = field(init=False)

    def __post_init__(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    taking = Receiver()
    yield taking
    taking.server.shutdown()
    taking.server.server_close()


def invoke(monkeypatch: pytest.MonkeyPatch, at: Desk, rules: Policy, step: str, request_id: str = "req_001") -> Any:
    tools = replace(at.machine.tools, policy=rules)
    known = Services(tools, at.replies, at.ledger, at.receipts, Key())
    monkeypatch.setattr(app, "services", lambda: known)
    event = {"step": step, "ordinal": 1, "caller": "alice", "request_id": request_id, "plan": "verify"}
    return app.handler({**event, "deadline_at_ms": 1, "ceiling_microusd": 1}, Context())  # type: ignore[arg-type]


def started(rules: Policy) -> Desk:
    """A preliminary reply was given; the machine is still to begin."""
    at = desk(rules, {"large": [reply("large", '{"verdict": "replace", "answer": "better"}')]})
    assert at.ask(WORDS, confidence=UNSURE).answer is not None
    return at


@pytest.mark.row("E3")
@pytest.mark.row("A11")
def test_the_steps_of_a_verification_one_by_one(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = policy(planned("verify", FAST, STRONG, accept=0.7, webhook="crm"))
    rules = replace(rules, webhooks={"crm": Webhook("crm", receiver.url)})
    at = started(rules)
    told = invoke(monkeypatch, at, rules, "judge")
    assert told["verdict"] == "verify"
    assert invoke(monkeypatch, at, rules, "verify")["resolution"] == "replaced"
    assert invoke(monkeypatch, at, rules, "integrity") == {"intact": True, "next": "settle"}
    settled = invoke(monkeypatch, at, rules, "settle")
    assert settled == {"status": 200, "resolution": "replaced", "webhook": True}
    assert at.ledger.entries[0].state == "settled"
    assert invoke(monkeypatch, at, rules, "notify") == {"status": 200}
    headers, body = receiver.taken[0]
    event = json.loads(body)
    assert (event["type"], event["id"], event["data"]["reply"]["text"]) == ("reply.final", "req_001", "better")
    wanted = sign(SECRET, "req_001", int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == wanted["webhook-signature"]
    out = capsys.readouterr()
    assert WORDS not in out.out + out.err
    assert "better" not in out.out + out.err
    assert '"resolution":"replaced"' in out.out.replace(" ", "")


@pytest.mark.row("A11")
def test_a_receiver_that_takes_nothing_is_told_to_the_machine(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    receiver.status = 500
    rules = policy(planned("verify", FAST, STRONG, webhook="crm"))
    rules = replace(rules, webhooks={"crm": Webhook("crm", receiver.url)})
    at = started(rules)
    invoke(monkeypatch, at, rules, "settle")
    with pytest.raises(WebhookFailed):
        invoke(monkeypatch, at, rules, "notify")
    at.replies.erase("alice", "req_001")
    assert invoke(monkeypatch, at, rules, "notify") == {"status": 200}
    assert len(receiver.taken) == 1


@pytest.mark.row("E3")
def test_failures_keep_the_names_that_the_machine_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = policy(planned("verify", FAST, STRONG))
    at = started(rules)
    for step in ("judge", "settle"):
        with pytest.raises(JobUnknown):
            invoke(monkeypatch, at, rules, step, "req_999")
    at.replies.kept["alice", "req_001"].results.clear()
    with pytest.raises(NobodyToAsk):
        invoke(monkeypatch, at, rules, "integrity")

    def away(caller: str, request_id: str) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(at.replies, "progress", away)
    for step in ("judge", "settle", "notify"):
        with pytest.raises(StateUnavailable):
            invoke(monkeypatch, at, rules, step)
