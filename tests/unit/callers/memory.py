"""A key store in memory, for tests; `test_stores` holds it to the same contract as DynamoDB's."""

from dataclasses import replace

from signalbox.callers.keys import CallerKey, KeyStoreUnavailable


class MemoryKeyStore:
    """``KeyStore`` in a dictionary. ``reads`` counts lookups; ``down`` makes every call fail."""

    def __init__(self) -> None:
        self._records: dict[str, CallerKey] = {}
        self.reads = 0
        self.down = False

    def get(self, key_hash: str) -> CallerKey | None:
        self._answer()
        self.reads += 1
        return self._records.get(key_hash)

    def put(self, record: CallerKey) -> None:
        self._answer()
        if record.key_hash in self._records:
            raise ValueError("a key with this hash is already stored")
        self._records[record.key_hash] = record

    def list(self) -> tuple[CallerKey, ...]:
        self._answer()
        return tuple(sorted(self._records.values(), key=lambda record: (record.created_at, record.key_id)))

    def revoke(self, key_id: str) -> CallerKey | None:
        self._answer()
        found = next((record for record in self._records.values() if record.key_id == key_id), None)
        if found is None:
            return None
        revoked = self._records[found.key_hash] = replace(found, state="revoked")
        return revoked

    def _answer(self) -> None:
        if self.down:
            raise KeyStoreUnavailable("switched off")
