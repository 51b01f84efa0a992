"""Amazon Bedrock Knowledge Bases: one signed POST of ``Retrieve`` a search.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Retrieve.html
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from signalbox.contracts.passages import Passage
from signalbox.policy.resolved import Collection
from signalbox.retrieval.ends import both_ends
from signalbox.retrieval.errors import RetrievalUnavailable
from signalbox.retrieval.passages import sayable
from signalbox.transport.aws import NoAwsKeys, ambient_keys
from signalbox.transport.exchange import Answer, BrokenOff, TooLarge, post, shared_client
from signalbox.transport.sigv4 import Keys, signed
from signalbox.transport.within import OutOfTime

if TYPE_CHECKING:
    import httpx

CONNECT_LIMIT_MS = 1_000
# The API takes 20,000; models that make vectors of them read less, some no more than 512 tokens.
MOST_QUERY_CHARACTERS = 1_000


@dataclass(frozen=True)
class KnowledgeBases:
    """The service ``bedrock-agent-runtime`` at ``url`` in ``region``."""

    region: str
    url: str
    keys: Callable[[], Keys] = ambient_keys
    client: Callable[[], "httpx.Client"] = shared_client

    def search(self, collection: Collection, query: str, limit_ms: int) -> tuple[Passage, ...]:
        """Raises ``RetrievalUnavailable``."""
        from signalbox.retrieval.bedrock_wire import passages_of
        from signalbox.transport.json_call import error_code

        asked = both_ends(sayable(query).strip(), MOST_QUERY_CHARACTERS)
        if not asked:
            return ()
        answer = self._retrieve(collection, asked, time.monotonic() + limit_ms / 1_000)
        if answer.status != 200:
            raise RetrievalUnavailable(f"{collection.name}: Retrieve failed: {error_code(answer)}")
        return passages_of(collection, answer.body)

    def _retrieve(self, collection: Collection, query: str, ends_at: float) -> Answer:
        import httpx

        url = f"{self.url.rstrip('/')}/knowledgebases/{collection.knowledge_base_id}/retrieve"
        asked = {
            "retrievalQuery": {"text": query},
            "retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": collection.passages}},
        }
        body, now = json.dumps(asked).encode(), datetime.now(UTC)
        headers = {"Content-Type": "application/json"}
        try:
            proven = signed(url, headers, body, service="bedrock", region=self.region, keys=self.keys(), now=now)
            return post(self.client(), url, proven, body, ends_at, CONNECT_LIMIT_MS)
        except (NoAwsKeys, BrokenOff, OutOfTime, TooLarge, httpx.HTTPError, httpx.InvalidURL) as error:
            # Only its type: the service's words may quote the request.
            raise RetrievalUnavailable(f"{collection.name}: Retrieve failed: {type(error).__name__}") from None
