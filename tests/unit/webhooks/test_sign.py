"""Signatures against the specification's own vector, and what else they must do."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.webhooks.sign import BadSecret, sign

pytestmark = pytest.mark.row("A11")
# The vector that the specification's libraries are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT_S, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'


def test_the_specifications_vector() -> None:
    assert sign(SECRET, ID, AT_S, BODY) == {
        "webhook-id": ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_secret_without_the_prefix_is_taken_by_its_bytes() -> None:
    assert sign(SECRET.removeprefix("whsec_"), ID, AT_S, BODY) == sign(SECRET, ID, AT_S, BODY)


@pytest.mark.parametrize("secret", ["", "whsec_"])
def test_an_empty_secret_signs_nothing(secret: str) -> None:
    with pytest.raises(BadSecret, match="empty"):
        sign(secret, ID, AT_S, BODY)


@pytest.mark.parametrize("secret", ["whsec_hunter two!", "whsec_hunt erXY!", "whsec_hunter2", "whsec_hunt\u00e9r"])
def test_a_secret_cut_short_or_mistyped_signs_nothing_and_is_not_told(secret: str) -> None:
    with pytest.raises(BadSecret) as raised:
        sign(secret, ID, AT_S, BODY)
    assert "hunt" not in str(raised.value)
    assert (raised.value.__cause__, raised.value.__suppress_context__) == (None, True)


@given(st.binary(min_size=1), st.binary(min_size=1), st.binary(), st.binary(), st.integers(0), st.integers(0))
def test_another_secret_body_or_time_is_another_signature(
    key: bytes, other_key: bytes, body: bytes, other_body: bytes, at_s: int, other_at_s: int
) -> None:
    one = sign(_secret(key), "req_1", at_s, body)["webhook-signature"]
    two = sign(_secret(other_key), "req_1", other_at_s, other_body)["webhook-signature"]
    assert (one == two) is ((_same_key(key), at_s, body) == (_same_key(other_key), other_at_s, other_body))


def _secret(key: bytes) -> str:
    return f"whsec_{base64.b64encode(key).decode()}"


def _same_key(key: bytes) -> bytes:
    """HMAC pads keys of up to 64 bytes with zeros."""
    return key.rstrip(b"\0")
