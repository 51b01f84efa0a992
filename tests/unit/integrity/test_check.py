"""What a reply owes and does not give is named, field by field and source by source."""

import json
from typing import Any

import pytest

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.decisions import Terms
from signalbox.contracts.messages import ResponseFormat, ToolCall
from signalbox.contracts.passages import Passage
from signalbox.integrity.check import MOST_VIOLATIONS, check
from signalbox.integrity.demands import Demands, demands_of
from tests import builders

PAYMENT = {
    "type": "object",
    "properties": {
        "merchant_id": {"type": "integer"},
        "items": {"type": "array", "items": {"type": "object", "properties": {"amount": {"type": "number"}}}},
        "currency": {"enum": ["EUR", "USD"]},
        "country": {"type": "string", "pattern": "^[A-Z]{2}$"},
        "note": {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}]},
        "count": {"type": "integer", "minimum": 1},
    },
    "required": ["merchant_id"],
    "additionalProperties": False,
}
CITED = Demands(citations=1, documents=frozenset(["terms-2026.4", "fees"]), grounded=True)


def replied(text: str, **fields: Any) -> AdapterReply:
    reply = builders.reply("small", text).reply
    assert reply is not None
    return reply.model_copy(update=fields)


def messages(text: str, demands: Demands, **fields: Any) -> list[str]:
    return [one.message for one in check(replied(text, **fields), demands)]


def of_payment(**fields: Any) -> list[str]:
    return messages(json.dumps({"merchant_id": 1} | fields), Demands(contract=PAYMENT))


@pytest.mark.row("B6")
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"merchant_id": "N/A"}, 'field_mismatch merchant_id expected=INT got=STRING value="N/A"'),
        ({"merchant_id": 1.5}, "field_mismatch merchant_id expected=INT got=NUMBER value=1.5"),
        ({"merchant_id": True}, "field_mismatch merchant_id expected=INT got=BOOL value=true"),
        ({"merchant_id": None}, "field_mismatch merchant_id expected=INT got=NULL value=null"),
        ({"items": {}}, "field_mismatch items expected=ARRAY got=OBJECT value={}"),
        ({"items": [{"amount": "9"}]}, 'field_mismatch items.0.amount expected=NUMBER got=STRING value="9"'),
        ({"currency": "GBP"}, 'field_mismatch currency expected=one of "EUR", "USD" got=STRING value="GBP"'),
        ({"country": "de"}, 'field_mismatch country expected=pattern ^[A-Z]{2}$ got=STRING value="de"'),
        ({"note": 7}, "field_mismatch note expected=STRING|NULL got=INT value=7"),
        ({"note": "too long"}, 'field_mismatch note expected=<= 5 characters|NULL got=STRING value="too long"'),
        ({"count": 0}, "field_mismatch count expected=>= 1 got=INT value=0"),
        ({"a b": 1}, 'field_mismatch "a b" expected=absent got=INT value=1'),
    ],
)
def test_a_broken_field_is_named_as_the_write_up_names_it(fields: dict[str, Any], message: str) -> None:
    assert of_payment(**fields) == [message]


def test_an_integer_may_be_written_as_a_whole_number() -> None:
    assert messages('{"merchant_id": 1.0}', Demands(contract=PAYMENT)) == []
    assert messages('{"merchant_id": 1e2}', Demands(contract=PAYMENT)) == []
    assert messages(f'{{"merchant_id": {10**40}}}', Demands(contract=PAYMENT)) == []


def test_a_missing_field_is_named_by_its_own_path() -> None:
    (violation,) = check(replied("{}"), Demands(contract=PAYMENT))
    assert violation.message == "field_mismatch merchant_id expected=required got=MISSING"
    assert violation.path == "merchant_id"


def test_the_whole_value_is_named_with_a_dollar() -> None:
    assert messages("[]", Demands(contract=PAYMENT)) == ["field_mismatch $ expected=OBJECT got=ARRAY value=[]"]


