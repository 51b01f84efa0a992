"""Plans with several calls on the deployed stack: the real state machine, the real steps, the providers' double."""

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest

from signalbox.policy.load import load_resource
from tests.e2e.calling import Caller, new_caller
from workbench.local.stack import Running
from workbench.simulator.testing import Running as Simulator

FAST = load_resource().roles["fast"].pin.provider_model
BALANCED = load_resource().roles["balanced"].pin.provider_model
STRONG = load_resource().roles["escalation"]
PIN = load_resource().roles["compliance"].pin
SURE, UNSURE, HOPELESS = 0.95, 0.6, 0.05


@pytest.fixture
def alice(running: Running) -> Caller:
    return new_caller(running, f"alice-{uuid.uuid4().hex[:8]}", tier="standard")


@pytest.fixture(autouse=True)
def quiet(simulator: Simulator) -> Iterator[None]:
    """No fault is left for the next test."""
    yield
    simulator.clear_faults()


def ask(caller: Caller, lane: str, confidence: float = UNSURE, **more: Any) -> httpx.Response:
    body = {"text": "Is the monthly fee prorated?", "lane": lane, "confidence": confidence, "max_tokens": 200}
    return caller.send("POST", "/infer", body | more)


def told(reply: httpx.Response) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    facts: dict[str, Any] = reply.json()["signalbox"]
    return facts


def final(caller: Caller, request_id: str) -> dict[str, Any]:
    reply = caller.send("GET", f"/replies/{request_id}?wait=20")
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def entry(caller: Caller, request_id: str) -> dict[str, Any]:
    found: dict[str, Any] = caller.send("GET", f"/decisions/{request_id}").json()
    return found


def parts(simulator: Simulator) -> list[str]:
    return [one["part"] for one in simulator.journal()]


# -- cascade ---------------------------------------------------------------------------------------


@pytest.mark.row("A3")
@pytest.mark.row("E3")
def test_a_sure_fast_reply_is_final(alice: Caller, simulator: Simulator) -> None:
    reply = ask(alice, "cascade", SURE)
    facts = told(reply)
    assert (facts["plan"], facts["resolution"], facts["status"]) == ("cascade", "accepted", "final")
    assert parts(simulator) == ["answer", "self_check"]
    record = entry(alice, reply.json()["request_id"])
    assert [one["step"] for one in record["steps"]] == ["fast_pass", "judge", "integrity"]
    assert record["state"] == "settled"
    assert record["booked_microusd"] == sum(one["cost_microusd"] for one in simulator.journal())
    assert record["booked_microusd"] == facts["cost_microusd"]


@pytest.mark.row("C5")
@pytest.mark.row("E4")
@pytest.mark.parametrize(
    ("mood", "confidence", "resolution"),
    [
        (None, UNSURE, "confirmed"),
        ({"kind": "unsure", "only": "self_check"}, SURE, "confirmed"),
        ({"kind": "unsure"}, HOPELESS, "escalated"),
        ({"kind": "refuse", "only": "answer", "times": 1}, SURE, "escalated"),
    ],
)
def test_what_the_judge_makes_of_it(
    alice: Caller, simulator: Simulator, mood: dict[str, Any] | None, confidence: float, resolution: str
) -> None:
    if mood:
        simulator.faults(**mood)
    facts = told(ask(alice, "cascade", confidence))
    assert facts["resolution"] == resolution, facts


@pytest.mark.row("A11")
@pytest.mark.parametrize(("mood", "resolution"), [("disagree", "replaced"), ("correct", "corrected")])
def test_a_verifier_that_disagrees(alice: Caller, simulator: Simulator, mood: str, resolution: str) -> None:
    simulator.faults(kind="unsure", only="self_check")
    simulator.faults(kind=mood, only="verify")
    reply = ask(alice, "cascade", SURE)
    assert told(reply)["resolution"] == resolution
    assert reply.json()["model"] != FAST
    assert parts(simulator) == ["answer", "self_check", "verify"]


@pytest.mark.row("E3")
def test_a_fast_pass_that_times_out_escalates_inside_the_deadline(alice: Caller, simulator: Simulator) -> None:
    for model in load_resource().roles["fast"].candidates:
        simulator.faults(kind="delay", delay_ms=12_000, model=model.provider_model)
    began = time.monotonic()
    facts = told(ask(alice, "cascade", SURE, deadline_ms=12_000))
    assert time.monotonic() - began < 20
    assert facts["resolution"] in ("escalated", "accepted"), facts
    assert facts["attempts"][0]["failure"] == "DeadlineExceeded"


