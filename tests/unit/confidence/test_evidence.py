"""What a reply shows is gathered, and nothing that nobody looked at."""

import pytest

from signalbox.confidence.evidence import gather
from signalbox.confidence.phrases import HEDGES, REFUSALS, count_hedges, declines
from signalbox.contracts.messages import ToolCall
from tests.unit.confidence.builders import CALL, reply


def test_everything_that_is_there_is_taken() -> None:
    given = reply("I think it is so.", mean_logprob=-0.2, min_logprob=-3.0, mean_entropy=0.4, finish_reason="length")
    found = gather(given, 0.9, schema_valid=True, citations_valid=False, self_check=0.7, samples=[given])
    assert (found.prior, found.mean_logprob, found.min_logprob, found.mean_entropy) == (0.9, -0.2, -3.0, 0.4)
    assert (found.finish_reason, found.hedges, found.output_tokens) == ("length", 1, 2)
    assert (found.schema_valid, found.citations_valid, found.self_check, found.agreement) == (True, False, 0.7, 1.0)
    assert not found.refused


def test_what_nobody_looked_at_is_none() -> None:
    found = gather(reply(), 0.5)
    names = (
        "mean_logprob",
        "min_logprob",
        "mean_entropy",
        "schema_valid",
        "citations_valid",
        "agreement",
        "self_check",
    )
    assert {getattr(found, name) for name in names} == {None}


@pytest.mark.parametrize(
    "text",
    [
        "I can't help with that.",
        "I\u2019m sorry, but I cannot share this.",  # a typographic apostrophe
        "Unfortunately,\nI  AM UNABLE   to open links.",
        "",
        " \n",
    ],
)
def test_a_refusal_is_seen(text: str) -> None:
    assert gather(reply(text), 0.5).refused


@pytest.mark.parametrize("phrase", REFUSALS)
def test_each_refusal_of_the_list_is_found(phrase: str) -> None:
    assert declines(f"Well, {phrase.upper()} this.")


@pytest.mark.parametrize(
    "text",
    ["The refund takes five days.", "42", "\U0001f44d", "hi can't", "word " * 60 + "he said: I cannot help you"],
)
def test_an_answer_is_no_refusal(text: str) -> None:
    assert not gather(reply(text), 0.5).refused


def test_the_providers_own_word_is_a_refusal() -> None:
    assert gather(reply(refusal="no"), 0.5).refused
    assert gather(reply(finish_reason="content_filter"), 0.5).refused


def test_a_call_of_tools_says_nothing_and_answers() -> None:
    assert not gather(reply("", tool_calls=(CALL,), finish_reason="tool_calls"), 0.5).refused


def test_hedges_are_counted_each_time_and_as_whole_words() -> None:
    assert count_hedges("I think, I THINK it's 5. Perhaps.") == 3
    assert count_hedges("hi thinker, i thinks, perhapses") == 0
    assert all(count_hedges(f"so {phrase} then") >= 1 for phrase in HEDGES)


def test_a_long_reply_full_of_near_misses_has_none() -> None:
    hostile = "i can't hel i thin " * 100_000
    assert count_hedges(hostile) == 0
    assert not declines(hostile)


@pytest.mark.parametrize(
    ("one", "other", "agrees"),
    [
        ("refund", "  Refund. ", 1.0),
        ("refund", "billing", 0.0),
        ("a < b", "a > b", 0.0),
        ('{"a": 1, "b": [2]}', '{"b":[2],"a":1}', 1.0),
        ('```json\n{"a": 1}\n```', '{"a":1}', 1.0),
        ('{"a": 1}', '{"a": 2}', 0.0),
        ('{"a": 1}', "it is one", 0.0),
        ("The parcel arrives on the third of May.", "The parcel arrives on the third of May.", 1.0),
        ("The total of the order is 1,000 euros.", "The total of the order is 1000 euros.", 14 / 17),
        ("The total of the order is 10 euros.", "The total of the order is 20 euros.", 0.0),
        ("I cannot help with that.", "I cannot help with that.", 0.0),
    ],
)
def test_agreement(one: str, other: str, agrees: float) -> None:
    assert gather(reply(one), 0.5, samples=[reply(other)]).agreement == pytest.approx(agrees)


def test_prose_agrees_as_far_as_its_words_do() -> None:
    one, other = reply("we refund within five days of arrival"), reply("we refund within two weeks of arrival")
    assert gather(one, 0.5, samples=[other]).agreement == pytest.approx(10 / 14)
    assert gather(one, 0.5, samples=[one, other]).agreement == pytest.approx((1 + 10 / 14) / 2)


def test_calls_of_tools_agree_by_name_and_arguments() -> None:
    one = reply("", tool_calls=(CALL,))
    same = reply("so", tool_calls=(ToolCall(id="other", name="refund", arguments='{"order":7}'),))
    other = reply("", tool_calls=(ToolCall(id="c1", name="refund", arguments='{"order": 8}'),))
    assert gather(one, 0.5, samples=[same]).agreement == 1
    assert gather(one, 0.5, samples=[other]).agreement == 0
    assert gather(one, 0.5, samples=[reply()]).agreement == 0


def test_json_that_nests_too_deep_is_text() -> None:
    deep = reply("[" * 100_000)
    assert gather(deep, 0.5, samples=[deep]).agreement == 1