def test_of_alternatives_the_one_that_gets_furthest_says_what_is_wrong() -> None:
    def kind(name: str, **fields: Any) -> dict[str, Any]:
        properties = {"kind": {"const": name}, **fields}
        return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}

    schema = {"oneOf": [kind("card", number={"type": "string"}, holder={}), kind("bank", iban={"type": "string"})]}
    found = messages('{"kind": "bank", "iban": 5}', Demands(schema=schema))
    assert found == ["field_mismatch iban expected=STRING got=INT value=5"]


def test_what_is_shown_is_bounded() -> None:
    long = "n" * 500
    schema = {"additionalProperties": {"additionalProperties": {"additionalProperties": {"pattern": f"^{long}$"}}}}
    value = {f"{long}{index}": {"m" * 70: {"k" * 70: "e" * 5_000}} for index in range(50)}
    found = messages(json.dumps(value), Demands(schema=schema))
    assert 0 < len(found) <= MOST_VIOLATIONS
    for message in found:
        path, _, rest = message.removeprefix("field_mismatch ").partition(" expected=")
        expected, _, shown = rest.partition(" got=STRING value=")
        assert (len(path), len(expected), len(shown)) == (121, 80, 80)


def test_halves_of_surrogate_pairs_can_be_sent_on() -> None:
    schema = {"additionalProperties": {"const": "\ud800"}}
    (message,) = messages('{"\\ud800": "\\udfff"}', Demands(schema=schema))
    assert message.encode()
    (message,) = messages("[doc:\ud800]", Demands(grounded=True))
    assert message.encode()


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("Certainly!", "TEXT"),
        ("", "NOTHING"),
        ('```json\n{"merchant_id": 1}\n```', "CODE_FENCE"),
        ('{"merchant_id": 1} I hope this helps.', "TEXT"),
        ('{"merchant_id": NaN}', "NAN"),
        ('{"merchant_id": -Infinity}', "INFINITY"),
        ('{"merchant_id": 1e999}', "NUMBER_TOO_LARGE"),
        ('{"merchant_id": 1, "merchant_id": 2}', "DUPLICATE_KEY"),
        ("[" * 65 + "]" * 65, "TOO_DEEP"),
        ("[" * 200_000, "TOO_DEEP"),
        ('{"merchant_id": ' + "9" * 5_000 + "}", "TEXT"),
    ],
)
def test_what_is_no_json_is_no_json(text: str, got: str) -> None:
    (violation,) = check(replied(text), Demands(contract=PAYMENT))
    assert violation.kind == "not_json"
    assert violation.message.startswith(f"not_json $ expected=JSON got={got} value=")


def test_lists_within_the_bound_are_json() -> None:
    assert messages("[" * 64 + "]" * 64, Demands(schema={})) == []


def test_a_reply_that_was_cut_off_says_so() -> None:
    (message,) = messages('{"merchant_id":', Demands(contract=PAYMENT), finish_reason="length")
    assert message.startswith("not_json $ expected=JSON got=CUT_OFF")


def test_route_and_request_both_bind() -> None:
    demands = Demands(contract={"required": ["a"]}, schema={"required": ["b"]})
    assert [one.path for one in check(replied("{}"), demands)] == ["a", "b"]
    assert messages('{"a": 1, "b": 2}', demands) == []


def test_json_object_means_an_object() -> None:
    demands = demands_of(Terms(), ResponseFormat(type="json_object"), ())
    assert messages('{"any": 1}', demands) == []
    assert messages("[]", demands) == ["field_mismatch $ expected=OBJECT got=ARRAY value=[]"]


def test_demands_come_from_the_route_the_request_and_the_passages() -> None:
    asked = ResponseFormat(type="json_schema", name="x", schema_={"type": "array"})
    passages = [Passage(id="fees", title="Fees", text="None.")]
    demands = demands_of(Terms(contract=PAYMENT, citations=2, collection="billing"), asked, passages)
    assert demands == Demands(PAYMENT, {"type": "array"}, 2, frozenset(["fees"]), grounded=True)
    assert demands_of(Terms(contract=PAYMENT), ResponseFormat(type="json_schema", schema_=PAYMENT), ()).schema is None
    assert not demands_of(Terms(), ResponseFormat(), ()).any


