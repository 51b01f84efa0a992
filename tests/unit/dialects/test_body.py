import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.errors import BadRequest, SignalboxError, TooLarge
from signalbox.dialects.body import MAX_BODY_BYTES, MAX_DEPTH, depth, read_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def read(raw: bytes) -> Any:
    return read_json(raw, "application/json", None)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "invalid_request"),
        (b" \n", "invalid_request"),
        (b"[1]", "invalid_request"),
        (b'"text"', "invalid_request"),
        (b'{"a": }', "invalid_json"),
        (b'{"a": 1', "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b'{"a": -Infinity}', "invalid_json"),
        (b'{"a": 1e999}', "invalid_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "invalid_json"),
        (b'{"a": "\x01"}', "invalid_json"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"x": [{"a": 1, "\\u0061": 2}]}', "duplicate_key"),
        (b'{"a": "\xff"}', "invalid_encoding"),
        (b'{"a": "\xed\xa0\x80"}', "invalid_encoding"),
        (b'\xef\xbb\xbf{"a": 1}', "invalid_encoding"),
        ('{"a": 1}'.encode("utf-16"), "invalid_encoding"),
        ('{"a": 1}'.encode("utf-16-le"), "invalid_encoding"),
        ('{"a": 1}'.encode("utf-32"), "invalid_encoding"),
        (b'{"a": "\\ud800"}', "invalid_encoding"),
        (b'{"\\udc00": 1}', "invalid_encoding"),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "json_too_deep"),
        (b"[" * 100_000, "json_too_deep"),
    ],
)
def test_a_bad_body_is_one_clear_error(raw: bytes, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(raw)
    assert caught.value.code == code


def test_invalid_json_says_where() -> None:
    with pytest.raises(BadRequest, match="line 2 column 6"):
        read(b'{\n"a": }')


def test_the_size_limit_is_the_last_size_taken() -> None:
    frame = len(b'{"a":""}')
    assert read(b'{"a":"' + b"x" * (MAX_BODY_BYTES - frame) + b'"}')
    with pytest.raises(TooLarge) as caught:
        read(b'{"a":"' + b"x" * (MAX_BODY_BYTES - frame + 1) + b'"}')
    assert caught.value.code == "body_too_large"


def test_the_depth_limit_is_the_last_depth_taken() -> None:
    assert read(b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH)


@pytest.mark.parametrize("text", [r"\ud83d\ude00", r"\\ud800", "[" * 200, r"\"" + "{" * 200, r"\\"])
def test_what_only_looks_bad_inside_a_string_is_taken(text: str) -> None:
    raw = f'{{"a": "{text}", "b": [{"[]," * 100}[]]}}'.encode()
    assert read(raw) == json.loads(raw)


@pytest.mark.parametrize(
    ("content_type", "content_encoding", "code"),
    [
        ("application/json", "gzip", "unsupported_encoding"),
        ("application/json", "br", "unsupported_encoding"),
        ("application/xml", None, "unsupported_media_type"),
        ("multipart/form-data; boundary=x", None, "unsupported_media_type"),
        ("application/json; charset=utf-16", None, "invalid_encoding"),
    ],
)
def test_headers_that_say_something_else(content_type: str, content_encoding: str | None, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_json(b"{}", content_type, content_encoding)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("content_type", "content_encoding"),
    [(None, None), ("application/json", "identity"), ('Application/JSON; charset="UTF-8"', ""), ("a/b+json", None)],
)
def test_headers_that_say_json(content_type: str | None, content_encoding: str | None) -> None:
    assert read_json(b"{}", content_type, content_encoding) == {}


@given(st.dictionaries(st.text(), JSON), st.booleans())
def test_every_object_comes_through_whole(value: dict[str, Any], escaped: bool) -> None:
    assert read(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(st.binary() | st.text(alphabet='[]{}":,\\ue0d8 1').map(str.encode))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    with suppress(SignalboxError):
        assert isinstance(read(raw), dict)


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max((_depth(one) for one in inner), default=0)


@given(JSON)
def test_depth_is_that_of_the_value(value: Any) -> None:
    # Enough brackets that the count alone does not settle it.
    raw = json.dumps([value, [[]] * MAX_DEPTH]).encode()
    assert depth(raw) == _depth([value, [[]]])


@pytest.mark.row("B4")
@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded", "text/plain;charset=UTF-8"])
def test_curl_d_as_the_write_ups_call_it_is_json_all_the_same(content_type: str | None) -> None:
    assert read_json(b'{"id":"abc123"}', content_type, None) == {"id": "abc123"}


@pytest.mark.parametrize("raw", ["{}".encode("utf-16-le"), "\ufffd\ufffd{\x00}\x00".encode()])
def test_utf_16_is_named_also_as_the_gateway_leaves_it(raw: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        read_json(raw, None, None)
    assert caught.value.code == "invalid_encoding"
