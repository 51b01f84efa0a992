"""The ``Collections`` that run on AWS: each as the policy says of it."""

from collections.abc import Callable, Mapping

from signalbox.contracts.passages import Passage
from signalbox.policy.resolved import Collection
from signalbox.retrieval.bedrock import KnowledgeBases
from signalbox.retrieval.errors import RetrievalUnavailable
from signalbox.retrieval.sqlite import SqliteFiles
from signalbox.transport.aws import service_url
from signalbox.transport.within import OutOfTime, within

_SERVICE = "bedrock-agent-runtime"


class PolicyCollections:
    """Files of ``bucket`` and Knowledge Bases of ``region``. Threads may share it."""

    def __init__(self, collections: Mapping[str, Collection], bucket: str, region: str) -> None:
        self._collections = collections
        self.files = SqliteFiles(bucket)
        self.knowledge_bases = KnowledgeBases(region, service_url(_SERVICE, region))

    def search(self, collection: str, query: str, limit_ms: int) -> tuple[Passage, ...]:
        """See ``Collections``. A download that takes longer goes on, and serves the next one who asks."""
        if (known := self._collections.get(collection)) is None:
            raise RetrievalUnavailable(f"{collection}: the policy has no such collection")
        try:
            return within(limit_ms, self._search(known, query, limit_ms))
        except OutOfTime:
            raise RetrievalUnavailable(f"{collection}: not searched within {limit_ms} ms") from None

    def _search(self, known: Collection, query: str, limit_ms: int) -> Callable[[], tuple[Passage, ...]]:
        if known.kind == "bedrock":
            return lambda: self.knowledge_bases.search(known, query, limit_ms)
        return lambda: self.files.search(known, query)