@pytest.mark.row("A8")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is free.", ["citation_sources_count=0 expected>=1"]),
        ("It is free [doc:fees].", []),
        ("It is free [doc:gone].", ["citation_sources_count=0 expected>=1", "MissingReference gone"]),
        ("It is free [doc:fees], really [doc:gone].", ["MissingReference gone"]),
        ("It is free [doc:made up].", ["citation_sources_count=0 expected>=1", 'MissingReference "made up"']),
    ],
)
def test_sources_are_owed_and_must_exist(text: str, expected: list[str]) -> None:
    assert messages(text, CITED) == expected


@pytest.mark.row("A8")
def test_one_source_twice_is_one_source() -> None:
    demands = Demands(citations=2, documents=frozenset(["fees", "terms"]), grounded=True)
    assert messages("[doc:fees] [doc:fees]", demands) == ["citation_sources_count=1 expected>=2"]
    assert messages("[doc:fees, doc:terms]", demands) == []


def test_a_source_is_no_source_where_no_document_was_found() -> None:
    demands = demands_of(Terms(collection="billing"), ResponseFormat(), ())
    assert messages("Free [doc:fees].", demands) == ["MissingReference fees"]
    assert messages("I do not know.", demands) == []


def test_brackets_are_only_text_where_nobody_gave_documents() -> None:
    assert messages("Write [doc:ID] to cite.", demands_of(Terms(), ResponseFormat(), ())) == []


@pytest.mark.row("A8")
def test_in_json_sources_stand_in_strings() -> None:
    demands = Demands(schema={"type": "object"}, citations=1, documents=frozenset(["fees"]), grounded=True)
    assert messages('{"answer": ["Free \\u005bdoc:fees]"]}', demands) == []
    assert messages('{"a": "[doc:fe", "b": "es]"}', demands) == ["citation_sources_count=0 expected>=1"]
    assert messages('{"[doc:fees]": 1}', demands) == ["citation_sources_count=0 expected>=1"]


@pytest.mark.row("A8")
def test_broken_fields_do_not_hide_broken_sources() -> None:
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    text = json.dumps({f"f{index}": f"[doc:no{index}]" for index in range(20)})
    found = check(replied(text), Demands(contract=schema, citations=1, grounded=True))
    kinds = [one.kind for one in found]
    assert kinds == ["field_mismatch"] * 5 + ["citations"] + ["missing_reference"] * 2


@pytest.mark.row("A8")
def test_two_broken_schemas_do_not_hide_broken_sources() -> None:
    contract, schema = ({"required": [f"{name}{index}" for index in range(9)]} for name in "ab")
    kinds = [one.kind for one in check(replied("{}"), Demands(contract, schema, 1, grounded=True))]
    assert kinds == ["field_mismatch"] * 5 + ["citations"]


def test_a_call_of_tools_owes_nothing_yet() -> None:
    call = ToolCall(id="1", name="look_up", arguments="{}")
    assert messages("", Demands(contract=PAYMENT, citations=1), tool_calls=(call,), finish_reason="tool_calls") == []


@pytest.mark.row("A8")
def test_a_refusal_owes_what_every_final_reply_owes() -> None:
    demands = Demands(contract=PAYMENT, citations=1, documents=frozenset(["fees"]), grounded=True)
    for fields in ({"refusal": "I cannot."}, {"finish_reason": "content_filter"}):
        found = messages("", demands, **fields)
        assert found == [
            'not_json $ expected=JSON got=REFUSAL value=""',
            "citation_sources_count=0 expected>=1",
        ]


def test_a_schema_that_cannot_be_used_is_the_callers_fault_and_not_the_models() -> None:
    unusable = {"not": {"$ref": "https://example.com/schema"}}
    assert messages("{}", Demands(schema=unusable)) == []
    assert messages("no json", Demands(schema=unusable)) != []


@pytest.mark.row("A8")
def test_what_cannot_be_shown_to_meet_the_routes_contract_does_not() -> None:
    (message,) = messages("{}", Demands(contract={"not": {"$ref": "https://example.com/schema"}}))
    assert message.startswith("field_mismatch $ expected=a reply that the contract can be checked by")