@pytest.mark.row("E3")
def test_a_judge_that_fails_means_the_stronger_model(alice: Caller, simulator: Simulator) -> None:
    """The self-check is part of judging: where it cannot be had, its absence counts against the reply."""
    simulator.faults(kind="malformed", only="self_check")
    assert told(ask(alice, "cascade", UNSURE))["resolution"] in ("confirmed", "escalated")


@pytest.mark.row("E3")
@pytest.mark.row("A16")
def test_a_verifier_that_overflows_leaves_the_fast_reply(alice: Caller, simulator: Simulator) -> None:
    simulator.faults(kind="unsure", only="self_check")
    simulator.faults(kind="overflow", only="verify")
    facts = told(ask(alice, "cascade", SURE))
    assert facts["resolution"] == "unverified"
    assert "ContextOverflow" in facts["resolution_reason"]
    assert facts["model"] == load_resource().roles["fast"].pin.id


@pytest.mark.row("C3")
@pytest.mark.parametrize("slow", ["answer", "self_check", "verify"])
def test_the_deadline_runs_out_in_each_step(alice: Caller, simulator: Simulator, slow: str) -> None:
    simulator.faults(kind="unsure", only="self_check")
    simulator.faults(kind="delay", delay_ms=9_000, only=slow)
    began = time.monotonic()
    reply = ask(alice, "cascade", SURE, deadline_ms=6_000)
    assert time.monotonic() - began < 14
    if slow == "answer":
        assert reply.status_code in (200, 504), reply.text
    else:
        assert told(reply)["resolution"] in ("unverified", "confirmed", "escalated"), reply.text
    record = entry(alice, reply.headers["x-request-id"])
    assert record["state"] == "settled"


@pytest.mark.row("E3")
def test_the_ceiling_is_reached_in_each_step(alice: Caller, simulator: Simulator) -> None:
    simulator.faults(kind="unsure", only="self_check")
    limit = least_verify_microusd(alice)
    assert ask(alice, "cascade", SURE, max_cost_microusd=1).json()["error"]["code"] == "cost_limit_exceeded"
    facts = told(ask(alice, "cascade", SURE, max_cost_microusd=limit))
    assert facts["resolution"] == "unverified"
    assert "CostCeilingReached" in facts["resolution_reason"]
    assert facts["cost_microusd"] <= limit


def least_verify_microusd(caller: Caller) -> int:
    """What the cheapest verifier costs at worst: with less, or when anything else was paid, nobody verifies."""
    asked = {"text": "Is the monthly fee prorated?", "lane": "cascade", "max_tokens": 200}
    limit, before = 10**9, 0
    while limit != before:
        hops = caller.send("POST", "/route", asked | {"max_cost_microusd": limit}).json()["hops"]
        before, limit = limit, min(one["worst_cost_microusd"] for one in hops if one["step"] == "verify")
    return limit


@pytest.mark.row("E3")
def test_when_every_model_fails_the_error_says_so_and_nothing_stays_held(alice: Caller, simulator: Simulator) -> None:
    simulator.faults(kind="status", status=500)
    reply = ask(alice, "cascade")
    assert reply.status_code == 503, reply.text
    assert reply.json()["error"]["code"] == "provider_unavailable"
    record = entry(alice, reply.headers["x-request-id"])
    assert (record["state"], record["booked_microusd"]) == ("settled", 0)


# -- rerank ----------------------------------------------------------------------------------------


@pytest.mark.row("A11")
def test_the_stronger_model_picks_among_candidates(alice: Caller, simulator: Simulator) -> None:
    reply = ask(alice, "ranked")
    assert told(reply)["resolution"] == "picked"
    assert Counter(parts(simulator)) == {"answer": 3, "rerank": 1}
    record = entry(alice, reply.json()["request_id"])
    assert record["booked_microusd"] == sum(one["cost_microusd"] for one in simulator.journal())


# -- verify ----------------------------------------------------------------------------------------


@pytest.mark.row("A11")
def test_the_fast_reply_comes_at_once_and_the_verified_one_later(alice: Caller, simulator: Simulator) -> None:
    simulator.faults(kind="unsure", only="self_check")
    simulator.faults(kind="disagree", only="verify")
    reply = ask(alice, "draft", SURE)
    facts = told(reply)
    assert (facts["status"], reply.headers["x-signalbox-status"]) == ("preliminary", "preliminary")
    request_id = reply.json()["request_id"]
    assert facts["reply_path"] == f"/replies/{request_id}"
    body = final(alice, request_id)
    assert (body["status"], body["resolution"]) == ("final", "replaced")
    assert body["reply"]["text"] != reply.json()["text"]
    record = entry(alice, request_id)
    assert (record["state"], record["resolution"]) == ("settled", "replaced")
    assert record["booked_microusd"] == sum(one["cost_microusd"] for one in simulator.journal())


