"""Signatures, next to AWS's published ones and to botocore's."""

from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import example, given
from hypothesis import strategies as st

from signalbox.transport.sigv4 import Keys, signed

_KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
_NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
_TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwth"
    "Ax7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXA"
    "kiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)


# The POSTs without a query of AWS's Signature Version 4 test suite.
@pytest.mark.parametrize(
    ("headers", "body", "token", "names", "signature"),
    [
        ({}, b"", None, "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            {"My-Header1": "value1"},
            b"",
            None,
            "host;my-header1;x-amz-date",
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        ),
        (
            {},
            b"",
            _TOKEN,
            "host;x-amz-date;x-amz-security-token",
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        ),
        (
            {"Content-Type": "application/x-www-form-urlencoded"},
            b"Param1=value1",
            None,
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
    ids=["post-vanilla", "post-header-key-sort", "post-sts-header-before", "post-x-www-form-urlencoded"],
)
def test_awss_own_examples(headers: dict[str, str], body: bytes, token: str | None, names: str, signature: str) -> None:
    keys = _KEYS._replace(token=token)

    sent = signed(
        "https://example.amazonaws.com/", headers, body, service="service", region="us-east-1", keys=keys, now=_NOW
    )

    scope = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    assert sent["Authorization"] == f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"


_HOSTS = st.sampled_from(["h.amazonaws.com", "H.Example.org", "127.0.0.1", "[::1]"])
_PORTS = st.sampled_from(["", ":80", ":443", ":4566"])
# A client would take dot segments out before sending.
_SEGMENTS = st.lists(st.text(min_size=1).filter(lambda text: text not in (".", "..")), max_size=3)
_VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255)).map(str.strip)
_NAMES = st.from_regex(r"\AX-[A-Za-z0-9-]{1,8}[a-z]\Z").filter(lambda name: not name.lower().startswith("x-amz"))


@given(
    scheme=st.sampled_from(["http", "https"]),
    host=_HOSTS,
    port=_PORTS,
    segments=_SEGMENTS.map(lambda texts: [quote(text, safe="") for text in texts]),
    headers=st.dictionaries(_NAMES.map(str.title), _VALUES, max_size=3),
    body=st.binary(max_size=64),
    token=st.none() | st.from_regex(r"\A[A-Za-z0-9+/=]{1,40}\Z"),
    now=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2099, 1, 1), timezones=st.just(UTC)),
)
@example("https", "h", "", ["model", "a%3A0", "converse"], {}, b"{}", "t", datetime(2026, 11, 21, tzinfo=UTC))
def test_botocore_signs_alike(
    scheme: str,
    host: str,
    port: str,
    segments: list[str],
    headers: dict[str, str],
    body: bytes,
    token: str | None,
    now: datetime,
) -> None:
    url = f"{scheme}://{host}{port}/{'/'.join(segments)}"
    theirs = AWSRequest("POST", url, headers=headers, data=body)
    with patch.object(botocore.auth, "get_current_datetime", lambda: now):
        botocore.auth.SigV4Auth(ReadOnlyCredentials("AKID", "secret", token), "bedrock", "eu-west-1").add_auth(theirs)

    ours = signed(
        url, headers, body, service="bedrock", region="eu-west-1", keys=Keys("AKID", "secret", token), now=now
    )

    assert ours == dict(theirs.headers.items())
