"""``Collections`` in memory: passages by how many words of the query they hold."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from signalbox.contracts.passages import Passage
from signalbox.policy.resolved import Collection
from signalbox.retrieval.errors import RetrievalUnavailable


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


@dataclass
class MemoryCollections:
    """``passages`` by the name of their collection; one that has none cannot be searched."""

    collections: Mapping[str, Collection]
    passages: Mapping[str, Sequence[Passage]]

    def search(self, collection: str, query: str, limit_ms: int) -> tuple[Passage, ...]:
        if collection not in self.passages or limit_ms <= 0:
            raise RetrievalUnavailable(f"{collection}: not there")
        known = self.collections[collection]
        fit = {one: len(_words(query) & _words(f"{one.title} {one.text}")) for one in self.passages[collection]}
        best = sorted((one for one, hits in fit.items() if hits), key=lambda one: -fit[one])[: known.passages]
        return tuple(one.model_copy(update={"text": one.text[: known.most_characters]}) for one in best)
