"""What ``Retrieve`` answers → passages that can be cited.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_KnowledgeBaseRetrievalResult.html
"""

import hashlib
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from signalbox.contracts.passages import Passage
from signalbox.policy.resolved import Collection
from signalbox.retrieval.errors import RetrievalUnavailable
from signalbox.retrieval.passages import citable, passage, sayable

# Where the service tells which piece of a document it is; which of them there are depends on the kind of store.
_CHUNK_KEYS = ("x-amz-bedrock-kb-chunk-id", "x-amz-kendra-passage-id")
_SOURCE_KEYS = ("x-amz-bedrock-kb-source-uri", "x-amz-kendra-document-id")
_TITLE_KEYS = ("x-amz-kendra-document-title", "title")
_MOST_NAME_CHARACTERS = 48
_HASH_DIGITS = 8


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class Content(_Wire):
    """``text`` is there of texts; images, rows and films have other fields, and are passed over."""

    text: str | None = None


class Result(_Wire):
    """``location`` is a type and, under a name that goes with it, the one thing that identifies the document."""

    content: Content
    location: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    document_id: str | None = None


class RetrieveResponse(_Wire):
    retrieval_results: tuple[Result, ...]


def passages_of(collection: Collection, body: bytes) -> tuple[Passage, ...]:
    """Of a 200's ``body``, in its order. Raises ``RetrievalUnavailable``."""
    try:
        results = RetrieveResponse.model_validate_json(body).retrieval_results
    except ValidationError:
        raise RetrievalUnavailable(f"{collection.name}: Retrieve answered something else") from None
    told = [result for result in results if result.content.text and result.content.text.strip()]
    kept = told[: collection.passages]
    names = numbered(_name(result) for result in kept)
    return tuple(
        passage(name, _title(result), result.content.text or "", collection.most_characters)
        for name, result in zip(names, kept, strict=True)
    )


def numbered(names: Iterable[str]) -> list[str]:
    """``names``, each one that was there before with a number behind it."""
    taken: set[str] = set()
    given = []
    for name in names:
        free, number = name, 2
        while free in taken:
            free, number = f"{name}.{number}", number + 1
        taken.add(free)
        given.append(free)
    return given


def _name(result: Result) -> str:
    """The same for the same piece, whatever else is found: a later turn may cite it again."""
    source = _source(result)
    piece = _first(result.metadata, _CHUNK_KEYS) or result.content.text or ""
    digest = hashlib.sha256(sayable(f"{source}\n{piece}").encode()).hexdigest()[:_HASH_DIGITS]
    name = citable(_stem(source))[:_MOST_NAME_CHARACTERS].rstrip("-._")
    return f"{name or 'document'}.{digest}"


def _title(result: Result) -> str:
    return _first(result.metadata, _TITLE_KEYS) or _stem(_source(result))


def _source(result: Result) -> str:
    """A URI, an address or an id."""
    for name, place in result.location.items():
        if name.endswith("Location") and isinstance(place, dict):
            for value in place.values():
                if isinstance(value, str) and value:
                    return value
    return _first(result.metadata, _SOURCE_KEYS) or result.document_id or ""


def _stem(source: str) -> str:
    """``refunds`` of ``s3://bucket/policies/refunds.md``."""
    try:
        parts = urlsplit(source)
    except ValueError:
        return source
    path = PurePosixPath(unquote(parts.path))
    return path.stem or parts.netloc or source


def _first(metadata: dict[str, Any], keys: Iterable[str]) -> str | None:
    return next((value for key in keys if isinstance(value := metadata.get(key), str) and value), None)
