"""The ``Collections`` that run on AWS, each as the policy says. What a search takes is imported with the first one."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from signalbox.contracts.passages import Passage
from signalbox.policy.resolved import Collection
from signalbox.retrieval.errors import RetrievalUnavailable
from signalbox.transport.aws import service_url
from signalbox.transport.within import OutOfTime, within

if TYPE_CHECKING:
    from signalbox.retrieval.sqlite import SqliteFiles

_SERVICE = "bedrock-agent-runtime"


class PolicyCollections:
    """Files of ``bucket`` and Knowledge Bases of ``region``. Threads may share it."""

    def __init__(self, collections: Mapping[str, Collection], bucket: str, region: str) -> None:
        self._collections = collections
        self._bucket = bucket
        self._region = region
        self._making = threading.Lock()
        self._files: SqliteFiles | None = None

    def search(self, collection: str, query: str, limit_ms: int) -> tuple[Passage, ...]:
        """See ``Collections``. A download that takes longer goes on, and serves the next one who asks."""
        if (known := self._collections.get(collection)) is None:
            raise RetrievalUnavailable(f"{collection}: the policy has no such collection")
        search = self._ask if known.kind == "bedrock" else self._look_up
        try:
            return within(limit_ms, lambda: search(known, query, limit_ms))
        except OutOfTime:
            raise RetrievalUnavailable(f"{collection}: not searched within {limit_ms} ms") from None

    @property
    def files(self) -> "SqliteFiles":
        from signalbox.retrieval.sqlite import SqliteFiles

        with self._making:
            if self._files is None:
                self._files = SqliteFiles(self._bucket)
            return self._files

    def _look_up(self, known: Collection, query: str, limit_ms: int) -> tuple[Passage, ...]:  # noqa: ARG002
        return self.files.search(known, query)

    def _ask(self, known: Collection, query: str, limit_ms: int) -> tuple[Passage, ...]:
        from signalbox.retrieval.bedrock import KnowledgeBases

        return KnowledgeBases(self._region, service_url(_SERVICE, self._region)).search(known, query, limit_ms)
