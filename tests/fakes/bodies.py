"""``Bodies`` in memory."""

from dataclasses import dataclass, field


@dataclass
class MemoryBodies:
    kept: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, body: bytes) -> None:
        self.kept[key] = body

    def get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)
