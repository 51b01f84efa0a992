"""Only the issued key opens, and only while it may."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.callers.authenticate import Authenticator, Identity, credential
from signalbox.callers.keys import KeyStoreUnavailable, issue_key
from tests.unit.callers.memory import MemoryKeyStore

STORE = MemoryKeyStore()
KEY, RECORD = issue_key(STORE, "acme", "premium")
AUTHENTICATOR = Authenticator(STORE)
KEY_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer  {KEY} "},
        {"x-api-key": KEY},
        {"X-API-KEY": f" {KEY}"},
        {"Authorization": "Basic dTpw", "x-api-key": KEY},
        {"Authorization": "Bearer ", "x-api-key": KEY},
        {"Authorization": f"Bearer {KEY}", "x-api-key": "sb_wrong"},
    ],
)
def test_the_key_is_taken_wherever_sdks_put_it(headers: dict[str, str]) -> None:
    verdict = AUTHENTICATOR.authenticate(headers)
    assert verdict.outcome == "allowed"
    assert verdict.identity == Identity("acme", "premium", RECORD.key_id, RECORD.usage_key)


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": "Bearer "}, {"x-api-key": " "}])
def test_no_credential_is_missing_and_asks_no_store(headers: dict[str, str]) -> None:
    assert Authenticator(MemoryKeyStore()).authenticate(headers).outcome == "missing"


near_misses = st.one_of(
    st.text(),
    st.builds(lambda at, by: KEY[:at] + by + KEY[at + 1 :], st.integers(0, len(KEY)), st.sampled_from(KEY_CHARACTERS)),
    st.builds(lambda cut: KEY[:cut], st.integers(0, len(KEY) - 1)),
    st.builds(lambda more: KEY + more, st.text(min_size=1)),
    st.sampled_from([KEY.upper(), KEY.lower(), RECORD.key_hash, f"sb_{RECORD.key_hash}", RECORD.usage_key]),
    st.from_regex(rf"sb_{RECORD.key_id}_[A-Za-z0-9_-]{{43}}", fullmatch=True),
).filter(lambda sent: sent.strip() != KEY)


@given(sent=near_misses, header=st.sampled_from(["Authorization", "x-api-key"]))
def test_no_other_string_than_the_issued_key_opens(sent: str, header: str) -> None:
    value = f"Bearer {sent}" if header == "Authorization" else sent
    verdict = AUTHENTICATOR.authenticate({header: value})
    assert verdict.identity is None
    assert verdict.outcome != "allowed"


@given(expires_at=st.integers(0, 2_000), now_s=st.floats(0, 2_000))
def test_a_key_opens_until_it_expires_and_never_after(expires_at: int, now_s: float) -> None:
    store = MemoryKeyStore()
    plain, _ = issue_key(store, "acme", expires_at=expires_at)
    verdict = Authenticator(store, clock_s=lambda: now_s).authenticate({"x-api-key": plain})
    assert (verdict.identity is not None) == (now_s < expires_at)
    assert verdict.outcome == ("allowed" if now_s < expires_at else "expired")


@given(expires_at=st.none() | st.integers(0, 2_000), now_s=st.floats(0, 2_000))
def test_a_revoked_key_never_opens(expires_at: int | None, now_s: float) -> None:
    store = MemoryKeyStore()
    plain, record = issue_key(store, "acme", expires_at=expires_at)
    store.revoke(record.key_id)
    verdict = Authenticator(store, clock_s=lambda: now_s).authenticate({"x-api-key": plain})
    assert (verdict.outcome, verdict.identity, verdict.key_id) == ("revoked", None, record.key_id)


def test_a_store_that_answers_with_another_key_opens_nothing() -> None:
    class Confused:
        def get(self, key_hash: str) -> object:
            return RECORD

    other, _ = issue_key(MemoryKeyStore(), "mallory")
    verdict = Authenticator(Confused()).authenticate({"x-api-key": other})  # type: ignore[arg-type]
    assert verdict.outcome == "unknown"


def test_a_store_that_fails_lets_nobody_in() -> None:
    store = MemoryKeyStore()
    store.down = True
    with pytest.raises(KeyStoreUnavailable):
        Authenticator(store).authenticate({"x-api-key": KEY})


@pytest.mark.parametrize(
    "sent",
    ["sb_short", f"{KEY}x", f"{KEY}.a.b", KEY.upper().replace("SB_", "sb_")],
    ids=["short", "long", "like a token", "upper case"],  # the key is another in every process
)
def test_a_malformed_key_costs_no_read(sent: str) -> None:
    store = MemoryKeyStore()
    assert Authenticator(store).authenticate({"x-api-key": sent}).outcome == "malformed"
    assert store.reads == 0


def test_tokens_are_refused_where_they_are_switched_off() -> None:
    assert AUTHENTICATOR.authenticate({"Authorization": "Bearer a.b.c"}).outcome == "bad_token"


def test_another_scheme_is_a_wrong_credential_not_a_missing_one() -> None:
    assert credential({"Authorization": "Basic dTpw"}) == "Basic"
    assert AUTHENTICATOR.authenticate({"Authorization": "Basic dTpw"}).outcome == "malformed"
