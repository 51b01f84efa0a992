"""Pieces of documents that a reply may be grounded in and cite."""

from signalbox.contracts.model import Contract


class Passage(Contract):
    """``id`` is what a reply cites, as ``[doc:ID]``: letters, digits, dot, dash, underscore."""

    id: str
    title: str
    text: str
