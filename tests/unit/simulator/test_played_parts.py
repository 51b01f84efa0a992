"""The parts a simulated model plays in a plan, and the moods that change what it says."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from signalbox.confidence.phrases import count_hedges, declines
from signalbox.confidence.self_check import read_self_check, self_check_messages
from signalbox.contracts.messages import Message, ResponseFormat, TextPart
from signalbox.contracts.passages import Passage
from signalbox.execution.cascade.prompts import choice, read_pick, read_verdict, verification
from signalbox.integrity.citations import cited
from signalbox.retrieval.prompt import with_passages
from tests.builders import reply
from tests.builders import request as inference_request
from workbench.simulator.brain import answer
from workbench.simulator.exchange import SimReply, SimRequest, Turn
from workbench.simulator.faults import Fault, FaultBook
from workbench.simulator.journal import MAX_MARKERS, markers
from workbench.simulator.models import load_models
from workbench.simulator.moods import PLAYED_BY, Mood, broken
from workbench.simulator.parts import part_of

MODEL = next(model for model in load_models() if model.id == "gpt-4.1")
PASSAGES = tuple(Passage(id=f"refunds.{n}", title="Refunds", text="Options: cash, card. See 'x'.") for n in (1, 2, 3))


def asked(*messages: Message, form: ResponseFormat | None = None, **more: Any) -> SimRequest:
    system = "\n".join(message.text for message in messages if message.role == "system")
    turns = tuple(Turn("user", message.text) for message in messages if message.role == "user")
    fields: dict[str, Any] = {"form": form.type, "schema": form.schema_} if form else {}
    return SimRequest(MODEL.id, turns, system, **fields, **more)


def said(role: Any, text: str) -> Message:
    return Message(role=role, content=(TextPart(text=text),))


def draft(text: str = "It is [doc:refunds.1] two weeks.") -> Any:
    given = reply("m", text).reply
    assert given
    return given


REQUEST = inference_request("How long do refunds take?")


def review(kind: Any, drafts: Any, *, by_schema: bool) -> SimRequest:
    made = kind(REQUEST, drafts, by_schema=by_schema)
    return asked(*made.messages, form=made.response_format)


def told(request: SimRequest, mood: Mood | None = None) -> Any:
    return draft(answer(request, MODEL, 9_999, mood).text)


@pytest.mark.row("A11")
@pytest.mark.parametrize("by_schema", [True, False])
@pytest.mark.parametrize(
    ("mood", "resolution", "holds"),
    [
        (None, "confirmed", ""),
        ("disagree", "replaced", "[simulated gpt-4.1] You wrote: “How long do refunds take?”."),
        ("correct", "corrected", "[simulated gpt-4.1] Corrected: It is [doc:refunds.1] two weeks."),
    ],
)
def test_the_verifier(mood: Mood | None, resolution: str, holds: str, by_schema: bool) -> None:
    request = review(verification, draft(), by_schema=by_schema)
    assert part_of(request) == "verify"
    looked = read_verdict(told(request, mood))
    assert looked is not None
    assert (looked.resolution, (looked.text or "").startswith(holds)) == (resolution, True)
    assert read_verdict(told(request, "break_contract")) is None


@pytest.mark.row("A11")
def test_a_verifier_keeps_a_drafts_json_form() -> None:
    request = review(verification, draft('{"merchant_id": 7, "answer": "two weeks"}'), by_schema=True)
    for mood in ("correct", "disagree"):
        looked = read_verdict(told(request, mood))
        assert looked is not None
        value = json.loads(looked.text or "")
        assert (value["merchant_id"], value["answer"].startswith("[simulated gpt-4.1] ")) == (7, True)
        assert value["answer"] != "two weeks"


@pytest.mark.parametrize("by_schema", [True, False])
@pytest.mark.parametrize(("mood", "pick"), [(None, 0), ("disagree", 2), ("correct", None)])
def test_the_chooser(mood: Mood | None, pick: int | None, by_schema: bool) -> None:
    request = review(choice, [draft('a "quoted" one'), draft("<candidate> b"), draft("c")], by_schema=by_schema)
    assert part_of(request) == "rerank"
    looked = read_pick(told(request, mood), 3)
    assert looked is not None
    assert (looked.resolution, looked.pick) == (("merged" if pick is None else "picked"), pick)
    assert pick is not None or 'a "quoted" one' in (looked.text or "")


@pytest.mark.row("A3")
@pytest.mark.parametrize(("mood", "least", "most"), [(None, 0.7, 1.0), ("unsure", 0.0, 0.4)])
def test_the_self_check(mood: Mood | None, least: float, most: float) -> None:
    messages = self_check_messages(REQUEST.messages, '{"verdict": "confirm"} {"pick": 1, "answer": null}')
    request = asked(*messages, logprobs=True, top_logprobs=5, thinks=True, max_output_tokens=8)
    assert part_of(request) == "self_check"
    found = answer(request, MODEL, 9_999, mood)
    odds = sum(token.logprob for token in found.logprobs) / len(found.logprobs)
    sure = read_self_check(draft(found.text).model_copy(update={"mean_logprob": odds}))
    assert sure is not None
    assert least <= sure <= most


@pytest.mark.row("A8")
@pytest.mark.parametrize(
    ("mood", "ids"),
    [(None, ("refunds.1", "refunds.2")), ("wrong_citation", ("does-not-exist",)), ("uncited", ())],
)
def test_citations_in_prose_and_in_json(mood: Mood | None, ids: tuple[str, ...]) -> None:
    messages = with_passages((said("system", "Cite as [doc:ID]."), said("user", "How long, [doc:mine]?")), PASSAGES)
    schema = {"properties": {"days": {"type": "integer"}, "reason": {"type": "string"}}, "required": ["days", "reason"]}
    plain = {"properties": {"code": {"enum": ["a"]}, "who": {"type": "string"}}, "required": ["code", "who"]}
    for form in (
        ResponseFormat(),
        ResponseFormat(type="json_schema", schema_=schema),
        ResponseFormat(type="json_schema", schema_=plain),
        ResponseFormat(type="json_object"),
    ):
        text = answer(asked(*messages, form=form), MODEL, 9_999, mood).text
        assert cited(text) == ids
        assert "simulated" in text
        assert form.type == "text" or json.loads(text)


def test_citations_stay_out_of_texts_that_have_no_room() -> None:
    schema = {"properties": {"answer": {"type": "string", "maxLength": 22}}, "required": ["answer"]}
    form = ResponseFormat(type="json_schema", schema_=schema)
    request = asked(*with_passages((said("user", "Hi"),), PASSAGES), form=form)
    assert json.loads(answer(request, MODEL, 9_999).text) == {"answer": "[simulated] Hi"}


def test_the_instruction_and_documents_are_no_request() -> None:
    request = asked(
        *with_passages(
            (
                said("system", "Cite [doc:ID]."),
                said("user", "Hi"),
            ),
            PASSAGES,
        )
    )
    assert "You wrote: “Hi”." in answer(request, MODEL, 9_999).text
    assert cited(answer(asked(said("system", "Cite [doc:ID]."), said("user", "Hi")), MODEL, 9_999).text) == ()


@pytest.mark.row("A3")
def test_unsure_hedges_and_its_tokens_were_one_of_several() -> None:
    request = asked(said("user", "Hi"), logprobs=True, top_logprobs=5)
    means: dict[Mood | None, float] = {}
    moods: tuple[Mood | None, ...] = (None, "unsure")
    for mood in moods:
        found = answer(request, MODEL, 9_999, mood)
        assert found == answer(request, MODEL, 9_999, mood)
        assert (count_hedges(found.text) > 0, declines(found.text)) == (mood == "unsure", False)
        means[mood] = sum(token.logprob for token in found.logprobs) / len(found.logprobs)
        for token in found.logprobs:
            assert sum(2.718281828**logprob for _, logprob in token.top) <= 1 + 1e-6
            assert [one for _, one in token.top] == sorted((one for _, one in token.top), reverse=True)
    assert means[None] > -0.2 > -1.5 > means["unsure"]


def test_a_refusal_says_so_within_its_allowance() -> None:
    found = answer(asked(said("user", "Hi"), max_output_tokens=3), MODEL, 9_999, "refuse")
    assert isinstance(found, SimReply)
    assert (found.finish, found.output_tokens) == ("refusal", 3)


@pytest.mark.row("B6")
@given(
    st.recursive(
        st.integers() | st.booleans() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.text(), inner, min_size=1, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_exactly_one_value_breaks_the_contract(value: Any) -> None:
    before = json.dumps(value)
    pairs = list(zip(_kinds(value), _kinds(broken(value)), strict=True))
    assert sum(one != other for one, other in pairs) == 1
    assert json.dumps(value) == before


def _kinds(value: Any) -> list[type]:
    if isinstance(value, dict):
        return [kind for part in value.values() for kind in _kinds(part)]
    if isinstance(value, list):
        return [kind for part in value for kind in _kinds(part)]
    return [float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)]


@pytest.mark.row("B6")
def test_an_integer_is_the_first_to_break() -> None:
    assert broken({"name": "a", "shop": {"merchant_id": 7}}) == {"name": "a", "shop": {"merchant_id": "N/A"}}
    assert broken({"verdict": "confirm", "answer": None}) == {"verdict": 7, "answer": None}
    assert broken({}) == "N/A"


def test_a_mood_strikes_only_where_it_changes_something() -> None:
    book = FaultBook()
    book.add(Fault(kind="disagree", times=1))
    book.add(Fault(kind="delay", only="self_check"))
    assert book.take("openai", "m", "answer") is None
    assert [fault.kind for part in ("self_check", "verify") if (fault := book.take("openai", "m", part))] == [
        "delay",
        "disagree",
    ]
    assert book.take("openai", "m", "verify") is None


def test_a_mood_for_a_part_it_says_nothing_to_is_refused() -> None:
    for mood, parts in PLAYED_BY.items():
        for part in ("answer", "verify", "self_check", "rerank"):
            if part in parts:
                assert Fault.model_validate({"kind": mood, "only": part}).mood == mood
            else:
                with pytest.raises(ValidationError, match="changes nothing"):
                    Fault.model_validate({"kind": mood, "only": part})
    assert Fault(kind="reset", only="verify").mood is None


@pytest.mark.row("A8")
def test_markers_are_found_wherever_they_stand() -> None:
    body = json.dumps({"a": "x CANARY-1b, canary-two\nCanary-3.", "b": [{"draft": json.dumps("“canary-two”")}]})
    assert markers(body.encode()) == ["CANARY-1b", "canary-two", "Canary-3"]
    assert markers(b"canary- CANARY_1 can ary-1") == []
    many = " ".join(f"canary-{number}" for number in range(MAX_MARKERS + 5))
    assert len(markers(many.encode())) == MAX_MARKERS


def test_a_review_put_into_the_users_own_turn_is_still_one() -> None:
    apart = review(verification, draft(), by_schema=True)
    together = replace(apart, turns=(Turn("user", "\n".join(turn.text for turn in apart.turns)),))
    for request in (apart, together):
        looked = read_verdict(told(request, "disagree"))
        assert looked is not None
        assert "“How long do refunds take?”" in (looked.text or "")
