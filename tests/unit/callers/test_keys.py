"""Keys look alike, are never stored, and name only what can be named."""

import re
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.callers.keys import TIERS, is_caller_name, is_well_formed, issue_key
from tests.unit.callers.memory import MemoryKeyStore

callers = st.from_regex(r"[A-Za-z0-9._@:|/+=-]{1,128}", fullmatch=True)


@given(caller=callers, tier=st.sampled_from(TIERS))
def test_an_issued_key_has_the_documented_form_and_is_nowhere_in_the_store(caller: str, tier: str) -> None:
    store = MemoryKeyStore()
    plain, record = issue_key(store, caller, tier)
    assert re.fullmatch(r"sb_[a-z0-9]{10}_[A-Za-z0-9_-]{43}", plain)
    assert is_well_formed(plain)
    assert plain.startswith(f"sb_{record.key_id}_")
    secret = plain[-43:]
    assert not any(secret in str(value) for value in astuple(record))
    assert store.list() == (record,)
    assert 20 <= len(record.usage_key) <= 128  # what API Gateway takes


def test_no_two_keys_are_alike() -> None:
    store = MemoryKeyStore()
    issued = [issue_key(store, "acme") for _ in range(200)]
    for values in ([plain for plain, _ in issued], *zip(*((r.key_hash, r.usage_key) for _, r in issued), strict=True)):
        assert len(set(values)) == 200


@pytest.mark.parametrize("caller", ["", "a#b", "a b", "a\n", "x" * 129, "é"])
def test_a_name_that_cannot_be_a_caller_is_refused(caller: str) -> None:
    store = MemoryKeyStore()
    assert not is_caller_name(caller)
    with pytest.raises(ValueError, match="caller's name"):
        issue_key(store, caller)
    assert store.list() == ()


def test_an_unknown_tier_is_refused() -> None:
    with pytest.raises(ValueError, match="no tier 'gold'"):
        issue_key(MemoryKeyStore(), "acme", "gold")
