"""What a Knowledge Base answers becomes passages whose ids stay the same."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.passages import Passage
from signalbox.retrieval.bedrock_wire import numbered, passages_of
from signalbox.retrieval.errors import RetrievalUnavailable
from tests.unit.retrieval.examples import knowledge_base

pytestmark = pytest.mark.row("C7")

_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")


def result(text: str = "Within 14 days.", uri: str = "s3://docs/policy/Refund rules.md", **fields: Any) -> Any:
    return {
        "content": {"type": "TEXT", "text": text},
        "location": {"type": "S3", "s3Location": {"uri": uri}},
        "score": 0.5,
        **fields,
    }


def read(*results: Any, passages: int = 4, most_characters: int = 1200) -> tuple[Passage, ...]:
    known = knowledge_base(passages=passages, most_characters=most_characters)
    return passages_of(known, json.dumps({"retrievalResults": results}).encode())


def test_a_result_becomes_a_passage() -> None:
    (one,) = read(result())
    assert re.fullmatch(r"Refund-rules\.[0-9a-f]{8}", one.id)
    assert (one.title, one.text) == ("Refund rules", "Within 14 days.")


def test_an_id_is_the_same_whatever_else_is_found() -> None:
    other = result("Other.")
    assert read(other, result())[1].id == read(result())[0].id != read(other)[0].id


def test_pieces_are_told_apart_by_what_the_service_calls_them() -> None:
    first, second = read(*[result(metadata={"x-amz-bedrock-kb-chunk-id": name}) for name in "ab"])
    assert first.id != second.id.removesuffix(".2")


def test_documents_of_one_name_are_told_apart_by_where_they_are() -> None:
    first, second = read(result(uri="s3://docs/a/x.md"), result(uri="s3://docs/b/x.md"))
    assert first.id != second.id.removesuffix(".2")


def test_the_same_piece_twice_is_numbered() -> None:
    first, second, third = read(result(), result(), result())
    assert (second.id, third.id) == (f"{first.id}.2", f"{first.id}.3")


@given(st.lists(st.sampled_from(["a", "a.2", "a.2.2", "b", "a.3"]), max_size=12))
def test_numbers_keep_all_apart(names: list[str]) -> None:
    given_ids = numbered(names)
    assert len(set(given_ids)) == len(names)
    assert all(one.startswith(name) for one, name in zip(given_ids, names, strict=True))


@pytest.mark.parametrize(
    ("location", "name", "title"),
    [
        ({"type": "WEB", "webLocation": {"url": "https://example.com/help/late-fees.html?a=b"}}, "late-fees", None),
        ({"type": "WEB", "webLocation": {"url": "https://example.com"}}, "example.com", None),
        (
            {"type": "CONFLUENCE", "confluenceLocation": {"url": "https://x.example/wiki/KYC%20rules"}},
            "KYC-rules",
            "KYC rules",
        ),
        ({"type": "CUSTOM", "customDocumentLocation": {"id": "料金"}}, "document", "料金"),
        ({"type": "CUSTOM", "customDocumentLocation": {"id": "https://[bad"}}, "https-bad", "https://[bad"),
        ({"type": "SALESFORCE"}, "document", ""),
    ],
)
def test_every_kind_of_place_gives_a_name(location: Any, name: str, title: str | None) -> None:
    (one,) = read(result(location=location))
    assert one.id[:-9] == name
    assert one.title == (name if title is None else title)


def test_without_a_place_the_metadata_or_the_documents_id_names_it() -> None:
    bare = {"content": {"text": "x"}}
    assert read({**bare, "metadata": {"x-amz-bedrock-kb-source-uri": "s3://b/fees.pdf"}})[0].id.startswith("fees.")
    assert read({**bare, "documentId": "doc-77"})[0].id.startswith("doc-77.")
    assert read(bare)[0].id.startswith("document.")


def test_a_title_in_the_metadata_wins() -> None:
    assert read(result(metadata={"x-amz-kendra-document-title": "Refunds", "title": 7}))[0].title == "Refunds"
    assert read(result(metadata={"title": "Own title"}))[0].title == "Own title"


def test_what_is_no_text_is_passed_over() -> None:
    image = result(content={"type": "IMAGE", "byteContent": "data:image/png;base64,"})
    row = result(content={"type": "ROW", "row": [{"columnName": "a", "columnValue": "b"}]})
    assert [one.text for one in read(image, result("  "), row, result("kept"))] == ["kept"]


def test_as_many_and_as_long_as_the_policy_says() -> None:
    found = read(*[result(f"{number} words of text") for number in range(9)], passages=2, most_characters=8)
    assert [one.text for one in found] == ["0 words", "1 words"]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"retrievalResults": [{}]}', b'{"RetrievalResults": []}', b"\xff"]
)
def test_another_answer_is_none(body: bytes) -> None:
    with pytest.raises(RetrievalUnavailable, match="bases: Retrieve answered something else") as raised:
        passages_of(knowledge_base(), body)
    assert raised.value.__suppress_context__


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=200), st.text(max_size=30)), max_size=6))
def test_every_id_can_be_cited_and_every_passage_sent_on(found: list[tuple[str, str, str]]) -> None:
    made = read(*[result(text, uri, metadata={"title": title}) for text, uri, title in found])
    assert all(_ID.fullmatch(one.id) for one in made)
    assert len({one.id for one in made}) == len(made)
    assert all(one.model_dump_json() for one in made)