@pytest.mark.row("A11")
def test_nobody_else_reads_a_reply(alice: Caller, running: Running) -> None:
    request_id = ask(alice, "draft").json()["request_id"]
    mallory = new_caller(running, f"mallory-{uuid.uuid4().hex[:8]}")
    assert mallory.send("GET", f"/replies/{request_id}").status_code == 404
    assert alice.send("GET", f"/replies/{request_id}?wait=20").status_code == 200


@pytest.mark.row("A11")
def test_the_sdk_gets_a_preliminary_reply_as_any_other(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model="auto",
        messages=[{"role": "user", "content": "Is the monthly fee prorated?"}],
        extra_body={"signalbox": {"lane": "draft"}},
    )
    assert reply.choices[0].message.content
    extra: Any = reply.model_extra
    assert extra["signalbox"]["status"] == "preliminary"


@pytest.mark.row("C8")
def test_a_key_asks_for_no_tier_above_its_own(alice: Caller, running: Running) -> None:
    refused = alice.ask("hello", more={"tier": "premium"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "tier_not_granted")
    rich = new_caller(running, f"rich-{uuid.uuid4().hex[:8]}", tier="premium")
    assert told(rich.ask("hello"))["route"] == "premium-lane"
    assert told(rich.ask("hello", more={"tier": "standard"}))["route"] == "trivial"


# -- what a reply owes -----------------------------------------------------------------------------

MERCHANT = {
    "type": "object",
    "properties": {"merchant_id": {"type": "integer"}},
    "required": ["merchant_id"],
    "additionalProperties": False,
}


@pytest.mark.row("B6")
def test_a_broken_contract_is_caught_and_escalated(alice: Caller, simulator: Simulator) -> None:
    simulator.faults(kind="break_contract", times=1)
    reply = alice.send("POST", "/infer", {"text": "Which merchant is 7?", "response_schema": MERCHANT})
    assert told(reply)["resolution"] == "escalated", reply.text
    assert isinstance(reply.json()["json"]["merchant_id"], int)
    simulator.faults(kind="break_contract")
    refused = alice.send("POST", "/infer", {"text": "Which merchant is 8?", "response_schema": MERCHANT})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "contract_broken")
    assert "field_mismatch merchant_id expected=INT got=STRING" in refused.json()["error"]["message"]


@pytest.mark.row("C7")
@pytest.mark.row("A8")
def test_billing_questions_are_answered_with_sources(alice: Caller, simulator: Simulator) -> None:
    reply = ask(alice, "billing")
    assert "[doc:" in reply.json()["text"]
    assert told(reply)["route"] == "billing"
    simulator.faults(kind="wrong_citation", times=1)
    again = ask(alice, "billing", text="How do I dispute a charge?")
    assert told(again)["resolution"] == "escalated"
    simulator.faults(kind="uncited")
    refused = ask(alice, "billing", text="How long do refunds take?")
    assert refused.status_code == 422
    assert "citation_sources_count=0 expected>=1" in refused.json()["error"]["message"]


@pytest.mark.row("E6")
@pytest.mark.row("A8")
def test_500_bound_requests_under_faults(running: Running, simulator: Simulator) -> None:
    """None is final from outside the pin, none without valid citations, and no word of any leaves the pin."""
    caller = new_caller(running, f"bank-{uuid.uuid4().hex[:8]}")
    for kind in ("uncited", "wrong_citation", "refuse", "malformed", "truncate"):
        simulator.faults(kind=kind, probability=0.12)
    simulator.faults(kind="status", status=429, retry_after_s=0, probability=0.05)

    def one(number: int) -> httpx.Response:
        asked: dict[str, Any] = {
            "needs_compliance_check": True,
            "lane": "billing",
            "model": ("auto", "fast")[number % 2],
        }
        if number % 5 == 0:
            asked["conversation_id"] = f"talk-{number}"
        return caller.ask(f"canary-{number}: may I have the refund?", more=asked)

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(one, range(500)))
    codes = Counter(reply.status_code for reply in replies)
    assert codes[200] > 100, codes
    assert set(codes) <= {200, 422, 429, 502, 503, 504}, codes
    finals = [reply.json() for reply in replies if reply.status_code == 200]
    assert {body["signalbox"]["model"] for body in finals} == {PIN.id}
    assert all(cites_something_real(body["text"]) for body in finals)
    journal = simulator.journal()
    assert {one["model"] for one in journal if one["markers"]} == {PIN.provider_model}
    assert {one["model"] for one in journal} == {PIN.provider_model}


def cites_something_real(text: str) -> bool:
    return "[doc:" in text and "does-not-exist" not in text
