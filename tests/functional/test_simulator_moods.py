"""Moods and parts over real HTTP, as each provider's adapter brings them home."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.anthropic.dialect import Anthropic
from adapters.bedrock.provider import BedrockProvider
from adapters.gemini.dialect import Gemini
from adapters.openai.dialect import OpenAI
from signalbox.adapters.clock import SystemClock
from signalbox.adapters.http import HttpProvider
from signalbox.adapters.provider import Provider
from signalbox.adapters.run import run
from signalbox.confidence.phrases import count_hedges
from signalbox.confidence.self_check import read_self_check, self_check_messages
from signalbox.contracts.adapters import AdapterReply, AdapterResult
from signalbox.contracts.messages import Message, ResponseFormat
from signalbox.contracts.passages import Passage
from signalbox.execution.cascade.prompts import choice, read_pick, read_verdict, verification
from signalbox.integrity.citations import cited
from signalbox.retrieval.prompt import with_passages
from signalbox.transport.sigv4 import Keys
from tests.builders import reply as a_result
from tests.builders import request as inference_request
from tests.functional.adapting import FixedKey, a_request, said
from workbench.simulator.testing import Running, running

PASSAGES = (
    Passage(id="refunds", title="Refunds", text="Two weeks."),
    Passage(id="cards", title="Cards", text="A card takes longer."),
)
MERCHANT = {
    "type": "object",
    "properties": {"merchant_id": {"type": "integer"}, "reason": {"type": "string"}},
    "required": ["merchant_id", "reason"],
    "additionalProperties": False,
}
CONVERSATION = inference_request("How long do refunds take?")


@dataclass(frozen=True)
class Wire:
    """One provider's model, asked through its real adapter. ``by_schema`` as the policy's roster has it."""

    provider: str
    model: str
    adapter: Callable[[str], Provider]
    logprobs: bool = False

    def call(self, sim: Running, **asked: Any) -> AdapterResult:
        asked |= {"reasoning_effort": "none"} if self.provider == "openai" else {}
        request = a_request(provider_model=self.model, max_output_tokens=2_000, logprobs=True, **asked)
        priced = lambda _name, _model, usage: usage.output_tokens  # noqa: E731
        return run(self.adapter(sim.url), request, SystemClock(), priced, lambda: 0.0)

    def reply(self, sim: Running, **asked: Any) -> AdapterReply:
        result = self.call(sim, **asked)
        assert result.reply is not None, result.failure
        assert result.reply.simulated
        return result.reply


WIRES = [
    Wire("openai", "gpt-6-luna", lambda url: HttpProvider(OpenAI(f"{url}/v1"), FixedKey("k")), logprobs=True),
    Wire("anthropic", "claude-haiku-5-5", lambda url: HttpProvider(Anthropic(url), FixedKey("k"))),
    Wire("gemini", "gemini-3.5-flash-lite", lambda url: HttpProvider(Gemini(url), FixedKey("k"))),
    Wire(
        "bedrock",
        "global.amazon.nova-2-lite-v1:0",
        lambda url: BedrockProvider("us-east-1", url, lambda: Keys("AKIDEXAMPLE", "secret")),
    ),
]


@pytest.fixture(scope="module")
def up() -> Iterator[Running]:
    with running() as simulator:
        yield simulator


@pytest.fixture
def sim(up: Running) -> Running:
    up.clear_faults()
    up.clear_journal()
    return up


@pytest.fixture(params=WIRES, ids=lambda wire: wire.provider)
def wire(request: pytest.FixtureRequest) -> Wire:
    found: Wire = request.param
    return found


def struck(sim: Running) -> list[tuple[Any, Any, Any]]:
    return [(one["part"], one["fault"], one["status"]) for one in sim.journal()]


def grounded() -> tuple[Message, ...]:
    return with_passages((said("system", "Cite as [doc:ID]."), *CONVERSATION.messages), PASSAGES)


def drafts(*texts: str) -> list[AdapterReply]:
    found = [a_result("m", text).reply for text in texts]
    return [one for one in found if one]


@pytest.mark.row("A11")
@pytest.mark.parametrize("by_schema", [True, False])
@pytest.mark.parametrize(
    ("mood", "resolution"), [(None, "confirmed"), ("correct", "corrected"), ("disagree", "replaced")]
)
def test_the_verifier(sim: Running, wire: Wire, mood: str | None, resolution: str, by_schema: bool) -> None:
    if mood:
        sim.faults(kind=mood, provider=wire.provider, only="verify")
    asked = verification(CONVERSATION, drafts("Two weeks [doc:refunds].")[0], by_schema=by_schema)
    told = wire.reply(sim, messages=asked.messages, response_format=asked.response_format)
    looked = read_verdict(told)
    assert looked is not None, told.text
    assert looked.resolution == resolution
    assert (looked.text or "[simulated").startswith("[simulated")
    assert struck(sim) == [("verify", mood, 200)]


@pytest.mark.row("A11")
@pytest.mark.parametrize("by_schema", [True, False])
@pytest.mark.parametrize(("mood", "pick"), [(None, 0), ("disagree", 2), ("correct", None)])
def test_the_chooser(sim: Running, wire: Wire, mood: str | None, pick: int | None, by_schema: bool) -> None:
    if mood:
        sim.faults(kind=mood)
    asked = choice(CONVERSATION, drafts("a", "b", "c"), by_schema=by_schema)
    told = wire.reply(sim, messages=asked.messages, response_format=asked.response_format)
    looked = read_pick(told, 3)
    assert looked is not None, told.text
    assert looked.pick == pick
    assert struck(sim) == [("rerank", mood, 200)]


@pytest.mark.row("A3")
@pytest.mark.parametrize("mood", [None, "unsure"])
def test_the_self_check(sim: Running, wire: Wire, mood: str | None) -> None:
    if mood:
        sim.faults(kind=mood)
    told = wire.reply(sim, messages=self_check_messages(CONVERSATION.messages, "Two weeks."))
    sure = read_self_check(told)
    assert sure is not None
    assert (sure > 0.7) == (mood is None)
    assert (told.mean_logprob is not None) == wire.logprobs
    assert struck(sim) == [("self_check", mood, 200)]


@pytest.mark.row("A3")
def test_an_unsure_model_and_a_sure_verifier_of_one_provider(sim: Running, wire: Wire) -> None:
    sim.faults(kind="unsure", only="answer")
    unsure = wire.reply(sim, messages=CONVERSATION.messages)
    verdict = verification(CONVERSATION, unsure, by_schema=False)
    looked = read_verdict(wire.reply(sim, messages=verdict.messages))
    sim.clear_faults()
    sure = wire.reply(sim, messages=CONVERSATION.messages)
    assert looked is not None
    assert looked.resolution == "confirmed"
    assert (count_hedges(unsure.text) > 0, count_hedges(sure.text)) == (True, 0)
    for figure in ("mean_logprob", "min_logprob", "mean_entropy"):
        assert (getattr(sure, figure) is not None) == wire.logprobs
    if wire.logprobs:
        assert (sure.mean_logprob or -9) > -0.2 > -1.5 > (unsure.mean_logprob or 0)
        assert (sure.mean_entropy or 9) < 0.5 < 1.5 < (unsure.mean_entropy or 0)
    assert struck(sim) == [("answer", "unsure", 200), ("verify", None, 200), ("answer", None, 200)]


@pytest.mark.row("A8")
@pytest.mark.parametrize("form", [ResponseFormat(), ResponseFormat(type="json_schema", name="m", schema_=MERCHANT)])
@pytest.mark.parametrize(
    ("mood", "ids"), [(None, ("refunds", "cards")), ("uncited", ()), ("wrong_citation", ("does-not-exist",))]
)
def test_citations(sim: Running, wire: Wire, mood: str | None, ids: tuple[str, ...], form: ResponseFormat) -> None:
    if mood:
        sim.faults(kind=mood)
    told = wire.reply(sim, messages=grounded(), response_format=form)
    assert cited(told.text) == ids
    assert form.type == "text" or isinstance(json.loads(told.text)["merchant_id"], int)
    assert struck(sim) == [("answer", mood, 200)]


@pytest.mark.row("B6")
def test_a_broken_contract(sim: Running, wire: Wire) -> None:
    sim.faults(kind="break_contract", times=1)
    form = ResponseFormat(type="json_schema", name="m", schema_=MERCHANT)
    told = [wire.reply(sim, messages=CONVERSATION.messages, response_format=form) for _ in range(2)]
    assert json.loads(told[0].text)["merchant_id"] == "N/A"
    assert isinstance(json.loads(told[1].text)["merchant_id"], int)


@pytest.mark.row("B7")
@pytest.mark.parametrize("form", [ResponseFormat(), ResponseFormat(type="json_schema", name="m", schema_=MERCHANT)])
def test_a_refusal_in_the_providers_own_way(sim: Running, wire: Wire, form: ResponseFormat) -> None:
    sim.faults(kind="refuse")
    told = wire.call(sim, messages=CONVERSATION.messages, response_format=form)
    if wire.provider == "gemini":  # which says no more than why it stopped
        assert told.failure is not None
        assert (told.failure.name, "SAFETY" in told.failure.message) == ("ContentRefused", True)
    else:
        assert told.reply is not None
        assert (told.reply.finish_reason, told.reply.text) == ("content_filter", "")
        assert "declined" in (told.reply.refusal or "")
    assert struck(sim) == [("answer", "refuse", 200)]


@pytest.mark.row("A11")
def test_transport_faults_strike_a_part_alone_too(sim: Running, wire: Wire) -> None:
    sim.faults(kind="overflow", only="verify")
    wire.reply(sim, messages=CONVERSATION.messages)
    asked = verification(CONVERSATION, drafts("x")[0], by_schema=False)
    told = wire.call(sim, messages=asked.messages)
    assert told.failure is not None
    assert told.failure.name == "ContextOverflow"
    assert struck(sim) == [("answer", None, 200), ("verify", "overflow", 400)]


@pytest.mark.row("A8")
def test_the_journal_names_the_markers_that_reached_a_model(sim: Running, wire: Wire) -> None:
    text = "My account is CANARY-4711-b, mine alone."
    fast = wire.reply(sim, messages=(said("user", text),))
    asked = verification(inference_request("And mine?"), fast, by_schema=True)
    wire.reply(sim, messages=asked.messages, response_format=asked.response_format)
    wire.reply(sim, messages=CONVERSATION.messages)
    sim.faults(kind="status", status=500, times=1)
    wire.call(sim, messages=(said("system", "canary-one"), said("user", f"canary-two {text}")))
    entries = sim.journal()
    assert [one["markers"] for one in entries[:3]] == [["CANARY-4711-b"], ["CANARY-4711-b"], []]
    assert set(entries[3]["markers"]) == {"canary-one", "canary-two", "CANARY-4711-b"}
    assert entries[3]["status"] == 500
    assert "account" not in json.dumps(entries)
    assert all(one["cost_microusd"] > 0 for one in entries[:3])
    assert entries[3]["cost_microusd"] == 0
