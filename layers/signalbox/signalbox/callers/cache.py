"""Remembers looked-up keys in the process, so that most requests ask no table."""

import time
from collections import OrderedDict
from collections.abc import Callable

from signalbox.callers.keys import CallerKey, KeyLookup

MAX_AGE_S = 60.0
MAX_ENTRIES = 2048


class CachedKeys:
    """``KeyLookup`` in front of another, for ``MAX_AGE_S`` seconds at most.

    Keys that do not exist are remembered too, so a caller who repeats a wrong one costs one read.
    Bounded: the entry not used for longest goes first. Failures are never remembered.
    """

    def __init__(self, keys: KeyLookup, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._clock_s = clock_s
        self._entries: OrderedDict[str, tuple[float, CallerKey | None]] = OrderedDict()

    def get(self, key_hash: str) -> CallerKey | None:
        """See ``KeyLookup``."""
        entry = self._entries.get(key_hash)
        if entry is not None and self._clock_s() - entry[0] < MAX_AGE_S:
            self._entries.move_to_end(key_hash)
            return entry[1]
        asked_at_s = self._clock_s()  # before the read: a revocation while it runs is at most 60 s old as well
        record = self._keys.get(key_hash)
        self._entries[key_hash] = (asked_at_s, record)
        self._entries.move_to_end(key_hash)
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)
        return record
