"""What a stronger model is asked, and what its answers mean."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.plans import Violation
from signalbox.decision.bounds import VERIFY_BYTES
from signalbox.execution.cascade.prompts import choice, read_pick, read_verdict, verification, with_violations
from signalbox.integrity.told import TOLD_BYTES
from tests.builders import reply, request


def draft(text: str) -> AdapterReply:
    found = reply("small", text).reply
    assert found is not None
    return found


def added(asked: str, *drafts: str) -> int:
    """Bytes beside the drafts, which stand in it as they are."""
    assert all(draft in asked for draft in drafts)
    return len(asked.encode()) - sum(len(one.encode()) for one in drafts)


@pytest.mark.row("E7")
@given(st.lists(st.text(), min_size=1, max_size=5))
def test_what_is_put_around_drafts_was_reserved(texts: list[str]) -> None:
    one = verification(request(), draft(texts[0]), by_schema=True)
    schema = len(json.dumps(one.response_format.schema_).encode())
    assert added(one.messages[-1].text, texts[0]) + schema <= VERIFY_BYTES
    many = choice(request(), [draft(text) for text in texts], by_schema=True)
    schema = len(json.dumps(many.response_format.schema_).encode())
    assert added(many.messages[-1].text, *texts) + schema <= VERIFY_BYTES


@given(st.lists(st.text(max_size=2_000), max_size=20))
def test_what_is_told_of_violations_was_reserved(texts: list[str]) -> None:
    found = [Violation(kind="field_mismatch", message=text) for text in texts]
    asked = with_violations(request(), found)
    assert len(asked.messages[-1].text.encode()) <= TOLD_BYTES
    assert with_violations(request(), ()) == request()


@given(st.text(), st.text())
def test_a_draft_cannot_leave_its_mark(text: str, other: str) -> None:
    """Not even one that holds what stood around another draft, or around itself when it was shorter."""
    before = verification(request(), draft(other), by_schema=False).messages[-1].text
    for hostile in (text, before, before + text):
        asked = verification(request(), draft(hostile), by_schema=False).messages[-1].text
        mark = asked[1 : asked.index(" ")]
        assert mark not in hostile
        assert (asked.count(f"<{mark} "), asked.count(f"</{mark}>")) == (1, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"verdict": "confirm", "answer": null}', ("confirmed", None)),
        ('```json\n{"verdict": "correct", "answer": "x"}\n```', ("corrected", "x")),
        ('{"verdict": "replace", "answer": "y"}', ("replaced", "y")),
        ('{"verdict": "replace", "answer": null}', None),
        ('{"verdict": "correct", "answer": "  "}', None),
        ('{"verdict": "maybe", "answer": "x"}', None),
        ("confirm", None),
        ("", None),
    ],
)
def test_verdicts(text: str, expected: tuple[str, str | None] | None) -> None:
    looked = read_verdict(draft(text))
    assert (looked and (looked.resolution, looked.text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"pick": 1, "answer": null}', ("picked", 0)),
        ('{"pick": 3, "answer": null}', ("picked", 2)),
        ('{"pick": 4, "answer": null}', None),
        ('{"pick": -1, "answer": "x"}', None),
        ('{"pick": 0, "answer": "merged"}', ("merged", None)),
        ('{"pick": 0, "answer": null}', None),
        ('{"pick": true, "answer": null}', None),
    ],
)
def test_picks(text: str, expected: tuple[str, int | None] | None) -> None:
    looked = read_pick(draft(text), 3)
    assert (looked and (looked.resolution, looked.pick)) == expected


@given(st.text())
def test_no_words_break_the_reading(text: str) -> None:
    read_verdict(draft(text))
    read_pick(draft("{" + text + "}"), 2)
