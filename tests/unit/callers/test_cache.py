"""The cache saves reads, and never for longer than a revoked key may live."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.callers import cache
from signalbox.callers.cache import MAX_AGE_S, CachedKeys
from signalbox.callers.keys import KeyStoreUnavailable, issue_key
from tests.unit.callers.memory import MemoryKeyStore


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_the_limit_is_sixty_seconds() -> None:
    assert MAX_AGE_S <= 60


def test_one_read_serves_for_the_time_allowed_and_no_longer() -> None:
    store, clock = MemoryKeyStore(), Clock()
    keys = CachedKeys(store, clock)
    _, record = issue_key(store, "acme")
    for hashed in (record.key_hash, "unknown"):
        before = store.reads
        keys.get(hashed)
        clock.now_s += MAX_AGE_S - 0.1
        keys.get(hashed)
        assert store.reads == before + 1
        clock.now_s += 0.1
        keys.get(hashed)
        assert store.reads == before + 2


@given(waits_s=st.lists(st.floats(0, 40), max_size=20))
def test_a_revoked_key_is_never_served_a_minute_later(waits_s: list[float]) -> None:
    """However often it is asked for in between."""
    store, clock = MemoryKeyStore(), Clock()
    keys = CachedKeys(store, clock)
    _, record = issue_key(store, "acme")
    keys.get(record.key_hash)
    store.revoke(record.key_id)
    revoked_at_s = clock.now_s
    for wait_s in waits_s:
        clock.now_s += wait_s
        found = keys.get(record.key_hash)
        assert found is not None
        assert found.state == "revoked" or clock.now_s - revoked_at_s < MAX_AGE_S


def test_it_stays_small_and_keeps_what_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_ENTRIES", 3)
    store = MemoryKeyStore()
    keys = CachedKeys(store, Clock())
    for hashed in ("used", "a", "b", "used", "c", "used", "d", "used"):
        keys.get(hashed)
        assert len(keys._entries) <= 3
    assert store.reads == 5  # "used" once


def test_a_failure_is_not_remembered() -> None:
    store = MemoryKeyStore()
    keys = CachedKeys(store, Clock())
    _, record = issue_key(store, "acme")
    store.down = True
    with pytest.raises(KeyStoreUnavailable):
        keys.get(record.key_hash)
    store.down = False
    assert keys.get(record.key_hash) == record
